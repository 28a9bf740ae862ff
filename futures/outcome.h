// outcome.h - a value or the error that came instead, as data.
//
//   outcome<int> r = done_event.take();
//   if (r) use(r.value()); else log(r.error());
#pragma once

#include <exception>
#include <type_traits>
#include <utility>
#include <variant>

namespace sluice {

namespace detail {
template <class T>
class shared_state;
}

template <class T>
class outcome {
  static_assert(!std::is_reference_v<T>, "sluice: results are values; wrap a reference in std::reference_wrapper");
  using stored = std::conditional_t<std::is_void_v<T>, std::monostate, T>;
  struct nothing_yet {};

 public:
  using value_type = T;

  template <class... Args>
  explicit outcome(std::in_place_t, Args&&... args) : result_(std::in_place_index<0>, std::forward<Args>(args)...) {}
  explicit outcome(std::exception_ptr error) noexcept : result_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const noexcept { return result_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  // The error, null if there is a value.
  std::exception_ptr error() const noexcept { return has_value() ? nullptr : *std::get_if<1>(&result_); }

  // The value; throws the error if there is one instead.
  std::add_lvalue_reference_t<const T> value() const {
    throw_error();
    if constexpr (!std::is_void_v<T>) return *std::get_if<0>(&result_);
  }

  // Moves the value out; throws the error if there is one instead.
  T get() {
    throw_error();
    if constexpr (!std::is_void_v<T>) return std::move(*std::get_if<0>(&result_));
  }

  // True if there is a value and it equals `other`.
  template <class U>
    requires(!std::is_void_v<T> && !std::is_same_v<U, outcome>)
  friend bool operator==(const outcome& self, const U& other) {
    return self.has_value() && *std::get_if<0>(&self.result_) == other;
  }

 private:
  friend class detail::shared_state<T>;
  outcome() noexcept : result_(std::in_place_index<2>) {}
  void throw_error() const {
    if (!has_value()) std::rethrow_exception(*std::get_if<1>(&result_));
  }
  [[no_unique_address]] std::variant<stored, std::exception_ptr, nothing_yet> result_;
};

}  // namespace sluice
