// progress.h - for a person who watches: how fast, how many, and where it waits.
#pragma once

#include "examples/last_active/parse_stage.h"
#include "examples/last_active/reporter.h"
#include "examples/last_active/stats.h"

#include <sluice/channels/channel.h>

#include <chrono>
#include <string>

namespace last_active {

// "1,234,567 lines  2,345,678/s  3 bad  812 users waiting  9,500 written in 12 batches  queued 4+1"
std::string progress_line(const stats& counts, double lines_per_second, std::size_t chunks, std::size_t parsed_chunks);

// One line a `period` on standard error, until `done` is closed.
void show_progress(const sluice::channel<char>& done, const sluice::channel<chunk>& chunks,
                   const sluice::channel<parsed>& events, const stats& counts, std::chrono::milliseconds period,
                   reporter& tell);

}  // namespace last_active
