// Runtimes: how they start and end, what they do with results, errors and those who are left, and how they idle.
#include "tests/support/harness.h"

#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <sys/resource.h>

using namespace std::chrono_literals;
using sluice::channel;

namespace {

std::chrono::microseconds cpu_time() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  const auto us = [](const timeval& t) { return std::chrono::seconds(t.tv_sec) + std::chrono::microseconds(t.tv_usec); };
  return us(u.ru_utime) + us(u.ru_stime);
}

// The address of a thread-local tells threads apart; never inlined, so that none is remembered across a wait.
[[gnu::noinline]] std::thread::id this_thread_id() {
  asm volatile("");
  return std::this_thread::get_id();
}

}  // namespace

TEST_CASE("run returns the result of main, or throws what main threw") {
  for (const unsigned n : test::worker_counts()) {
    CHECK(sluice::run(test::with_workers(n), [] { return 42; }) == 42);
    CHECK(*sluice::run(test::with_workers(n), [] { return std::make_unique<int>(7); }) == 7);
    sluice::run(test::with_workers(n), [] {});
    CHECK_THROWS_WITH_AS(sluice::run(test::with_workers(n), []() -> int { throw std::runtime_error("main failed"); }),
                         "main failed", std::runtime_error);
  }
  CHECK(sluice::run([] { return 1; }) == 1);
}

TEST_CASE("run leaves no fiber behind, whether main returns or throws") {
  for (const unsigned n : test::worker_counts()) {
    for (const bool throws : {false, true}) {
      const auto held = std::make_shared<int>(0);
      try {
        sluice::run(test::with_workers(n), [&] {
          for (int i = 0; i < 50; ++i) {
            sluice::go([held] { channel<int>().recv(); });
            sluice::go([held] { channel<int>().send(1); });
            sluice::go([held] { sluice::this_fiber::sleep_for(1h); });
            sluice::go([held] {
              for (;;) sluice::this_fiber::yield();
            });
            sluice::go([held] { sluice::go([held] { channel<int>(nullptr).recv(); }).get(); });
          }
          if (throws) throw 1;
          test::let_others_block();
        });
      } catch (int) {}
      CHECK(held.use_count() == 1);
    }
  }
}

TEST_CASE("fibers that start fibers while they are cancelled do not outlive run") {
  for (const unsigned n : test::worker_counts()) {
    const auto held = std::make_shared<int>(0);
    sluice::run(test::with_workers(n), [&] {
      for (int i = 0; i < 20; ++i)
        sluice::go([held] {
          try {
            channel<int>().recv();
          } catch (const sluice::cancelled&) {
            sluice::go([held] { channel<int>().recv(); });
            throw;
          }
        });
      test::let_others_block();
    });
    CHECK(held.use_count() == 1);
  }
}

TEST_CASE("runtimes start and stop, again and again, in any thread") {
  for (const unsigned n : test::worker_counts()) {
    std::vector<std::thread> threads;
    std::atomic<int> sum{0};
    for (int t = 0; t < 3; ++t)
      threads.emplace_back([&, n] {
        for (int i = 0; i < test::scaled(40); ++i) {
          sluice::runtime r(test::with_workers(n));
          auto f = r.go([] { return sluice::go([] { return 1; }).get(); });
          sum += f.get();
        }
      });
    for (auto& t : threads) t.join();
    CHECK(sum == 3 * test::scaled(40));
  }
}

TEST_CASE("a runtime may end while the thread that woke its last fiber has not yet come back from doing so") {
  for (const unsigned n : test::worker_counts()) {
    for (int i = 0; i < test::scaled(400); ++i) {
      const channel<int> begun;
      const channel<int> wakes(1);
      std::thread outside([=] {
        begun.recv();
        std::this_thread::sleep_for(50us);  // it waits by now, most times
        wakes.send(1);
      });
      sluice::run(test::with_workers(n), [&] {
        sluice::go({.pinned = i % 2 == 0}, [=] {
          begun.send(1);
          CHECK(*wakes.recv() == 1);
        }).get();
      });
      outside.join();
    }
  }
}

TEST_CASE("several runtimes side by side, one inside a fiber of another, share channels") {
  test::in_runtime([](unsigned n) {
    channel<int> c;
    channel<int> back(3);
    sluice::runtime other(test::with_workers(n));
    auto there = other.go([=] {
      int sum = 0;
      for (const int v : c) {
        sum += v;
        back.send(v);
      }
      return sum;
    });
    int echoed = 0;
    auto here = sluice::go([&] {
      for (int i = 0; i < 1'000; ++i) echoed += *back.recv();
    });
    for (int i = 0; i < 1'000; ++i) CHECK(c.send(i));
    c.close();
    CHECK(there.get() == 499'500);
    here.get();
    CHECK(echoed == 499'500);
  });
}

TEST_CASE("a runtime that ends inside a fiber of another lets the others there run: its own may wait for them") {
  struct tells {
    channel<int> whom;
    ~tells() { whom.send(1); }
  };
  for (const unsigned n : test::worker_counts()) {
    sluice::run(test::with_workers(n), [&] {
      const channel<int> told;
      auto listener = sluice::go([=] {
        sluice::this_fiber::sleep_for(5ms);
        CHECK(*told.recv() == 1);
      });
      sluice::run(test::with_workers(n), [=] {
        const channel<int> begun;
        sluice::go([=] {
          const tells at_the_end{told};
          begun.send(1);
          sluice::this_fiber::sleep_for(1h);
        });
        begun.recv();
      });
      listener.get();
    });
  }
}

TEST_CASE("go from a plain thread uses the default runtime; a runtime's fibers stay in it") {
  test::in_thread([] {
    channel<int> c;
    auto f = sluice::go([c] { return *c.recv() + *sluice::go([] { return std::make_unique<int>(1); }).get(); });
    CHECK(c.send(41));
    CHECK(f.get() == 42);
    CHECK(sluice::this_fiber::name() == "(thread)");
    sluice::this_fiber::yield();
    sluice::this_fiber::sleep_for(1ms);
  });
}

TEST_CASE("a fiber and a thread on one channel, both ways, selecting and not") {
  test::in_runtime([] {
    const int n = test::scaled(20'000);
    channel<int> to_thread;
    channel<int> to_fiber(2);
    std::thread thread([=] {
      auto in = sluice::recv(to_thread);
      for (;;) {
        auto late = sluice::after(10s);
        if (sluice::select(in, late) != in) break;
        const auto v = in.take();
        if (!v || !to_fiber.send(*v + 1)) break;
      }
      to_fiber.close();
    });
    bool right = true;
    for (int i = 0; i < n && right; ++i) right = to_thread.send(i) && to_fiber.recv() == i + 1;
    CHECK(right);
    to_thread.close();
    CHECK_FALSE(to_fiber.recv().has_value());
    thread.join();
  });
}

TEST_CASE("a pinned fiber stays on its thread, whatever wakes it") {
  test::in_runtime([] {
    channel<int> c;
    std::atomic<bool> outside_done{false};
    test::tally ok;
    std::vector<sluice::future<void>> pinned;
    for (int i = 0; i < 8; ++i)
      pinned.push_back(sluice::go(sluice::launch{.name = "pinned", .pinned = true}, [&] {
        const auto home = this_thread_id();
        while (c.recv()) {
          ok.expect(this_thread_id() == home);
          sluice::this_fiber::yield();
          ok.expect(this_thread_id() == home);
          sluice::this_fiber::sleep_for(10us);
          ok.expect(this_thread_id() == home);
        }
      }));
    std::vector<sluice::future<void>> feeders;
    for (int i = 0; i < 3; ++i)
      feeders.push_back(sluice::go([&] {
        for (int k = 0; k < test::scaled(3'000); ++k) c.send(k);
      }));
    std::thread outside([&] {
      for (int k = 0; k < test::scaled(3'000); ++k) c.send(k);
      outside_done = true;
    });
    test::join(feeders);
    while (!outside_done) sluice::this_fiber::sleep_for(1ms);
    outside.join();
    c.close();
    test::join(pinned);
    CHECK(ok.failures() == 0);
  });
}

TEST_CASE("a fiber that holds its worker does not hold up the others, if there is another worker") {
  for (const unsigned n : test::worker_counts()) {
    if (n == 1) continue;
    sluice::run(test::with_workers(n), [] {
      std::atomic<bool> released{false};
      auto hog = sluice::go([&] {
        while (!released) std::this_thread::yield();  // no wait of the library's
      });
      test::let_others_block();
      auto f = sluice::go([] { return sluice::go([] { return 1; }).get(); });
      CHECK(f.get() == 1);
      released = true;
      hog.get();
    });
  }
}

TEST_CASE("what a fiber readies and then sits on is stolen") {
  for (const unsigned n : test::worker_counts()) {
    if (n == 1) continue;
    sluice::run(test::with_workers(n), [] {
      for (int i = 0; i < 20; ++i) {
        channel<int> c;
        std::atomic<bool> ran{false};
        auto waits = sluice::go([&] {
          c.recv();
          ran = true;
        });
        auto sits = sluice::go([&] {
          c.send(1);
          while (!ran) std::this_thread::yield();
        });
        sits.get();
        waits.get();
      }
    });
  }
}

TEST_CASE("and also when all workers were asleep a moment ago") {
  for (const unsigned n : test::worker_counts()) {
    if (n == 1) continue;
    sluice::run(test::with_workers(n), [] {
      for (int i = 0; i < 5; ++i) {
        sluice::this_fiber::sleep_for(20ms);  // nobody is left who looks for work
        std::atomic<bool> ran{false};
        auto f = sluice::go([&] { ran = true; });
        const auto end = std::chrono::steady_clock::now() + 10s;
        while (!ran && std::chrono::steady_clock::now() < end) std::this_thread::yield();
        CHECK(ran);
        f.get();
      }
    });
  }
}

TEST_CASE("names: as given, else distinct; the main fiber is called main") {
  test::in_runtime([] {
    CHECK(sluice::this_fiber::name() == "main");
    CHECK(sluice::go(sluice::launch{.name = "parser"}, [] { return sluice::this_fiber::name(); }).get() == "parser");
    std::set<std::string> names;
    for (int i = 0; i < 10; ++i) names.insert(sluice::go([] { return sluice::this_fiber::name(); }).get());
    CHECK(names.size() == 10);
    CHECK(names.count("") == 0);
  });
}

TEST_CASE("a fiber may ask for a stack of its own size and use it") {
  test::in_runtime([] {
    const auto deep = [] {
      volatile char room[3 * 1024 * 1024];
      for (std::size_t i = 0; i < sizeof room; i += 4096) room[i] = 1;
      sluice::this_fiber::yield();
      return room[0] + room[2 * 1024 * 1024];
    };
    for (int i = 0; i < 5; ++i) CHECK(sluice::go(sluice::launch{.stack_size = 4 * 1024 * 1024}, deep).get() == 2);
  });
  sluice::runtime_options big;
  big.stack_size = 1024 * 1024;
  CHECK(sluice::run(big, [] {
          volatile char room[700 * 1024];
          room[0] = 3;
          return room[0] + 0;
        }) == 3);
}

TEST_CASE("an idle runtime costs no processor time") {
  for (const unsigned n : test::worker_counts()) {
    sluice::run(test::with_workers(n), [] {
      channel<int> quiet;
      auto blocked = sluice::go([quiet] { return quiet.recv(); });
      auto selects = sluice::go([quiet] {
        auto a = sluice::recv(quiet);
        auto b = sluice::after(1h);
        static_cast<void>(sluice::select(a, b));
      });
      sluice::this_fiber::sleep_for(50ms);
      const auto before = cpu_time();
      sluice::this_fiber::sleep_for(1s);
      const auto used = cpu_time() - before;
      CHECK(used < 100ms);  // a single worker that spins would use about ten times as much
      quiet.close();
      blocked.get();
      selects.get();
    });
  }
}
