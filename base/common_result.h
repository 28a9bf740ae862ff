// common_result.h - the type of what one of several functions returns.
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>
#include <variant>

namespace sluice::detail {

template <class T>
using or_monostate = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

// Their common type if all are the same, else a variant by position, with std::monostate for void.
template <class First, class... Rest>
struct common_result {
  static constexpr bool same = (std::same_as<First, Rest> && ...);
  using type = std::conditional_t<same, First, std::variant<or_monostate<First>, or_monostate<Rest>...>>;

  // What f returns, as the I-th of them.
  template <std::size_t I, class F>
  static type from(F f) {
    if constexpr (same) {
      return f();
    } else if constexpr (std::is_void_v<decltype(f())>) {
      f();
      return type(std::in_place_index<I>);
    } else {
      return type(std::in_place_index<I>, f());
    }
  }
};

}  // namespace sluice::detail
