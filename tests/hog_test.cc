// A fiber that never waits does not hold up the timers and the ready fibers of its worker, as long as another worker is
// idle, also if that one fell asleep when there was nothing at all to do.
#include "tests/support/harness.h"

#include <atomic>
#include <chrono>

using namespace std::chrono_literals;

TEST_CASE("timers fire while a hog runs on their worker") {
  test::in_runtime([](unsigned workers) {
    if (workers < 2) return;
    for (int i = 0; i < 20; ++i) {
      sluice::this_fiber::sleep_for(3ms);  // nothing to do: everybody falls asleep
      std::atomic<bool> stop{false};
      auto hog = sluice::go([&] {
        while (!stop) {}
      });
      sluice::this_fiber::sleep_for(1ms);  // its timer stays on the worker that the hog now occupies
      stop = true;
      hog.get();
    }
  });
}

TEST_CASE("a fiber that a hog has made ready runs on another worker") {
  test::in_runtime([](unsigned workers) {
    if (workers < 2) return;
    for (int i = 0; i < 20; ++i) {
      sluice::this_fiber::sleep_for(3ms);
      std::atomic<bool> done{false};
      auto left_behind = sluice::go([&] { done = true; });
      while (!done) {}
      left_behind.get();
    }
  });
}
