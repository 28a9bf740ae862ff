// parse_stage.h - one of the parallel stages: chunks of lines in, the newest time of each user in them out.
#pragma once

#include "examples/last_active/chunk.h"
#include "examples/last_active/stats.h"
#include "examples/last_active/user_times.h"

#include <sluice/channels/channel.h>

#include <string>
#include <vector>

namespace last_active {

struct parsed {
  chunk lines;                            // keeps alive what the names point into
  std::vector<user_times::entry> newest;  // one for each user in the chunk
};

// Parses every line of `c`. Bad lines are counted and, if `bad_lines` is not null, appended to it as they go into the error
// file: source, line number, fault and the line itself, separated by tabs. `scratch` has borrowed names and is empty before
// and after; it saves building an index for each chunk.
parsed parse_chunk(chunk c, user_times& scratch, stats& counts, std::string* bad_lines);

// Runs until `chunks` is closed and drained. `errors`: where formatted bad lines go; null if they are only
// counted.
void parse_stage(const sluice::channel<chunk>& chunks, const sluice::channel<parsed>& out,
                 const sluice::channel<std::string>* errors, stats& counts);

}  // namespace last_active
