// wait_group, latch and once: all wait for it, all see what came before it, and whoever sees it may clean up.
#include "tests/support/harness.h"

#include <array>
#include <limits>
#include <memory>
#include <stdexcept>
#include <vector>

using namespace std::chrono_literals;
using sluice::latch, sluice::once, sluice::select, sluice::try_select, sluice::wait_group;

TEST_CASE("a wait_group waits for all, again and again") {
  test::in_runtime([] {
    wait_group g;
    g.wait();
    for (int round = 0; round < test::scaled(500); ++round) {
      std::array<int, 6> results{};
      for (int& r : results) {
        g.add();
        if (&r == &results.back())
          std::thread([&] {
            r = round + 1;
            g.done();
          }).detach();
        else
          sluice::go([&] {
            r = round + 1;
            g.done();
          });
      }
      if (round % 2 == 0) {
        g.wait();
      } else {
        auto quiet = sluice::idle(g);
        auto never = sluice::never();
        CHECK((select(quiet, never) == quiet));
      }
      for (const int r : results) CHECK(r == round + 1);
    }
  });
}

TEST_CASE("a wait_group's idle loses against a timeout, and sees a group that became busy again") {
  wait_group g;
  g.add(2);
  auto quiet = sluice::idle(g);
  auto soon = sluice::after(1ms);
  CHECK((select(quiet, soon) == soon));
  g.add(-2);
  CHECK(static_cast<bool>(try_select(quiet)));
  g.add();
  CHECK_FALSE(static_cast<bool>(try_select(quiet)));
  g.done();
}

TEST_CASE("counts that make no sense are errors that name them, and change nothing") {
  wait_group g;
  CHECK_THROWS_WITH_AS(g.done(), "sluice: the count of a wait_group is 0, it cannot change by -1", std::logic_error);
  g.add(3);
  CHECK_THROWS_WITH_AS(g.add(-4), "sluice: the count of a wait_group is 3, it cannot change by -4", std::logic_error);
  CHECK_THROWS_AS(g.add(std::numeric_limits<std::ptrdiff_t>::max()), std::logic_error);
  CHECK_THROWS_AS(g.add(std::numeric_limits<std::ptrdiff_t>::min()), std::logic_error);
  g.add(-3);
  g.wait();
  CHECK_THROWS_WITH_AS(latch(-1), "sluice: a latch cannot count -1", std::invalid_argument);
  CHECK_THROWS_AS(latch(latch::max() + 1), std::invalid_argument);
  latch l(2);
  CHECK_THROWS_WITH_AS(l.count_down(3), "sluice: the count of a latch is 2, it cannot change by -3", std::logic_error);
  CHECK_THROWS_WITH_AS(l.count_down(-1), "sluice: a latch cannot be counted down by -1", std::invalid_argument);
  CHECK_FALSE(l.try_wait());
  l.count_down(2);
  CHECK(l.try_wait());
}

TEST_CASE("a latch lets all through at once; a latch of 0 is open") {
  latch(0).wait();
  test::in_runtime([] {
    for (int round = 0; round < test::scaled(300); ++round) {
      latch start(5);
      std::array<int, 5> written{};
      std::atomic<int> sum{0};
      std::vector<sluice::future<void>> fibers;
      const auto meet = [&](int& mine) {
        mine = 1;
        start.arrive_and_wait();
        for (const int w : written) sum += w;
      };
      for (std::size_t i = 0; i < 4; ++i) fibers.push_back(sluice::go([&, i] { meet(written[i]); }));
      std::thread thread([&] { meet(written[4]); });
      test::join(fibers);
      thread.join();
      CHECK(sum == 25);
      CHECK(sluice::detail::spent(sluice::opened(start)));
    }
  });
}

TEST_CASE("cancelled while it waits at a latch or a wait_group") {
  test::in_runtime([] {
    latch l(1);
    wait_group g;
    g.add();
    std::atomic<int> begun{0};
    auto at_latch = sluice::go([&] {
      ++begun;
      l.wait();
    });
    auto at_group = sluice::go([&] {
      ++begun;
      g.wait();
    });
    REQUIRE(test::eventually([&] { return begun == 2; }));
    at_latch.cancel();
    at_group.cancel();
    CHECK_THROWS_AS(at_latch.get(), sluice::cancelled);
    CHECK_THROWS_AS(at_group.get(), sluice::cancelled);
    g.done();
    l.count_down();
  });
}

TEST_CASE("whoever sees the end of it may destroy it") {
  test::in_runtime([] {
    for (int i = 0; i < test::scaled(2'000); ++i) {
      auto g = std::make_unique<wait_group>();
      auto l = std::make_unique<latch>(2);
      g->add(2);
      const auto work = [&group = *g, &gate = *l] {
        group.done();
        gate.count_down();
      };
      auto f = sluice::go(work);
      std::thread t;
      if (i % 4 == 0)
        t = std::thread(work);
      else
        sluice::go(work);
      g->wait();
      g.reset();
      l->wait();
      l.reset();
      if (t.joinable()) t.join();
      f.get();
    }
  });
}

TEST_CASE("once: one runs, all others find it done") {
  test::in_runtime([] {
    for (int round = 0; round < test::scaled(300); ++round) {
      once o;
      int runs = 0;
      const auto call = [&] {
        o.call(
            [&](int by) {
              sluice::this_fiber::yield();
              runs += by;
            },
            1);
        return runs;
      };
      std::vector<sluice::future<int>> fibers;
      for (int i = 0; i < 4; ++i) fibers.push_back(sluice::go(call));
      std::thread thread([&] { CHECK(call() == 1); });
      auto there = done(o);
      auto never = sluice::never();
      CHECK((select(never, there) == there));
      CHECK(o.called());
      for (auto& f : fibers) CHECK(f.get() == 1);
      thread.join();
      CHECK(runs == 1);
    }
  });
}

TEST_CASE("once: an exception lets the next one try; so does a cancelled call") {
  test::in_runtime([] {
    once o;
    CHECK_THROWS_WITH_AS(o.call([] { throw std::runtime_error("first"); }), "first", std::runtime_error);
    CHECK_FALSE(o.called());
    std::atomic<bool> inside{false};
    auto slow = sluice::go([&] {
      o.call([&] {
        inside = true;
        sluice::this_fiber::sleep_for(1h);
      });
    });
    REQUIRE(test::eventually([&] { return inside.load(); }));
    bool second = false;
    auto next = sluice::go([&] { o.call([&] { second = true; }); });
    slow.cancel();
    CHECK_THROWS_AS(slow.get(), sluice::cancelled);
    next.get();
    CHECK(second);
    CHECK(o.called());
    o.call([] { FAIL("twice"); });
  });
}
