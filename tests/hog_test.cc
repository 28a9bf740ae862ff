// A fiber that never waits does not hold up the timers and the ready fibers of its worker, whether another worker is
// idle, also if that one fell asleep when there was nothing at all to do; and if there is none, a spare worker comes.
#include "tests/support/harness.h"

#include <atomic>
#include <chrono>

using namespace std::chrono_literals;

TEST_CASE("timers fire while a hog runs on their worker") {
  test::in_runtime([] {
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
  test::in_runtime([] {
    for (int i = 0; i < 20; ++i) {
      sluice::this_fiber::sleep_for(3ms);
      std::atomic<bool> done{false};
      auto left_behind = sluice::go([&] { done = true; });
      while (!done) {}
      left_behind.get();
    }
  });
}

TEST_CASE("fibers that a hog has made ready run, each on another worker, while they are hogs themselves") {
  test::in_runtime([](unsigned workers) {
    for (int i = 0; i < 10; ++i) {
      sluice::this_fiber::sleep_for(3ms);
      std::atomic<unsigned> started{0};
      const auto all_started = [&] {
        ++started;
        while (started < workers) {}
      };
      std::vector<sluice::future<void>> others;
      for (unsigned k = 1; k < workers; ++k) others.push_back(sluice::go(all_started));
      all_started();
      test::join(others);
    }
  });
}

TEST_CASE("a timer fires though a hog has come to its worker while that slept") {
  for (const unsigned n : test::worker_counts()) {
    sluice::runtime r(test::with_workers(n));
    for (int i = 0; i < 10; ++i) {
      std::atomic<bool> begun{false};
      std::atomic<bool> slept{false};
      auto sleeper = r.go([&] {
        begun = true;
        sluice::this_fiber::sleep_for(10ms);
        slept = true;
      });
      while (!begun) std::this_thread::yield();
      std::this_thread::sleep_for(3ms);
      auto hog = r.go([&] {
        while (!slept) {}
      });
      hog.get();
      sleeper.get();
    }
  }
}

TEST_CASE("what a hog left behind runs though a hog from outside takes the worker that watched") {
  for (const unsigned n : test::worker_counts()) {
    if (n < 2) continue;
    sluice::runtime r(test::with_workers(n));
    for (int i = 0; i < 20; ++i) {
      std::this_thread::sleep_for(3ms);
      std::atomic<bool> left{false};
      std::atomic<bool> ran{false};
      auto first = r.go([&] {
        auto behind = sluice::go([&] { ran = true; });
        left = true;
        while (!ran) {}
        behind.get();
      });
      while (!left) std::this_thread::yield();
      std::vector<sluice::future<void>> hogs;
      for (unsigned k = 2; k < n; ++k)
        hogs.push_back(r.go([&] {
          while (!ran) {}
        }));
      first.get();
      test::join(hogs);
    }
  }
}

TEST_CASE("a fiber that yields to a pinned hog goes on elsewhere") {
  for (const unsigned n : test::worker_counts()) {
    sluice::runtime r(test::with_workers(n));
    for (int i = 0; i < 10; ++i) {
      std::this_thread::sleep_for(30ms);  // nobody watches any more
      r.go([] {
         std::atomic<bool> back{false};
         auto hog = sluice::go({.pinned = true}, [&] {
           while (!back) {}
         });
         sluice::this_fiber::yield();
         back = true;
         hog.get();
       }).get();
    }
  }
}
