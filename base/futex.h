// futex.h - sleep in the kernel until a word changes. Leaves errno as it was, as every wait does.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace sluice::detail {

using steady_time = std::chrono::steady_clock::time_point;

// Sleeps while `word` holds `expected`, at most until `deadline` (steady_time::max(): for ever). May wake for no reason.
void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t expected, steady_time deadline) noexcept;
void futex_wake_one(std::atomic<std::uint32_t>& word) noexcept;

}  // namespace sluice::detail
