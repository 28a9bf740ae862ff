// async_select.h - select for coroutines: the same events, the same result, with co_await.
//
//   auto value = recv(in);  auto stop = recv(quit);
//   const auto won = co_await async_select(value, stop);
//   if (won == stop) co_return;
//
//   co_await async_select(on(recv(in), [&](std::optional<int> v) { use(v); }), on(after(1s), [&] { retry(); }));
//   const std::size_t i = co_await async_select(inboxes);      // a range of events: the index
//
// All else is as with select (select/select.h). The object must be awaited in the expression that makes it.
// Handlers are called in the coroutine; they are no coroutines themselves.
#pragma once

#include <sluice/coroutines/detail/async_wait.h>
#include <sluice/select/select.h>

#include <array>
#include <cstddef>
#include <tuple>
#include <utility>
#include <vector>

namespace sluice {

namespace detail {

// Refs: an array or a vector of event_ref.
template <class Refs>
class await_any : public async_wait {
 public:
  await_any(order how, Refs refs) : how_(how), refs_(std::move(refs)) {}

  bool ready() {
    const std::size_t i = poll_any(refs_, how_, party::current().random());
    if (i == none_ready) return false;
    won_ = static_cast<std::uint32_t>(i);
    return true;
  }
  void arm(waiter& self) noexcept override { armed_.arm(refs_, how_, self, party::current().random()); }
  void withdraw(std::uint32_t won) noexcept override { armed_.withdraw(refs_, won); }

 protected:
  bool complete(std::uint32_t won) noexcept override { return refs_[won].complete(); }

  order how_;
  arming armed_;
  Refs refs_;
};

template <std::size_t N>
class await_named : public await_any<std::array<event_ref, N>> {
 public:
  using await_any<std::array<event_ref, N>>::await_any;
  winner result() {
    this->throw_if_stopped();
    return winner(this->refs_[this->won_].address());
  }
};

class await_list : public await_any<std::vector<event_ref>> {
 public:
  await_list(order how, std::vector<event_ref> refs) : await_any(how, std::move(refs)) { check_list(refs_); }
  std::size_t result() {
    throw_if_stopped();
    return won_;
  }
};

template <on_like... C>
class await_cases : public await_any<std::array<event_ref, sizeof...(C)>> {
  using base = await_any<std::array<event_ref, sizeof...(C)>>;
  using handled = decltype(std::declval<std::tuple_element_t<0, std::tuple<C...>>&>().handle());
  static_assert((std::is_same_v<handled, decltype(std::declval<C&>().handle())> && ...),
                "sluice: all handlers must return the same type");

 public:
  explicit await_cases(order how, C&&... cases) : base(how, {}), cases_(std::move(cases)...) {}

  bool ready() {
    // Here, and not before: the cases have come to the place where they stay.
    this->refs_ = std::apply([](C&... each) { return std::array{event_ref(each.get())...}; }, cases_);
    return base::ready();
  }
  handled result() {
    this->throw_if_stopped();
    return std::apply([&](C&... each) -> handled { return handle_nth<handled>(this->won_, each...); }, cases_);
  }

 private:
  std::tuple<C...> cases_;
};

template <event... E>
auto async_select(order how, E&... events) {
  (check_awaitable<E>(), ...);
  check_distinct(events...);
  return await_named<sizeof...(E)>(how, {event_ref(events)...});
}

template <class C>
concept handler_case = on_like<C> && !std::is_reference_v<C>;

}  // namespace detail

template <event... E>
  requires(sizeof...(E) > 0)
[[nodiscard]] auto async_select(E&... events) {
  return detail::async_select(detail::order::fair, events...);
}
template <event... E>
  requires(sizeof...(E) > 0)
[[nodiscard]] auto async_select_in_order(E&... events) {
  return detail::async_select(detail::order::in_order, events...);
}

template <std::ranges::forward_range R>
  requires event<std::ranges::range_value_t<R>>
[[nodiscard]] auto async_select(R&& events) {
  detail::check_awaitable<std::ranges::range_value_t<R>>();
  return detail::await_list(detail::order::fair, detail::refs_of(events));
}
template <std::ranges::forward_range R>
  requires event<std::ranges::range_value_t<R>>
[[nodiscard]] auto async_select_in_order(R&& events) {
  detail::check_awaitable<std::ranges::range_value_t<R>>();
  return detail::await_list(detail::order::in_order, detail::refs_of(events));
}

template <detail::handler_case... C>
  requires(sizeof...(C) > 0)
[[nodiscard]] auto async_select(C&&... cases) {
  return detail::await_cases<C...>(detail::order::fair, std::move(cases)...);
}
template <detail::handler_case... C>
  requires(sizeof...(C) > 0)
[[nodiscard]] auto async_select_in_order(C&&... cases) {
  return detail::await_cases<C...>(detail::order::in_order, std::move(cases)...);
}

}  // namespace sluice
