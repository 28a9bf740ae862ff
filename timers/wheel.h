// wheel.h - the deadlines of the fibers of one worker: a hierarchical timing wheel.
//
// Varghese and Lauck, "Hashed and hierarchical timing wheels" (SOSP 1987), as Linux and tokio have it: add and remove are
// O(1); advancing visits each timer at most once for each level. A slot of level 0 is one tick of 65.5 us, each further
// level is 64 times coarser; eight levels reach beyond what steady_clock can express.
//
// Threads: add, remove and fire from any thread. The lock guards the slots and every node in them.
// Invariants: a node in slot s of level l is due when tick s of that level comes round, not before; a bit of occupied_ is
//   set exactly if its slot is not empty; now_ only grows, and every timer due at or before now_ has been fired.
#pragma once

#include <sluice/base/spinlock.h>
#include <sluice/futures/timer_queue.h>
#include <sluice/futures/wait_queue.h>

#include <array>
#include <atomic>
#include <mutex>

namespace sluice::detail {

class timer_wheel final : public timer_queue {
 public:
  explicit timer_wheel(steady_time start) noexcept : start_(start) {}

  void add(timer_node& node, waiter& w, std::uint32_t index) noexcept override;
  void remove(timer_node& node) noexcept override;

  // Whether no timer is there at all.
  bool empty() noexcept;

  // Wins every timer whose deadline is not after `now`, then wakes their waiters.
  void fire(steady_time now) noexcept;

  // No timer is due before this; steady_time::max() if there is none. Readable without the lock, as a hint for sleeping.
  steady_time next_deadline() const noexcept;

  // How many are armed. Readable without the lock.
  std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }

 private:
  static constexpr int levels = 8;
  static constexpr std::uint64_t slots = 64;
  static constexpr int tick_shift = 16;
  using lock_guard = std::lock_guard<spinlock>;

  std::uint64_t tick_at_or_after(steady_time t) const noexcept;
  void insert(timer_node& node, std::uint64_t due) noexcept;
  std::uint64_t earliest_tick() const noexcept;
  void update_next() noexcept;
  void count(std::size_t armed) noexcept { size_.store(armed, std::memory_order_relaxed); }

  static constexpr std::uint64_t no_tick = ~std::uint64_t{0};
  const steady_time start_;
  spinlock lock_;
  std::uint64_t now_ = 0;  // the tick up to which all has been fired
  std::array<std::uint64_t, levels> occupied_{};
  std::array<std::array<wait_queue, slots>, levels> wheel_;
  std::atomic<std::uint64_t> next_{no_tick};  // earliest_tick(), or earlier
  std::atomic<std::size_t> size_{0};          // changed with the lock held
};

}  // namespace sluice::detail
