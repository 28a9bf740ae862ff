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

  void arm(waiter& self) noexcept override { armed_.arm(refs_, how_, self, party::current().random()); }
  void withdraw(std::uint32_t won) noexcept override { armed_.withdraw(refs_, won); }
  void describe(wait_listener& l) const noexcept override {
    for (const event_ref& each : refs_) each.describe(l);
  }

 protected:
  bool poll() {
    const std::size_t i = poll_any(refs_, how_, party::current().random());
    if (i == none_ready) return false;
    won_ = static_cast<std::uint32_t>(i);
    return true;
  }
  bool complete(std::uint32_t won) noexcept override {
    return caught_.run([&] { return refs_[won].complete(); });
  }

  order how_;
  arming armed_;
  caught<true> caught_;
  Refs refs_;
};

// Whatever ends the wait abandons the events but for the one that happened.
template <class Base>
class await_several : public Base {
 public:
  using Base::Base;

  bool ready() {
    in_case_of_error guard{this};
    const bool done = Base::poll();
    guard.self = nullptr;
    return done;
  }
  decltype(auto) result() {
    in_case_of_error guard{this};
    this->throw_if_stopped();
    this->caught_.rethrow();
    guard.self = nullptr;
    this->abandon_but(this->won_);
    return Base::take();
  }
  void give_up() noexcept { this->abandon_but(none_ready); }

 private:
  struct in_case_of_error {
    ~in_case_of_error() {
      if (self != nullptr) self->give_up();
    }
    await_several* self;
  };
};

template <event... E>
class named_events : public await_any<std::array<event_ref, sizeof...(E)>> {
 public:
  named_events(order how, E&... events)
      : await_any<std::array<event_ref, sizeof...(E)>>(how, {event_ref(events)...}), events_(events...) {}

 protected:
  winner take() noexcept { return winner(this->refs_[this->won_].address()); }
  void abandon_but(std::size_t happened) noexcept {
    std::apply([&, i = std::size_t{0}](E&... e) mutable { ((i++ != happened ? abandon(e) : void()), ...); }, events_);
  }

 private:
  std::tuple<E&...> events_;
};

template <event E>
class event_list : public await_any<std::vector<event_ref>> {
 public:
  event_list(order how, std::vector<event_ref> refs) : await_any(how, std::move(refs)) { check_list(refs_); }

 protected:
  std::size_t take() noexcept { return won_; }
  void abandon_but([[maybe_unused]] std::size_t happened) noexcept {
    if constexpr (has_abandon<E>)
      for (std::size_t i = 0; i < refs_.size(); ++i)
        if (i != happened) abandon(*static_cast<E*>(const_cast<void*>(refs_[i].address())));
  }
};

template <on_like... C>
class event_cases : public await_any<std::array<event_ref, sizeof...(C)>> {
  using base = await_any<std::array<event_ref, sizeof...(C)>>;
  using handled = decltype(std::declval<std::tuple_element_t<0, std::tuple<C...>>&>().handle());
  static_assert((std::is_same_v<handled, decltype(std::declval<C&>().handle())> && ...),
                "sluice: all handlers must return the same type");

 public:
  explicit event_cases(order how, C&&... cases) : base(how, {}), cases_(std::move(cases)...) {}

 protected:
  bool poll() {
    // Here, and not before: the cases have come to the place where they stay.
    this->refs_ = std::apply([](C&... each) { return std::array{event_ref(each.get())...}; }, cases_);
    return base::poll();
  }
  handled take() {
    return std::apply([&](C&... each) -> handled { return handle_nth<handled>(this->won_, each...); }, cases_);
  }
  void abandon_but(std::size_t happened) noexcept {
    std::apply([&, i = std::size_t{0}](C&... c) mutable { ((i++ != happened ? abandon(c.get()) : void()), ...); }, cases_);
  }

 private:
  std::tuple<C...> cases_;
};

template <event... E>
auto async_select(order how, E&... events) {
  check_distinct(events...);
  return await_several<named_events<E...>>(how, events...);
}
template <class R>
auto async_select_list(order how, R& events) {
  return await_several<event_list<std::ranges::range_value_t<R>>>(how, refs_of(events));
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
  return detail::async_select_list(detail::order::fair, events);
}
template <std::ranges::forward_range R>
  requires event<std::ranges::range_value_t<R>>
[[nodiscard]] auto async_select_in_order(R&& events) {
  return detail::async_select_list(detail::order::in_order, events);
}

template <detail::handler_case... C>
  requires(sizeof...(C) > 0)
[[nodiscard]] auto async_select(C&&... cases) {
  return detail::await_several<detail::event_cases<C...>>(detail::order::fair, std::move(cases)...);
}
template <detail::handler_case... C>
  requires(sizeof...(C) > 0)
[[nodiscard]] auto async_select_in_order(C&&... cases) {
  return detail::await_several<detail::event_cases<C...>>(detail::order::in_order, std::move(cases)...);
}

}  // namespace sluice
