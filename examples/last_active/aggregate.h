// aggregate.h - where everything meets: parsed chunks and ticks come in, one batch a tick goes out.
#pragma once

#include "examples/last_active/interrupt.h"
#include "examples/last_active/options.h"
#include "examples/last_active/parse_stage.h"
#include "examples/last_active/writer.h"

namespace last_active {

struct aggregate_result {
  std::size_t unwritten = 0;  // users whose newest time is not in the database
  std::string error;          // why; or what else ended the job early. Empty: all is well.
};

// Runs until `events` is closed and everything is written, or the writer has given up. At most one batch is with the writer;
// meanwhile the next one collects, and when it has options::max_pending users no more events are taken: the channels fill,
// and the readers pause. When the writer gives up, `stop` is requested, and what was read is still taken and counted.
aggregate_result aggregate(const sluice::channel<parsed>& events, const sluice::channel<user_times>& batches,
                           const sluice::channel<written>& results, const options& o, stats& counts, interrupt& stop);

}  // namespace last_active
