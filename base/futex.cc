#include <sluice/base/futex.h>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

namespace sluice::detail {

// Not inline, wherever the optimiser looks: the compiler takes the address of errno for constant within a function, and it
// is not if that function waits (tools/tls_check.py).
[[gnu::noinline]] void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t expected, steady_time deadline) noexcept {
  // steady_clock is CLOCK_MONOTONIC, which is what FUTEX_WAIT_BITSET measures its absolute deadline by.
  timespec at{};
  const bool timed = deadline != steady_time::max();
  if (timed) {
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(deadline.time_since_epoch()).count();
    at.tv_sec = static_cast<time_t>(ns / 1'000'000'000);
    at.tv_nsec = static_cast<long>(ns % 1'000'000'000);
    if (ns < 0) at = timespec{};
  }
  const int error_number = errno;
  syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, expected, timed ? &at : nullptr, nullptr, FUTEX_BITSET_MATCH_ANY);
  errno = error_number;
}

[[gnu::noinline]] void futex_wake_one(std::atomic<std::uint32_t>& word) noexcept {
  const int error_number = errno;
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  errno = error_number;
}

}  // namespace sluice::detail
