// A fiber that never waits does not hold up the timers and the ready fibers of its worker, whether another worker is
// idle, also if that one fell asleep when there was nothing at all to do; and if there is none, a spare worker comes.
#include "tests/support/harness.h"

#include <atomic>
#include <chrono>
#include <sstream>
#include <string>
#include <vector>

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

TEST_CASE("fast fibers go on though every worker has a hog, and there are more hogs than workers") {
  test::in_runtime([](unsigned workers) {
    std::atomic<bool> done{false};
    std::vector<sluice::future<void>> hogs;
    for (unsigned k = 0; k < workers + 2; ++k)
      hogs.push_back(sluice::go([&] {
        while (!done) {}
      }));
    sluice::channel<int> numbers(4);
    auto sender = sluice::go([numbers] {
      for (int i = 0; i < 100; ++i) CHECK(numbers.send(i));
    });
    for (int i = 0; i < 100; ++i) CHECK(numbers.recv() == i);
    sender.get();
    sluice::this_fiber::sleep_for(1ms);
    done = true;
    test::join(hogs);
  });
}

TEST_CASE("a fiber that blocks its thread holds nobody up") {
  test::in_runtime([](unsigned workers) {
    std::atomic<unsigned> released{0};
    std::vector<sluice::future<void>> blocked;
    for (unsigned k = 0; k < workers + 1; ++k)
      blocked.push_back(sluice::go([&] {
        while (!released) std::this_thread::sleep_for(1ms);
      }));
    sluice::this_fiber::sleep_for(1ms);
    sluice::go([&] { released = 1; }).get();
    test::join(blocked);
  });
}

TEST_CASE("a blocking region lets others on at once") {
  test::in_runtime([](unsigned workers) {
    for (int i = 0; i < 20; ++i) {
      std::atomic<bool> released{false};
      std::vector<sluice::future<void>> blocked;
      for (unsigned k = 0; k < workers; ++k)
        blocked.push_back(sluice::go([&] {
          const sluice::blocking_region outer;
          const sluice::blocking_region inner;
          while (!released) std::this_thread::sleep_for(100us);
        }));
      sluice::this_fiber::yield();
      sluice::go([&] { released = true; }).get();
      test::join(blocked);
    }
  });
}

TEST_CASE("a wait inside a blocking region ends it, on whatever worker the fiber goes on") {
  test::in_runtime([] {
    std::vector<sluice::future<void>> fibers;
    for (int k = 0; k < 20; ++k)
      fibers.push_back(sluice::go([] {
        for (int i = 0; i < 20; ++i) {
          const sluice::blocking_region r;
          sluice::this_fiber::sleep_for(10us);
          const sluice::blocking_region again;
          sluice::this_fiber::yield();
        }
      }));
    test::join(fibers);
  });
}

TEST_CASE("pinned fibers stay at home though spares come and go") {
  test::in_runtime([] {
    auto hog = sluice::go([] {
      const auto end = std::chrono::steady_clock::now() + 50ms;
      while (std::chrono::steady_clock::now() < end) {
        auto pinned = sluice::go({.pinned = true}, [] {
          for (int i = 0; i < 10; ++i) {
            const auto here = std::this_thread::get_id();
            sluice::this_fiber::sleep_for(50us);
            CHECK(std::this_thread::get_id() == here);
          }
        });
        const sluice::blocking_region r;
        std::this_thread::sleep_for(1ms);
      }
    });
    hog.get();
  });
}

TEST_CASE("without spares a hog holds up its worker only") {
  for (const unsigned n : {2U, 4U}) {
    auto options = test::with_workers(n);
    options.spare_workers = 0;
    sluice::run(options, [] {
      std::atomic<bool> done{false};
      auto hog = sluice::go([&] {
        while (!done) {}
      });
      sluice::this_fiber::sleep_for(5ms);
      sluice::go([&] { done = true; }).get();
      hog.get();
    });
  }
}

TEST_CASE("runtimes end while spares are at work") {
  for (int i = 0; i < 50; ++i) {
    sluice::runtime r(test::with_workers(1 + i % 3));
    std::vector<sluice::future<void>> fibers;
    for (int k = 0; k < 5; ++k)
      fibers.push_back(r.go([i] {
        const sluice::blocking_region region;
        std::this_thread::sleep_for(std::chrono::microseconds(i * 20));
      }));
    if (i % 2) test::join(fibers);
  }
}

namespace {

// Out of line and with a name of its own, for the report.
[[gnu::noinline]] void compute_for_too_long(const std::atomic<bool>& enough) {
  while (!enough) {}
}

}  // namespace

TEST_CASE("a hog is reported once, with its name, its stack and the pinned fibers behind it") {
  for (const unsigned n : test::worker_counts()) {
    std::atomic<bool> enough{false};
    std::atomic<int> reports{0};
    sluice::hog_report seen;
    auto options = test::with_workers(n);
    options.on_hog = [&](const sluice::hog_report& hog) {
      if (reports++ == 0) seen = hog;
      enough = true;
    };
    sluice::run(options, [&] {
      sluice::go({.name = "greedy", .pinned = true}, [&] {
        auto behind = sluice::go({.name = "behind", .pinned = true}, [] {});
        compute_for_too_long(enough);
        behind.get();
        enough = false;
        const auto end = std::chrono::steady_clock::now() + 30ms;
        while (std::chrono::steady_clock::now() < end) {}  // the same fiber again: not news
      }).get();
    });
    CHECK(reports == 1);
    CHECK(seen.fiber == "'greedy'");
    CHECK(seen.kept >= 10ms);
    CHECK_FALSE(seen.sleeps);
    if (!test::tsan) CHECK_FALSE(seen.stack.empty());  // TSan holds signals back while a loop computes
    CHECK(seen.pinned_behind == std::vector<std::string>{"'behind'"});
    std::ostringstream words;
    words << seen;
    CHECK(words.str().find("fiber 'greedy' has kept its worker for ") != std::string::npos);
    CHECK(words.str().find("1 pinned fiber waits behind it: 'behind'") != std::string::npos);
  }
}

TEST_CASE("a fiber that blocks its thread is reported as asleep, one in a blocking region is not reported") {
  for (const unsigned n : test::worker_counts()) {
    std::atomic<int> reports{0};
    std::atomic<bool> slept{false};
    auto options = test::with_workers(n);
    options.on_hog = [&](const sluice::hog_report& hog) {
      slept = hog.sleeps && hog.fiber == "'sleeper'";
      ++reports;
    };
    sluice::run(options, [&] {
      sluice::go([] {
        const sluice::blocking_region r;
        std::this_thread::sleep_for(40ms);
      }).get();
      CHECK(reports == 0);
      sluice::go({.name = "sleeper"}, [&] {
        while (reports == 0) std::this_thread::sleep_for(20ms);
      }).get();
    });
    CHECK(slept);
  }
}
