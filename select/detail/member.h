// member.h - one event of a select_set together with its handler.
#pragma once

#include <sluice/futures/event.h>
#include <sluice/futures/outcome.h>
#include <sluice/select/detail/set_core.h>

#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

namespace sluice::detail {

// Values to one function, errors to another, however deep they lie.
template <class OnValue, class OnError>
struct by_result {
  OnValue on_value;
  OnError on_error;

  template <class T>
  void operator()(outcome<T> result) {
    if (!result)
      on_error(result.error());
    else if constexpr (std::is_void_v<T>)
      on_value();
    else
      (*this)(result.get());
  }
  template <class T>
  void operator()(T&& value) {
    on_value(std::forward<T>(value));
  }
};

template <class F>
constexpr bool handles_errors = false;
template <class OnValue, class OnError>
constexpr bool handles_errors<by_result<OnValue, OnError>> = true;

template <event E, class F>
class event_member final : public set_member {
 public:
  template <class E2, class F2>
  event_member(E2&& e, F2&& f) : event_(std::forward<E2>(e)), handler_(std::forward<F2>(f)) {}

  bool poll() override { return event_.poll(); }
  bool arm(waiter& w, std::uint32_t index) noexcept override { return event_.arm(w, index); }
  void disarm() noexcept override { event_.disarm(); }
  bool complete() override { return detail::complete(event_); }
  bool spent() const noexcept override { return detail::spent(event_); }
  void describe(wait_listener& l) const noexcept override { detail::describe(event_, l); }

  void handle() override {
    if constexpr (handles_errors<F>) {
      using taken = outcome<typename E::value_type>;
      const auto take = [this]() -> taken {
        try {
          if constexpr (std::is_void_v<typename E::value_type>) {
            event_.take();
            return taken(std::in_place);
          } else {
            return taken(std::in_place, event_.take());
          }
        } catch (...) {
          return taken(std::current_exception());
        }
      };
      handler_(take());
    } else if constexpr (std::is_void_v<typename E::value_type>) {
      event_.take();
      std::invoke(handler_);
    } else {
      std::invoke(handler_, event_.take());
    }
  }

 private:
  E event_;
  F handler_;
};

}  // namespace sluice::detail
