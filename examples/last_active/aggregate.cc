#include "examples/last_active/aggregate.h"

#include <sluice/select/select.h>
#include <sluice/timers/timer.h>

#include <stdexcept>
#include <utility>

namespace last_active {

aggregate_result aggregate(const sluice::channel<parsed>& events, const sluice::channel<user_times>& batches,
                           const sluice::channel<written>& results, const options& o, stats& counts, interrupt& stop) {
  user_times current;
  aggregate_result out;
  bool reading = true;  // there may be more events
  bool writing = true;  // the writer has not reported yet; its first report is about the table
  bool failed = false;  // the writer has given up
  bool due = false;     // the tick has come, or the end

  auto event = sluice::recv(events);
  auto tick = sluice::every(o.tick);
  auto result = sluice::recv(results);
  while (reading || writing || (!current.empty() && !failed)) {
    if ((due || !reading) && !writing && !failed && !current.empty()) {
      batches.send(std::exchange(current, user_times{}));
      writing = true;
      due = false;
    }
    const bool room = failed || current.size() < o.max_pending;
    const auto won = reading && room ? sluice::select(event, tick, result) : sluice::select(tick, result);
    if (won == event) {
      try {
        if (auto p = event.take()) {
          current.merge(p->newest);
        } else {
          reading = false;
        }
      } catch (const std::exception& e) {  // a parser failed; what came before is still written
        out.error = e.what();
        reading = false;
      }
    } else if (won == tick) {
      tick.take();
      due = !current.empty();
    } else {
      writing = false;
      auto w = result.take();
      if (!w) throw std::logic_error("the writer ended without a result");
      failed = !w->error.empty();
      if (failed) {
        out.error = std::move(w->error);
        current.merge(w->batch);
        stop.request();
      }
    }
    counts.pending.store(current.size(), std::memory_order_relaxed);
  }
  out.unwritten = current.size();
  return out;
}

}  // namespace last_active
