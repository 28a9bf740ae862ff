// call_site.h - where in the user's code a function of the library was called, for messages.
#pragma once

#include <cstdint>

namespace sluice::detail {

// As the last parameter of a function: call_site from = call_site::current(). Costs two constants. (std::source_location
// needs clang 16, and a pointer to data beside the code.)
struct call_site {
  const char* file = nullptr;  // null: not known
  std::uint32_t line = 0;

  static constexpr call_site current(const char* file = __builtin_FILE(), std::uint32_t line = __builtin_LINE()) noexcept {
    return {file, line};
  }
};

}  // namespace sluice::detail
