// writer.h - the last stage: batches into the database, on a thread of its own, since SQLite blocks.
#pragma once

#include "examples/last_active/options.h"
#include "examples/last_active/reporter.h"
#include "examples/last_active/stats.h"
#include "examples/last_active/user_times.h"

#include <sluice/channels/channel.h>

#include <string>

namespace last_active {

// How a batch ended. Each batch gets exactly one; a writer that reported an error takes no further batch.
struct written {
  user_times batch;   // if it failed: given back
  std::string error;  // empty: it is in the database
};

// Opens the database and makes the table, and reports that as an empty batch; then writes each of `batches` until the
// channel is closed. What may pass is tried again for options::retry, with a message at the start and the end of it.
void write_batches(const sluice::channel<user_times>& batches, const sluice::channel<written>& out, const options& o,
                   stats& counts, reporter& tell);

}  // namespace last_active
