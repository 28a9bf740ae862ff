// latch.h - opens once, when it has been counted down to 0.
//
//   latch ready(3);
//   ... ready.count_down();                                  // by three others
//   ready.wait();
//   auto open = opened(ready);  auto late = after(1s);       // as an event
//
// Threads: everything may be called from any fiber or thread; wait() and arrive_and_wait() block, the rest does not.
// Orders:  what happened before a count_down() is visible to whoever sees the latch open.
// Cost:    count_down() that wakes nobody is one compare-and-swap, wait() at an open latch one load.
// Whoever sees it open may destroy it at once, while the last count_down() is still on its way out.
#pragma once

#include <sluice/sync/detail/down_counter.h>

#include <stdexcept>
#include <string>

namespace sluice {

// The event "the latch is open". Once it is, it stays ready.
class opened_event : public detail::zero_event {
 public:
  using zero_event::zero_event;
  bool spent() const noexcept { return poll(); }
};

class latch {
 public:
  // std::invalid_argument if n is negative or beyond max().
  explicit latch(std::ptrdiff_t n) : left_("latch", n) {}

  static constexpr std::ptrdiff_t max() noexcept { return detail::counted::most; }

  // std::logic_error if fewer than n are left, or n is negative; then nothing has changed.
  void count_down(std::ptrdiff_t n = 1) {
    if (n < 0) throw std::invalid_argument("sluice: a latch cannot be counted down by " + std::to_string(n));
    left_.add(-n);
  }
  bool try_wait() const noexcept { return left_.is_zero(); }
  // Blocks until the latch is open. Throws cancelled.
  void wait() {
    detail::zero_event open(left_);
    detail::wait_one(open);
  }
  // Throws as count_down() and wait() do; if cancelled, it has counted down.
  void arrive_and_wait(std::ptrdiff_t n = 1) {
    count_down(n);
    wait();
  }

 private:
  friend opened_event opened(latch& l) noexcept { return opened_event(l.left_); }
  detail::down_counter left_;
};

opened_event opened(latch& l) noexcept;

}  // namespace sluice
