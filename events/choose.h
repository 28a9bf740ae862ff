// choose.h - one event that is the first of several.
//
// Unlike select, which waits, choose only says what to wait for: what it returns is an event like any other, to be returned
// from a function, wrapped, chosen from again, selected over with the caller's own cases.
//
//   auto reply_or_timeout(const request& r) {            // the caller need not know that there is a clock in it
//     return choose(wrap(recv(r.reply), [](std::optional<answer> a) { return a; }),
//                   wrap(after(5s), [] { return std::optional<answer>(); }));
//   }
//   auto next = reply_or_timeout(r);
//   if (select(next, stop) == next) use(next.take());
//
//   choose(a, b, c)               take(): the common type if all yield the same, else a std::variant by position (void as
//                                 std::monostate), whose index() tells which one happened
//   choose(std::vector<E>)        take(): the index and the value, as a pair; the index only if E yields void. An empty
//                                 list never happens.
// Among several alternatives that are ready each is equally likely; a choose counts as one case in a select. Those that
// lost have consumed nothing. An event of another choose may be an alternative, and several of one channel may: they do not
// pair with each other.
// Threads: belongs to one waiting party at a time, with its alternatives. It may be moved while it is not armed.
// Cost:    as its alternatives in a select, and a spin lock more for each of them that waits; no allocation. A vector's
//          form allocates once, when it is made.
// try_select and otherwise() take their default only after a moment at which no alternative was ready, if all have look().
#pragma once

#include <sluice/base/common_result.h>
#include <sluice/events/detail/choice.h>

#include <array>
#include <concepts>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace sluice {

namespace detail {

template <event... E>
class listed {
 public:
  static constexpr bool all_look = (has_look<E> && ...);
  static constexpr bool all_spent = (has_spent<E> && ...);
  static constexpr bool any_abandon = (has_abandon<E> || ...);
  using notes_type = std::array<alternative_note, sizeof...(E)>;

  explicit listed(E... events) : events_(std::move(events)...) {}
  notes_type notes() const noexcept { return {}; }

  template <class F, std::size_t I = 0>
  decltype(auto) visit(std::size_t i, F f) {
    return visit_in<F, I>(events_, i, f);
  }
  template <class F, std::size_t I = 0>
  decltype(auto) visit(std::size_t i, F f) const {
    return visit_in<F, I>(events_, i, f);
  }
  template <std::size_t I>
  auto& nth() noexcept {
    return std::get<I>(events_);
  }

 private:
  template <class F, std::size_t I, class Events>
  static decltype(auto) visit_in(Events& events, std::size_t i, F& f) {
    if constexpr (I + 1 < sizeof...(E)) {
      if (i != I) return visit_in<F, I + 1>(events, i, f);
    }
    return f(std::get<I>(events));
  }

  std::tuple<E...> events_;
};

template <event E>
class ranged {
 public:
  static constexpr bool all_look = has_look<E>;
  static constexpr bool all_spent = has_spent<E>;
  static constexpr bool any_abandon = has_abandon<E>;
  using notes_type = std::vector<alternative_note>;

  explicit ranged(std::vector<E> events) noexcept : events_(std::move(events)) {}
  notes_type notes() const { return notes_type(events_.size()); }

  template <class F>
  decltype(auto) visit(std::size_t i, F f) {
    return f(events_[i]);
  }
  template <class F>
  decltype(auto) visit(std::size_t i, F f) const {
    return f(events_[i]);
  }
  E& nth(std::size_t i) noexcept { return events_[i]; }

 private:
  std::vector<E> events_;
};

}  // namespace detail

template <event... E>
class choose_event : public detail::choice<detail::listed<E...>> {
  using result = detail::common_result<typename E::value_type...>;

 public:
  using value_type = typename result::type;
  explicit choose_event(E... events) : detail::choice<detail::listed<E...>>(detail::listed<E...>(std::move(events)...)) {}

  value_type take() { return take_from<0>(this->take_choice()); }

  // While it is not armed: a send that lost still has its value().
  template <std::size_t I>
  auto& alternative() noexcept {
    return this->alternatives_.template nth<I>();
  }

 private:
  template <std::size_t I>
  value_type take_from(std::uint32_t i) {
    if constexpr (I + 1 < sizeof...(E)) {
      if (i != I) return take_from<I + 1>(i);
    }
    return result::template from<I>([this] { return alternative<I>().take(); });
  }
};

template <event E>
class choose_range_event : public detail::choice<detail::ranged<E>> {
  using value = typename E::value_type;

 public:
  using value_type =
      std::conditional_t<std::is_void_v<value>, std::size_t, std::pair<std::size_t, detail::or_monostate<value>>>;
  explicit choose_range_event(std::vector<E> events)
      : detail::choice<detail::ranged<E>>(detail::ranged<E>(std::move(events))) {}

  // As above.
  E& alternative(std::size_t i) noexcept { return this->alternatives_.nth(i); }

  value_type take() {
    const std::size_t i = this->take_choice();
    if constexpr (std::is_void_v<value>) {
      alternative(i).take();
      return i;
    } else {
      return value_type(i, alternative(i).take());
    }
  }
};

template <event... E>
  requires(sizeof...(E) > 0)
choose_event<E...> choose(E... events) {
  return choose_event<E...>(std::move(events)...);
}
template <event E>
choose_range_event<E> choose(std::vector<E> events) {
  return choose_range_event<E>(std::move(events));
}

}  // namespace sluice
