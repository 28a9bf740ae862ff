// A runtime's figures: each is right while nothing moves, and totals never go back while everything does.
#include "tests/support/harness.h"

#include <thread>

using namespace std::chrono_literals;

TEST_CASE("fibers are counted by state") {
  test::in_runtime([](unsigned workers) {
    const auto before = sluice::this_runtime::stats();
    CHECK(before.fibers.running >= 1);
    CHECK(before.fibers.ended == 0);
    const sluice::channel<int> quiet;
    std::vector<sluice::future<void>> all;
    for (int i = 0; i < 10; ++i) all.push_back(sluice::go(sluice::launch{.pinned = i % 2 == 0}, [&] { quiet.recv(); }));
    const auto begun = sluice::this_runtime::stats();
    CHECK(begun.fibers.spawned == before.fibers.spawned + 10);
    if (workers == 1) {
      CHECK(begun.fibers.ready == 10);
      CHECK(begun.fibers.waiting == 0);
      CHECK(begun.fibers.running == 1);
    }
    CHECK(test::eventually([] {
      const auto now = sluice::this_runtime::stats();
      return now.fibers.waiting == 10 && now.fibers.ready == 0 && now.fibers.running == 1;
    }));
    quiet.close();
    test::join(all);
    CHECK(test::eventually([&] {
      const auto now = sluice::this_runtime::stats();
      return now.fibers.ended == before.fibers.ended + 10 && now.fibers.waiting == 0;
    }));
  });
}

TEST_CASE("what comes from outside is ready until it runs") {
  for (const unsigned n : test::worker_counts()) {
    auto options = test::with_workers(n);
    options.spare_workers = 0;
    sluice::runtime rt(options);
    std::atomic<unsigned> hogs{0};
    std::atomic<bool> stop{false};
    std::vector<sluice::future<void>> all;
    for (unsigned i = 0; i < n; ++i)
      all.push_back(rt.go([&] {
        ++hogs;
        while (!stop) std::this_thread::yield();
      }));
    while (hogs < n) std::this_thread::yield();
    const auto hogged = rt.stats();
    CHECK(hogged.fibers.running == n);
    CHECK(hogged.fibers.ready == 0);
    CHECK(hogged.parked_workers == 0);
    all.push_back(rt.go([] {}));
    const auto full = rt.stats();
    CHECK(full.fibers.spawned == n + 1);
    CHECK(full.fibers.ready == 1);
    CHECK(full.fibers.waiting == 0);
    stop = true;
    test::join(all);
    CHECK(test::eventually([&] { return rt.stats().fibers.ended == n + 1; }));
  }
}

TEST_CASE("switches are counted, by worker and in all") {
  test::in_runtime([](unsigned workers) {
    constexpr int rounds = 1000;
    const auto before = sluice::this_runtime::stats();
    const sluice::channel<int> to, back;
    auto other = sluice::go([&] {
      for (const int v : to) back.send(v);
    });
    for (int i = 0; i < rounds; ++i) {
      to.send(i);
      CHECK(back.recv() == i);
    }
    to.close();
    other.get();
    const auto after = sluice::this_runtime::stats();
    CHECK(after.switches >= before.switches + 2 * rounds);
    REQUIRE(after.workers.size() >= workers);
    std::uint64_t sum = 0;
    for (const auto& w : after.workers) sum += w.switches;
    CHECK(sum == after.switches);
  });
}

TEST_CASE("timers are counted while they are armed") {
  test::in_runtime([] {
    CHECK(sluice::this_runtime::stats().timers == 0);
    std::vector<sluice::future<void>> all;
    for (int i = 0; i < 5; ++i) all.push_back(sluice::go([] { sluice::this_fiber::sleep_for(1h); }));
    CHECK(test::eventually([] { return sluice::this_runtime::stats().timers == 5; }));
    for (auto& f : all) f.cancel();
    for (auto& f : all) CHECK_THROWS_AS(f.get(), sluice::cancelled);
    CHECK(sluice::this_runtime::stats().timers == 0);
    // Those that fire; that move down the wheel first; and whose wait something else has won.
    sluice::channel<int> c;
    auto late = sluice::after(1ms);
    sluice::go([=] {
      sluice::this_fiber::sleep_for(1ms);
      c.close();
    });
    auto r = recv(c);
    select(r, late);
    sluice::this_fiber::sleep_for(30ms);
    CHECK(sluice::this_runtime::stats().timers == 0);
  });
}

TEST_CASE("an idle runtime's workers are parked, and woken by work from outside") {
  for (const unsigned n : test::worker_counts()) {
    sluice::runtime rt(test::with_workers(n));
    for (int i = 0; i < 3; ++i) {
      REQUIRE(test::eventually([&] { return rt.stats().parked_workers == n; }));
      const auto idle = rt.stats();
      CHECK(idle.fibers.running == 0);
      rt.go([] {}).get();
      CHECK(rt.stats().wake_ups > idle.wake_ups);
    }
  }
}

TEST_CASE("stacks are counted while fibers have them, and kept when those have ended") {
  test::in_runtime([] {
    constexpr std::size_t n = 1000;
    const sluice::channel<int> quiet;
    std::vector<sluice::future<void>> all;
    for (std::size_t i = 0; i < n; ++i) all.push_back(sluice::go([&] { quiet.recv(); }));
    CHECK(test::eventually([&] { return quiet.stats().waiting_receivers == n; }));
    CHECK(sluice::this_runtime::stats().stacks.in_use > n);
    quiet.close();
    test::join(all);
    CHECK(test::eventually([] {
      const auto now = sluice::this_runtime::stats();
      return now.stacks.in_use <= 64 * now.workers.size() + 1;
    }));
    CHECK(sluice::this_runtime::stats().stacks.pooled > 0);
  });
}

TEST_CASE("steals are counted") {
  test::in_runtime([](unsigned workers) {
    if (workers < 2) return;
    const auto before = sluice::this_runtime::stats();
    std::atomic<bool> done{false};
    auto left_behind = sluice::go([&] { done = true; });
    while (!done) {}  // only another worker can run it
    left_behind.get();
    const auto after = sluice::this_runtime::stats();
    CHECK(after.steals > before.steals);
    std::uint64_t sum = 0;
    for (const auto& w : after.workers) sum += w.steals;
    CHECK(sum == after.steals);
  });
}

namespace {
sluice::task<> waits_for(sluice::channel<int> c) { co_await recv(c); }
}  // namespace

TEST_CASE("tasks are counted") {
  for (const unsigned n : test::worker_counts()) {
    sluice::runtime rt(test::with_workers(n));
    const sluice::channel<int> c;
    auto a = rt.spawn(waits_for(c));
    auto b = rt.spawn(waits_for(c));
    CHECK(rt.stats().tasks == 2);
    c.close();
    a.get();
    b.get();
    CHECK(test::eventually([&] { return rt.stats().tasks == 0; }));
  }
}

TEST_CASE("a plain thread sees the default runtime") {
  const auto before = sluice::this_runtime::stats();
  sluice::go([] {}).get();
  CHECK(sluice::this_runtime::stats().fibers.spawned == before.fibers.spawned + 1);
}

TEST_CASE("totals never go back, whatever happens meanwhile") {
  for (const unsigned n : test::worker_counts()) {
    sluice::runtime rt(test::with_workers(n));
    std::atomic<bool> stop{false};
    test::tally right;
    std::thread observer([&] {
      for (auto last = rt.stats(); !stop;) {
        auto now = rt.stats();
        right.expect(now.fibers.spawned >= last.fibers.spawned && now.fibers.ended >= last.fibers.ended &&
                     now.fibers.ended <= now.fibers.spawned && now.switches >= last.switches && now.steals >= last.steals &&
                     now.wake_ups >= last.wake_ups);
        // Nothing has been counted below nothing.
        right.expect(now.fibers.waiting < 1'000'000 && now.timers < 1'000'000);
        last = std::move(now);
      }
    });
    rt.go([] {
        for (int round = 0; round < test::scaled(200); ++round) {
          std::vector<sluice::future<void>> all;
          for (int i = 0; i < 100; ++i)
            all.push_back(sluice::go([i] {
              if (i % 10 == 0) sluice::this_fiber::sleep_for(100us);
              sluice::this_fiber::yield();
            }));
          test::join(all);
        }
      }).get();
    stop = true;
    observer.join();
    CHECK(right.failures() == 0);
    CHECK(rt.stats().fibers.spawned == static_cast<std::uint64_t>(test::scaled(200)) * 100 + 1);
  }
}
