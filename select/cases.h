// cases.h - an event with the handler that receives its result, and the default case.
#pragma once

#include <sluice/futures/wait.h>

#include <algorithm>
#include <array>
#include <concepts>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace sluice {

template <event E, class F>
class on_case {
 public:
  on_case(E e, F f) : event_(std::move(e)), handler_(std::move(f)) {}
  E& get() noexcept { return event_; }

  decltype(auto) handle() {
    using value = typename E::value_type;
    if constexpr (std::is_void_v<value>) {
      event_.take();
      return handler_();
    } else if constexpr (std::is_invocable_v<F&, value>) {
      return handler_(event_.take());  // no std::invoke: take() makes the parameter in place
    } else {
      static_assert(std::is_invocable_v<F&>, "sluice: the handler takes neither the event's value nor nothing");
      static_cast<void>(event_.take());
      return handler_();
    }
  }

 private:
  E event_;
  F handler_;
};

template <class F>
class otherwise_case {
 public:
  explicit otherwise_case(F f) : handler_(std::move(f)) {}
  decltype(auto) handle() { return handler_(); }

 private:
  F handler_;
};

// A case of select: when `e` wins, `handler` is called with what take() gives, or without arguments if it takes none. An
// event of its own (an lvalue) can be had by naming it: see select's first form.
template <event E, class F>
on_case<E, std::decay_t<F>> on(E e, F&& handler) {
  return {std::move(e), std::forward<F>(handler)};
}

// The default case: taken if, at one moment, no other case was ready. At most one, in the last place.
template <std::invocable F>
otherwise_case<std::decay_t<F>> otherwise(F&& handler) {
  return otherwise_case<std::decay_t<F>>(std::forward<F>(handler));
}

namespace detail {

template <class C>
struct is_on : std::false_type {};
template <class E, class F>
struct is_on<on_case<E, F>> : std::true_type {};
template <class C>
struct is_otherwise : std::false_type {};
template <class F>
struct is_otherwise<otherwise_case<F>> : std::true_type {};

template <class C>
concept on_like = is_on<std::remove_cvref_t<C>>::value;
template <class C>
concept otherwise_like = is_otherwise<std::remove_cvref_t<C>>::value;
template <class C>
concept any_case = on_like<C> || otherwise_like<C>;

template <class Result, class First, class... Rest>
Result handle_nth(std::size_t n, First& first, Rest&... rest) {
  if constexpr (sizeof...(Rest) > 0) {
    if (n > 0) return handle_nth<Result>(n - 1, rest...);
  }
  return first.handle();
}

template <event... E>
std::array<const void*, sizeof...(E)> addresses_of(E&... events) noexcept {
  return {std::addressof(events)...};
}

// An event can wait in one place only. Free where the compiler knows the addresses apart, as those of local variables.
template <event... E>
[[gnu::always_inline]] inline void check_distinct(E&... events) {
  const auto addresses = addresses_of(events...);
  for (std::size_t i = 1; i < addresses.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (addresses[i] == addresses[j]) throw std::invalid_argument("sluice: the same event twice in one select");
}

// Each is tried where its type is known; only if one must wait do they go through a table of calls.
template <event... E>
std::size_t wait_any_of(order how, E&... events) {
  abandon_losers all(events...);
  if (const std::size_t i = poll_any(how, events...); i != none_ready) return all.but_for(i);
  const std::array refs{event_ref(events)...};
  return all.but_for(wait_any(refs, how, true));
}
template <event... E>
std::size_t try_any_of(order how, E&... events) {
  static_assert(sizeof...(E) == 1 || (has_look<E> && ...),
                "sluice: a default over several events must be a snapshot, so each event needs look()");
  abandon_losers all(events...);
  if (surely_none_ready(events...)) return none_ready;
  const std::array refs{event_ref(events)...};
  return all.but_for(try_any(refs, how));
}

// The address of the one that won; null if none did.
template <event... E>
[[gnu::always_inline]] inline const void* wait_each(order how, E&... events) {
  check_distinct(events...);
  return addresses_of(events...)[wait_any_of(how, events...)];
}
template <event... E>
[[gnu::always_inline]] inline const void* try_each(order how, E&... events) {
  check_distinct(events...);
  const std::size_t i = try_any_of(how, events...);
  return i == none_ready ? nullptr : addresses_of(events...)[i];
}

template <class... C>
decltype(auto) select_cases(order how, C&... cases) {
  static_assert(sizeof...(C) > 0);
  constexpr std::size_t defaults = (std::size_t{otherwise_like<C>} + ...);
  constexpr std::size_t events = sizeof...(C) - defaults;
  static_assert(defaults <= 1, "sluice: one default case at most");
  static_assert(events > 0, "sluice: a select needs an event");
  std::tuple<C&...> all(cases...);
  using result = decltype(std::get<0>(all).handle());
  static_assert((std::is_same_v<result, decltype(cases.handle())> && ...), "sluice: all handlers must return the same type");
  const std::size_t i = [&]<std::size_t... I>(std::index_sequence<I...>) {
    check_distinct(std::get<I>(all).get()...);
    if constexpr (defaults == 0) {
      return wait_any_of(how, std::get<I>(all).get()...);
    } else {
      static_assert(otherwise_like<std::tuple_element_t<events, std::tuple<C...>>>, "sluice: otherwise() is the last case");
      return std::min(try_any_of(how, std::get<I>(all).get()...), events);
    }
  }(std::make_index_sequence<events>{});
  return handle_nth<result>(i, cases...);
}

template <class R>
std::vector<event_ref> refs_of(R& events) {
  std::vector<event_ref> refs;
  if constexpr (std::ranges::sized_range<R>) refs.reserve(std::ranges::size(events));
  for (auto& e : events) refs.emplace_back(e);
  return refs;
}

template <class R>
std::size_t wait_any_in(R& events, order how) {
  struct abandon_the_rest {
    ~abandon_the_rest() {
      if constexpr (has_abandon<std::ranges::range_value_t<R>>) {
        std::size_t i = 0;
        for (auto& e : events)
          if (i++ != happened) abandon(e);
      }
    }
    R& events;
    std::size_t happened = none_ready;
  } all{events};
  if constexpr (std::ranges::random_access_range<R> && std::ranges::sized_range<R>) {
    // One that is drawn from all is as likely as each other, so if it is ready there is no need to look at them.
    const auto n = static_cast<std::size_t>(std::ranges::size(events));
    if (how == order::fair && n > 1 && n < waiter::expired_index) {
      const std::size_t drawn = party::current().random().below(static_cast<std::uint32_t>(n));
      auto& e = std::ranges::begin(events)[static_cast<std::ranges::range_difference_t<R>>(drawn)];
      if (try_one(e)) return all.happened = drawn;
    }
  }
  return all.happened = wait_any(refs_of(events), how);
}

}  // namespace detail
}  // namespace sluice
