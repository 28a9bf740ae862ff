// wrap.h - an event with a function applied to what it yields.
//
// So that sources of different types become cases of one type, which can be stored, returned and handled alike:
//
//   using line = std::optional<std::string>;
//   auto typed   = wrap(recv(keyboard), [](std::optional<key> k) -> line { return k ? line(name(*k)) : std::nullopt; });
//   auto fetched = wrap(done(download), [](outcome<page> p) -> line { return p ? line(p->title) : std::nullopt; });
//   auto ended   = wrap(after(1min), []() -> line { return std::nullopt; });
//   auto next    = choose(typed, fetched, ended);        // an event of a line, whatever stands behind it
//
// The function runs in take(), in the party that waited and after its wait: only for an event that happened, under no lock.
// It may wait and throw. It is called without arguments for an event of void.
// Threads, Blocks: as the event that is wrapped. Cost: none beside it.
#pragma once

#include <sluice/events/detail/forward.h>

#include <type_traits>

namespace sluice {

namespace detail {

template <class F, class V>
struct applied {
  using type = std::invoke_result_t<F&, V>;
};
template <class F>
struct applied<F, void> {
  using type = std::invoke_result_t<F&>;
};

}  // namespace detail

template <event E, class F>
class wrap_event : public detail::forwarding_event<E> {
 public:
  using value_type = typename detail::applied<F, typename E::value_type>::type;
  wrap_event(E e, F f) : detail::forwarding_event<E>(std::move(e)), function_(std::move(f)) {}

  value_type take() {
    if constexpr (std::is_void_v<typename E::value_type>) {
      this->event_.take();
      return function_();
    } else {
      return function_(this->event_.take());
    }
  }

  // The event that is wrapped, while it is not armed: a send that lost still has its value().
  E& inner() noexcept { return this->event_; }

 private:
  F function_;
};

template <event E, class F>
wrap_event<E, std::decay_t<F>> wrap(E e, F&& f) {
  return {std::move(e), std::forward<F>(f)};
}

}  // namespace sluice
