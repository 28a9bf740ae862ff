// cycles.h - a counter that runs on at a steady pace, the cheapest clock there is (9 ns; steady_clock takes 23).
#pragma once

#include <chrono>
#include <cstdint>

namespace sluice::detail {

// Of no particular unit, at 1 GHz or more. The same on all cores, as far as the machine keeps them together.
inline std::uint64_t cycle_count() noexcept {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#else
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1));
#endif
}

}  // namespace sluice::detail
