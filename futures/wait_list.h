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
#include <sluice/base/cycles.h>
#include <sluice/futures/wait_queue.h>

namespace sluice {

class wait_list {
 public:
  wait_list() = default;
  ~wait_list() { SLUICE_CHECK(waiting_.empty(), "a wait_list was destroyed while somebody waits in it"); }

  bool fired() const noexcept { return word_.load(std::memory_order_acquire) & was_fired; }
  // When, in ticks of cycle_count() with the lowest bits gone: of two lists, which was first. Requires fired().
  std::uint64_t fired_at() const noexcept { return word_.load(std::memory_order_acquire) & ~flags; }

  // An event's arm: true, `node` waits; false, the wait is decided (perhaps by this call, as `index`).
  bool arm(wait_node& node, waiter& w, std::uint32_t index) noexcept {
    lock();
    const bool now = fired();
    if (!now) waiting_.push(node, w, index);
    unlock(!now && index == early ? has_early : 0);
    if (now) w.claim_own(index);
    return !now;
  }

  // Whether it was still waiting.
  bool disarm(wait_node& node) noexcept {
    lock();
    const bool linked = node.linked();
    if (linked) wait_queue::unlink(node);
    unlock(0);
    return linked;
  }

  // Wakes all, once and for all. Somebody who sees fired() may destroy the list, which is not touched after that.
  // Those armed as `early` are finished before anybody sees fired(). What they run may let go of the list as well: so if
  // there are any, keep() is called before them, and what it returns is destroyed in the end.
  template <class Keep>
  void fire(Keep keep) noexcept {
    lock();
    if (word_.load(std::memory_order_relaxed) & has_early) [[unlikely]] {
      [[maybe_unused]] const auto alive = keep();
      while (word_.load(std::memory_order_relaxed) & has_early) finish_early();
      fire_rest();
    } else {
      fire_rest();
    }
  }
  void fire() noexcept {
    fire([this] { return this; });
  }
  static constexpr std::uint32_t early = waiter::expired_index - 1;

  std::size_t size() noexcept {
    lock();
    const std::size_t n = waiting_.size();
    unlock(0);
    return n;
  }

 private:
  static constexpr std::uint64_t locked = 1, was_fired = 2, has_early = 4, flags = 7;
  void lock() noexcept { detail::lock_bit(word_, locked); }
  void unlock(std::uint64_t set) noexcept {
    word_.store((word_.load(std::memory_order_relaxed) & ~locked) | set, std::memory_order_release);
  }
  // With the lock, which it releases.
  void fire_rest() noexcept {
    won_chain winners;
    while (wait_node* node = waiting_.pop_won()) winners.push(*node);
    word_.store((detail::cycle_count() & ~flags) | was_fired, std::memory_order_release);
    winners.finish_all();
  }
  // Gives up the lock meanwhile.
  void finish_early() noexcept {
    won_chain winners;
    waiting_.drain([&](wait_node& node) {
      if (node.index != early)
        waiting_.push_again(node);
      else if (node.try_win())
        winners.push(node);
    });
    word_.store(0, std::memory_order_release);
    winners.finish_all();
    lock();
  }

  std::atomic<std::uint64_t> word_{0};  // the flags; above them, when it fired
  wait_queue waiting_;
};

}  // namespace sluice
