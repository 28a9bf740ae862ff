// harness.h - what the tests share: worker counts, sizes that shrink under sanitizers, and patience.
#pragma once

#include <doctest/doctest.h>
#include <sluice/sluice.h>

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <thread>
#include <utility>
#include <vector>

#if defined(__SANITIZE_THREAD__)
#define SLUICE_TEST_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SLUICE_TEST_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define SLUICE_TEST_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLUICE_TEST_ASAN 1
#endif
#endif

namespace test {

#if defined(SLUICE_TEST_TSAN)
inline constexpr bool tsan = true;
#else
inline constexpr bool tsan = false;
#endif
#if defined(SLUICE_TEST_ASAN)
inline constexpr bool asan = true;
#else
inline constexpr bool asan = false;
#endif
inline constexpr bool sanitized = tsan || asan;

// `plain`, or as much of it as a sanitizer gets through in the same time.
constexpr int scaled(int plain) { return sanitized ? (plain + 19) / 20 : plain; }

// SLUICE_TEST_WORKERS ("2", or "1,4"), else 1, 2 and 4.
const std::vector<unsigned>& worker_counts();

// The workers of the runtime under test, for failure messages; 0 outside of one.
inline std::atomic<unsigned> current_workers{0};

inline sluice::runtime_options with_workers(unsigned n) {
  sluice::runtime_options options;
  options.workers = static_cast<decltype(options.workers)>(n);
  return options;
}

// Runs f (or f(workers)) inside sluice::run, once for each worker count.
template <class F>
void in_runtime(F f) {
  for (const unsigned n : worker_counts()) {
    current_workers = n;
    sluice::run(with_workers(n), [&] {
      if constexpr (std::invocable<F&, unsigned>) {
        f(n);
      } else {
        f();
      }
    });
  }
  current_workers = 0;
}

// Runs f in a thread that is no fiber, and waits for it.
template <class F>
void in_thread(F f) {
  std::thread(std::move(f)).join();
}

// True as soon as `condition` holds; false when it still does not after a time that no busy machine needs.
template <class F>
[[nodiscard]] bool eventually(F condition) {
  for (const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
       std::chrono::steady_clock::now() < end;) {
    if (condition()) return true;
    sluice::this_fiber::sleep_for(std::chrono::milliseconds(1));
  }
  return condition();
}

// Time for fibers that were started before to get to where they block. Nothing may depend on it but how likely a test
// meets what it looks for.
inline void let_others_block() { sluice::this_fiber::sleep_for(std::chrono::milliseconds(10)); }

// Counts failures in loops that are too hot for CHECK; checked once at the end.
class tally {
 public:
  void expect(bool ok) noexcept {
    if (!ok) failures_.fetch_add(1, std::memory_order_relaxed);
  }
  long failures() const noexcept { return failures_.load(std::memory_order_relaxed); }

 private:
  std::atomic<long> failures_{0};
};

template <class T>
void join(std::vector<sluice::future<T>>& all) {
  for (auto& f : all) f.get();
  all.clear();
}

}  // namespace test
