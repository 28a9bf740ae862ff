// Everybody gets a turn: beside two fibers that hand each other the processor for ever, timers, work from outside and
// other fibers still run. Who starves makes the test hang; it is the single worker that tells.
#include "tests/support/harness.h"

#include <thread>

using namespace std::chrono_literals;

namespace {

// Two fibers that never leave each other without something to do, until told to stop.
class ping_pong {
 public:
  explicit ping_pong(bool pinned = false)
      : there_(sluice::go(sluice::launch{.pinned = pinned},
                          [this] {
                            while (!stop_) {
                              to_.send(1);
                              back_.recv();
                              ++turns_;
                            }
                            to_.close();
                          })),
        back_again_(sluice::go(sluice::launch{.pinned = pinned}, [this] {
          for (const int v : to_) back_.send(v);
        })) {}
  ~ping_pong() {
    stop_ = true;
    there_.get();
    back_again_.get();
  }
  long turns() const { return turns_; }

 private:
  const sluice::channel<int> to_, back_{1};
  std::atomic<bool> stop_{false};
  std::atomic<long> turns_{0};
  sluice::future<void> there_, back_again_;
};

void wait_for_turns(const ping_pong& p, long more) {
  for (const long begin = p.turns(); p.turns() < begin + more;) sluice::this_fiber::yield();
}

}  // namespace

TEST_CASE("a third fiber runs beside two that wake each other") {
  test::in_runtime([](unsigned workers) {
    const ping_pong p;
    wait_for_turns(p, 100);
    constexpr int yields = 100;
    const long begin = p.turns();
    auto third = sluice::go([] {
      for (int i = 0; i < yields; ++i) sluice::this_fiber::yield();
    });
    third.get();
    // Each of its turns comes after a bounded number of theirs.
    if (workers == 1) CHECK(p.turns() - begin < yields * 100);
  });
}

TEST_CASE("many pairs get their turns beside each other") {
  test::in_runtime([] {
    const ping_pong a, b, c(true), d(true);
    for (int i = 0; i < 3; ++i)
      for (const ping_pong* p : {&a, &b, &c, &d}) wait_for_turns(*p, 100);
  });
}

TEST_CASE("a pinned fiber runs beside those that are not, and the other way round") {
  test::in_runtime([] {
    for (const bool pinned : {false, true}) {
      const ping_pong p(pinned);
      wait_for_turns(p, 100);
      sluice::go(sluice::launch{.pinned = !pinned}, [] {
        for (int i = 0; i < 100; ++i) sluice::this_fiber::yield();
      }).get();
    }
  });
}

TEST_CASE("timers fire beside two fibers that wake each other") {
  test::in_runtime([] {
    const ping_pong p;
    for (int i = 0; i < 20; ++i) sluice::this_fiber::sleep_for(1ms);
    const sluice::channel<int> quiet;
    auto r = recv(quiet);
    auto late = sluice::after(1ms);
    CHECK(select(r, late) == late);
    CHECK_THROWS_AS(sluice::with_deadline(1ms, [&] { quiet.recv(); }), sluice::timed_out);
  });
}

TEST_CASE("timers fire while every worker is busy with short fibers") {
  test::in_runtime([](unsigned workers) {
    std::atomic<bool> stop{false};
    std::vector<sluice::future<void>> busy;
    for (unsigned i = 0; i < 2 * workers; ++i) {
      busy.push_back(sluice::go([&] {
        while (!stop) sluice::go([] {}).get();
      }));
      busy.push_back(sluice::go([&] {
        while (!stop) sluice::this_fiber::yield();
      }));
    }
    std::vector<sluice::future<void>> sleepers;
    for (int i = 0; i < 10; ++i)
      sleepers.push_back(sluice::go([] {
        for (int k = 0; k < 10; ++k) sluice::this_fiber::sleep_for(1ms);
      }));
    test::join(sleepers);
    stop = true;
    test::join(busy);
  });
}

TEST_CASE("work from outside runs beside two fibers that wake each other") {
  test::in_runtime([] {
    const ping_pong p;
    wait_for_turns(p, 10);
    const sluice::channel<int> in;
    std::thread outside([=] {
      for (int i = 0; i < 20; ++i) in.send(i);
      in.close();
    });
    long sum = 0;
    for (const int v : in) sum += v;
    outside.join();
    CHECK(sum == 190);
  });
  for (const unsigned n : test::worker_counts()) {
    sluice::runtime rt(test::with_workers(n));
    std::atomic<bool> stop{false};
    std::vector<sluice::future<void>> busy;
    for (unsigned i = 0; i < 2 * n; ++i)
      busy.push_back(rt.go([&] {
        const ping_pong p;
        while (!stop) wait_for_turns(p, 1);
      }));
    for (int i = 0; i < 20; ++i) {
      rt.go([] {}).get();
      rt.go(sluice::launch{.pinned = true}, [] {}).get();
    }
    stop = true;
    test::join(busy);
  }
}

namespace {

sluice::task<> one_end(sluice::channel<int> from, sluice::channel<int> to) {
  for (;;) {
    const auto v = co_await recv(from);
    if (!v || !co_await send(to, *v)) break;
  }
  to.close();
}

}  // namespace

TEST_CASE("a fiber and a timer get their turns beside two coroutines that wake each other") {
  test::in_runtime([] {
    const sluice::channel<int> a(1), b(1);
    auto there = sluice::spawn(one_end(a, b));
    auto back = sluice::spawn(one_end(b, a));
    a.send(1);
    for (int i = 0; i < 100; ++i) sluice::this_fiber::yield();
    sluice::go([] {}).get();
    for (int i = 0; i < 10; ++i) sluice::this_fiber::sleep_for(1ms);
    a.close();
    there.get();
    back.get();
  });
}
