// random.h - cheap random numbers for fairness, not for secrets.
#pragma once

#include <cstdint>

namespace sluice::detail {

// A Weyl sequence, mixed by "lowbias32" (Wellons, "Prospecting for Hash Functions", 2018). 32 bits, because every waiter has
// one, and a coroutine is to be small.
class random_source {
 public:
  explicit random_source(std::uint64_t seed) noexcept : state_(static_cast<std::uint32_t>(seed ^ seed >> 32)) {}

  // Uniform in [0, bound), bound > 0 (Lemire's multiply-shift; its bias is below bound / 2^32).
  std::uint32_t below(std::uint32_t bound) noexcept {
    return static_cast<std::uint32_t>((std::uint64_t{next()} * bound) >> 32);
  }

  std::uint32_t next() noexcept {
    std::uint32_t x = state_ += 0x9E3779B9U;
    x = (x ^ x >> 16) * 0x21F0AAADU;
    x = (x ^ x >> 15) * 0xD35A2D97U;
    return x ^ x >> 15;
  }

 private:
  std::uint32_t state_;
};

}  // namespace sluice::detail
