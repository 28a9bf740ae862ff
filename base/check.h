// check.h - contracts that hold in release builds too.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace sluice::detail {

[[noreturn]] inline void check_failed(const char* file, int line, const char* condition, const char* meaning) noexcept {
  std::fprintf(stderr, "sluice: %s:%d: %s (not true: %s)\n", file, line, meaning, condition);
  std::abort();
}

}  // namespace sluice::detail

// Ends the program with `meaning` when `condition` is false. For broken contracts only, never for bad input.
#define SLUICE_CHECK(condition, meaning) \
  ((condition) ? static_cast<void>(0) : ::sluice::detail::check_failed(__FILE__, __LINE__, #condition, meaning))
