// wait_list.h - a fact that becomes true once, and everybody who waits for that: futures stand on it, and so can an event
// of your own (examples/custom_event).
//
//   wait_list happened;
//   class my_event {                                     // an event
//     wait_node node_; ...
//     bool poll() { return happened.fired(); }
//     bool arm(waiter& w, std::uint32_t i) noexcept { return happened.arm(node_, w, i); }
//     void disarm() noexcept { happened.disarm(node_); }
//   };
// Threads: all members may be called from any fiber or thread. None blocks beyond a short spin.
// Orders: what happened before fire() is visible to whoever sees fired() or is woken by it.
// Invariant: once fired, no undecided wait is linked. Lock: the lowest bit of word_; with it held only try_win is called.
#pragma once

#include <sluice/base/check.h>
#include <sluice/futures/wait_queue.h>

namespace sluice {

class wait_list {
 public:
  wait_list() = default;
  ~wait_list() { SLUICE_CHECK(waiting_.empty(), "a wait_list was destroyed while somebody waits in it"); }

  bool fired() const noexcept { return word_.load(std::memory_order_acquire) & was_fired; }

  // An event's arm: true, `node` waits; false, the wait is decided (perhaps by this call, as `index`).
  bool arm(wait_node& node, waiter& w, std::uint32_t index) noexcept {
    lock();
    const bool now = fired();
    if (!now) waiting_.push(node, w, index);
    unlock(0);
    if (now) w.claim_own(index);
    return !now;
  }

  void disarm(wait_node& node) noexcept {
    lock();
    if (node.linked()) wait_queue::unlink(node);
    unlock(0);
  }

  // Wakes all, once and for all. Somebody who sees fired() may destroy the list, so keep it alive until this returns.
  void fire() noexcept {
    won_chain winners;
    lock();
    while (wait_node* node = waiting_.pop_won()) winners.push(*node);
    unlock(was_fired);
    winners.finish_all();
  }

  std::size_t size() noexcept {
    lock();
    const std::size_t n = waiting_.size();
    unlock(0);
    return n;
  }

 private:
  enum : std::uint32_t { locked = 1, was_fired = 2 };
  void lock() noexcept {
    while (word_.fetch_or(locked, std::memory_order_acquire) & locked)
      for (detail::spin_wait spin; word_.load(std::memory_order_relaxed) & locked;) spin.once();
  }
  void unlock(std::uint32_t set) noexcept {
    word_.store((word_.load(std::memory_order_relaxed) & was_fired) | set, std::memory_order_release);
  }

  wait_queue waiting_;
  std::atomic<std::uint32_t> word_{0};  // last, where shared_state fills up the space behind it
};

}  // namespace sluice
