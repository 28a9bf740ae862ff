// deadline.h - one point in time in a wait: what timers and waits with a limit are made of.
#pragma once

#include <sluice/futures/timer_queue.h>

#include <chrono>
#include <cstdint>

namespace sluice::detail {

constexpr std::chrono::hours far_away(24 * 365 * 100);

template <class Rep, class Period>
bool is_far_away(std::chrono::duration<Rep, Period> d) {
  return std::chrono::duration<double>(d) > far_away;
}

// now + d without overflow: what is too far away is never, and what is past is now.
template <class Rep, class Period>
steady_time from_now(std::chrono::duration<Rep, Period> d) {
  if (is_far_away(d)) return steady_time::max();
  const steady_time now = std::chrono::steady_clock::now();
  return d > d.zero() ? now + std::chrono::ceil<steady_time::duration>(d) : now;
}

// The deadline's place in the queue of the party that waits.
class armed_deadline {
 public:
  armed_deadline() = default;
  armed_deadline(const armed_deadline&) noexcept {}  // a copy is armed nowhere
  armed_deadline& operator=(const armed_deadline&) noexcept { return *this; }

  // One that has passed is due, and fires a moment later.
  void arm(steady_time deadline, waiter& w, std::uint32_t index) noexcept {
    node_.queue = nullptr;  // of a wait that it won
    if (deadline == steady_time::max()) return;
    node_.deadline = deadline;
    w.timers().add(node_, w, index);
  }
  void disarm() noexcept {
    if (node_.queue != nullptr) node_.queue->remove(node_);
    node_.queue = nullptr;
  }

 private:
  timer_node node_;
};

}  // namespace sluice::detail
