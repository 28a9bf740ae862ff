// wait.h - the only waiting code there is: every blocking call of the library ends up in one of these.
#pragma once

#include <sluice/futures/cancelled.h>
#include <sluice/futures/event.h>
#include <sluice/futures/party.h>

#include <bit>
#include <cstddef>
#include <span>
#include <tuple>
#include <type_traits>

namespace sluice::detail {

// For a wait that ended with one of the waiter's own reasons.
[[noreturn]] void throw_stopped(std::uint32_t reason);

constexpr std::size_t none_ready = static_cast<std::size_t>(-1);

// Abandons the events of a wait that is over, but for the one that happened. No code where none wants to know.
template <event... E>
class [[nodiscard]] abandon_losers {
 public:
  explicit abandon_losers(E&... events) noexcept : events_(events...) {}
  abandon_losers(const abandon_losers&) = delete;
  abandon_losers& operator=(const abandon_losers&) = delete;
  ~abandon_losers() {
    if constexpr ((has_abandon<E> || ...))
      std::apply([this, i = std::size_t{0}](E&... e) mutable { ((i++ != happened_ ? abandon(e) : void()), ...); }, events_);
  }
  // none_ready, which it is until then: all have lost.
  std::size_t but_for(std::size_t winner) noexcept { return happened_ = winner; }

 private:
  std::tuple<E&...> events_;
  std::size_t happened_ = none_ready;
};

// Waits until `e` is done; take() has the result. Throws cancelled.
template <event E>
void wait_one(E& e) {
  abandon_losers unless_done(e);
  if (e.poll()) return void(unless_done.but_for(0));
  party& self = party::current();
  for (;;) {
    self.open();
    e.arm(self, 0);
    if (const std::uint32_t won = self.await(wait_description::of(e)); won >= waiter::expired_index) [[unlikely]] {
      e.disarm();
      throw_stopped(won);
    }
    if (complete(e) || e.poll()) return void(unless_done.but_for(0));
  }
}

enum class order {
  fair,      // uniform among the events that are ready
  in_order,  // the first in the list among those that are ready
};

// Waits until one of `events` is done and returns its index; the others are withdrawn and have consumed nothing.
// Throws cancelled; std::invalid_argument for an empty list, which would wait for ever, and for one beyond the limit
// waiter::expired_index. `polled`: none was ready just now, so the first look may be left out.
std::size_t wait_any(std::span<const event_ref> events, order how, bool polled = false);

// The same without waiting: none_ready only if there was one moment at which no event was ready (P8).
std::size_t try_any(std::span<const event_ref> events, order how);

// The parts of wait_any, for a party that cannot block inside it (a coroutine).
void check_list(std::span<const event_ref> events);
// One look at each: tries those that may be ready, none_ready if that was in vain.
std::size_t poll_any(std::span<const event_ref> events, order how, random_source& random);
class arming {
 public:
  // Begins a wait of `self` and arms the events, until one of them decides it.
  void arm(std::span<const event_ref> events, order how, waiter& self, random_source& random) noexcept;
  // The wait is decided for `won`: withdraws the others.
  void withdraw(std::span<const event_ref> events, std::uint32_t won) noexcept;

 private:
  std::uint32_t start_ = 0, armed_ = 0;
};

// f(the n-th of them). Events of one type are found by a table, without a branch for each.
template <class F, class First, class... Rest>
auto with_nth(F f, std::size_t n, First& first, Rest&... rest) {
  if constexpr (sizeof...(Rest) > 0 && (std::is_same_v<First, Rest> && ...)) {
    First* const all[] = {&first, &rest...};
    return f(*all[n]);
  } else if constexpr (sizeof...(Rest) > 0) {
    return n > 0 ? with_nth(f, n - 1, rest...) : f(first);
  } else {
    return f(first);
  }
}

// One look, and if it may be ready a try.
template <event E>
bool try_one(E& e) {
  return (look(e) & may_be_ready) && e.poll();
}

// What wait_any does first, for events whose types are known here: no indirect call until one must wait. A set of up to
// 32 candidates, of which each is equally likely to be tried first (P10): one that is drawn from all, and only if that is
// not ready, one of those that are.
template <event... E>
std::size_t poll_any(order how, E&... events) {
  static_assert(sizeof...(E) <= 32);
  if constexpr (sizeof...(E) > 1) {
    if (how == order::fair) {
      const std::size_t drawn = party::current().random().below(sizeof...(E));
      if (with_nth([](auto& e) { return try_one(e); }, drawn, events...)) return drawn;
    }
  }
  std::uint32_t ready = 0, bit = 1, count = 0;
  const auto note = [&](std::uint64_t word) {
    if (word & may_be_ready) {
      ready |= bit;
      ++count;
    }
    bit <<= 1;
  };
  (note(look(events)), ...);
  for (; ready != 0; --count) {
    std::uint32_t candidates = ready;
    if (how == order::fair && count > 1)
      for (std::uint32_t skip = party::current().random().below(count); skip > 0; --skip) candidates &= candidates - 1;
    const auto i = static_cast<std::size_t>(std::countr_zero(candidates));
    if (with_nth([](auto& e) { return e.poll(); }, i, events...)) return i;
    ready &= ~(std::uint32_t{1} << i);
  }
  return none_ready;
}

// What try_any finds most often, for events whose types are known here: two looks at each, between which nothing has
// changed, so there was a moment at which none was ready. False says nothing.
template <event... E>
bool surely_none_ready(E&... events) {
  std::size_t i = 0;
  std::uint64_t any = 0;
  std::uint64_t seen[sizeof...(E)];
  ((any |= seen[i++] = look(events)), ...);
  if (any & may_be_ready) return false;
  if constexpr (sizeof...(E) == 1) return true;
  i = 0;
  return ((look(events) == seen[i++]) && ...);
}

}  // namespace sluice::detail
