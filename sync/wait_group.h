// wait_group.h - wait until all that was begun is done.
//
//   wait_group jobs;
//   for (auto& j : all) { jobs.add(); go([&] { j.run(); jobs.done(); }); }
//   jobs.wait();
//   auto quiet = idle(jobs);  auto late = after(1s);         // as an event
//
// Call add() before that which will call done() begins. At 0 it may be used anew.
// Threads: everything may be called from any fiber or thread; wait() blocks, the rest does not.
// Orders:  what happened before a done() is visible to whoever sees that all are done.
// Cost:    add() and done() that wake nobody are one compare-and-swap, wait() with nothing to wait for one load.
// Whoever sees that all are done may destroy it at once, while the last done() is still on its way out.
#pragma once

#include <sluice/sync/detail/down_counter.h>

namespace sluice {

using idle_event = detail::zero_event;

class wait_group {
 public:
  wait_group() : pending_("wait_group", 0) {}

  // n more; fewer if negative. std::logic_error if the count would be negative; then nothing has changed.
  void add(std::ptrdiff_t n = 1) { pending_.add(n); }
  // One less. std::logic_error if there was none.
  void done() { pending_.add(-1); }
  // Blocks until the count is 0. Throws cancelled.
  void wait() {
    detail::zero_event quiet(pending_);
    detail::wait_one(quiet);
  }

 private:
  friend idle_event idle(wait_group& g) noexcept { return idle_event(g.pending_); }
  detail::down_counter pending_;
};

// The event "the count is 0". Ready for as long as that is so; a wait that it has won stays won.
idle_event idle(wait_group& g) noexcept;

}  // namespace sluice
