#include <sluice/timers/wheel.h>

#include <algorithm>
#include <bit>
#include <mutex>

namespace sluice::detail {

std::uint64_t timer_wheel::tick_at_or_after(steady_time t) const noexcept {
  const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(t - start_).count();
  if (ns <= 0) return 0;
  return ((static_cast<std::uint64_t>(ns) - 1) >> tick_shift) + 1;
}

// The level is that of the highest 6-bit digit in which `due` differs from now: the slot comes round when all digits above
// it agree, and is then spread over the levels below.
// Requires due > now_.
void timer_wheel::insert(timer_node& node, std::uint64_t due) noexcept {
  const int level = (63 - std::countl_zero(due ^ now_)) / 6;
  const std::uint64_t slot = (due >> (6 * level)) % slots;
  node.slot = static_cast<std::uint16_t>(static_cast<std::uint64_t>(level) * slots + slot);
  occupied_[static_cast<std::size_t>(level)] |= std::uint64_t{1} << slot;
}

void timer_wheel::add(timer_node& node, waiter& w, std::uint32_t index) noexcept {
  const std::uint64_t due = tick_at_or_after(node.deadline);
  const lock_guard guard(lock_);
  node.queue = this;
  insert(node, std::max(due, now_ + 1));
  wheel_[node.slot / slots][node.slot % slots].push(node, w, index);
  count(size() + 1);
  if (due < next_.load(std::memory_order_relaxed)) update_next();
}

void timer_wheel::remove(timer_node& node) noexcept {
  const lock_guard guard(lock_);
  if (!node.linked()) return;
  wait_queue::unlink(node);
  count(size() - 1);
  if (wheel_[node.slot / slots][node.slot % slots].empty())
    occupied_[node.slot / slots] &= ~(std::uint64_t{1} << (node.slot % slots));
}

// The start of the earliest slot that is occupied.
std::uint64_t timer_wheel::earliest_tick() const noexcept {
  for (int level = 0; level < levels; ++level) {
    const auto l = static_cast<std::size_t>(level);
    const int shift = 6 * level;
    const std::uint64_t at = (now_ >> shift) % slots;
    const std::uint64_t later = at + 1 < slots ? occupied_[l] & (~std::uint64_t{0} << (at + 1)) : 0;
    if (later == 0) continue;
    const auto slot = static_cast<std::uint64_t>(std::countr_zero(later));
    return ((now_ >> shift) - at + slot) << shift;
  }
  return no_tick;
}

bool timer_wheel::empty() noexcept {
  const lock_guard guard(lock_);
  return std::all_of(occupied_.begin(), occupied_.end(), [](std::uint64_t bits) { return bits == 0; });
}

void timer_wheel::update_next() noexcept { next_.store(earliest_tick(), std::memory_order_release); }

steady_time timer_wheel::next_deadline() const noexcept {
  const std::uint64_t tick = next_.load(std::memory_order_acquire);
  return tick == no_tick ? steady_time::max() : start_ + std::chrono::nanoseconds(tick << tick_shift);
}

void timer_wheel::fire(steady_time now) noexcept {
  if (now < next_deadline()) return;
  const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(now - start_).count();
  const std::uint64_t target = static_cast<std::uint64_t>(std::max<std::int64_t>(ns, 0)) >> tick_shift;
  won_chain due;
  {
    const lock_guard guard(lock_);
    for (std::uint64_t tick; (tick = earliest_tick()) <= target;) {
      now_ = tick;
      // Level 0's slot of this tick is due; a coarser slot that begins now is spread again, and may be due as well.
      for (int level = levels - 1; level >= 0; --level) {
        const auto l = static_cast<std::size_t>(level);
        if (level > 0 && (now_ & ((std::uint64_t{1} << (6 * level)) - 1)) != 0) continue;
        const std::uint64_t slot = (now_ >> (6 * level)) % slots;
        if (!(occupied_[l] >> slot & 1)) continue;
        occupied_[l] &= ~(std::uint64_t{1} << slot);
        wheel_[l][slot].drain([&](wait_node& w) {
          auto& node = static_cast<timer_node&>(w);
          const std::uint64_t at = tick_at_or_after(node.deadline);
          if (at > now_) {
            insert(node, at);
            wheel_[node.slot / slots][node.slot % slots].push_again(node);
            return;
          }
          count(size() - 1);
          if (node.try_win()) due.push(node);
        });
      }
    }
    now_ = std::max(now_, target);
    update_next();
  }
  due.finish_all();
}

}  // namespace sluice::detail
