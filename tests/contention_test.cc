// When fibers on several workers meet in locks all the time, it is noticed; and what is noticed is right.
#include "tests/support/harness.h"

#include <sluice/base/contention.h>
#include <sluice/base/spin.h>
#include <sluice/runtime/detail/contention_meter.h>

#include <atomic>
#include <chrono>
#include <thread>

using namespace std::chrono_literals;
using sluice::detail::contention_meter;

namespace {

// For so many milliseconds the same: how often the meter says that it is too often.
class load {
 public:
  int meets(unsigned a_millisecond, unsigned switches, int milliseconds, int step = 1) {
    int said = 0;
    for (int i = 0; i < milliseconds; i += step) {
      now_ += std::chrono::milliseconds(step);
      taken_ += a_millisecond * static_cast<unsigned>(step);
      switched_ += switches * static_cast<unsigned>(step);
      said += meter_.update(now_, taken_, switched_) ? 1 : 0;
    }
    return said;
  }

 private:
  sluice::detail::steady_time now_ = std::chrono::steady_clock::now();
  std::uint32_t taken_ = 0xFFFF'FF00U;  // it may overflow
  std::uint64_t switched_ = 0;
  contention_meter meter_;
};

}  // namespace

TEST_CASE("fibers that pass messages all the time meet too often, and again after that") {
  load l;
  l.meets(0, 100, 100);
  CHECK(l.meets(350, 150, 10) > 0);
  CHECK(l.meets(350, 150, 10) > 0);
  load seldom_looked_at;
  seldom_looked_at.meets(0, 100, 100, 5);
  CHECK(seldom_looked_at.meets(350, 150, 50, 5) > 0);
}

TEST_CASE("neither a burst is too often, nor what stays below the limit, nor what is paid for by work in between") {
  load l;
  l.meets(0, 100, 100);
  for (int i = 0; i < 20; ++i) {
    CHECK(l.meets(200, 100, 1) == 0);
    CHECK(l.meets(0, 100, 100) == 0);
  }
  CHECK(l.meets(25, 100, 10'000) == 0);
  load at_work;
  CHECK(at_work.meets(60, 20, 10'000) == 0);
  CHECK(at_work.meets(100, 20, 100) > 0);
  load with_little_work;
  CHECK(with_little_work.meets(60, 100, 100) > 0);
}

TEST_CASE("who finds a lock taken is counted, on its own thread") {
  const std::uint32_t before = sluice::detail::contention_of_this_thread();
  CHECK(test::eventually([] {
    std::atomic<std::uint32_t> word{1};
    std::uint32_t met = 0;
    std::thread other([&] {
      sluice::detail::lock_bit(word, 1U);
      met = sluice::detail::contention_of_this_thread();
    });
    std::this_thread::sleep_for(5ms);
    word.store(0);
    other.join();
    return met > 0;  // 0 if it came too late to find it taken
  }));
  CHECK(sluice::detail::contention_of_this_thread() == before);
}
