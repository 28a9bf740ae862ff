// Plain data published by the library's operations. In a plain build this checks the values; under TSan it is the proof
// that each of them orders what came before with what comes after.
#include "tests/support/harness.h"

#include <array>
#include <memory>

using namespace std::chrono_literals;
using sluice::channel, sluice::recv, sluice::select, sluice::send;

namespace {

// Each pattern many times over, between fibers and between a fiber and a thread.
template <class Publish, class Consume>
void ordered(Publish publish, Consume consume) {
  test::in_runtime([&] {
    test::tally ok;
    for (int i = 0; i < test::scaled(2'000); ++i) {
      auto f = sluice::go([&] { publish(i); });
      ok.expect(consume(i));
      f.get();
    }
    for (int i = 0; i < test::scaled(200); ++i) {
      std::thread t([&] { publish(i); });
      ok.expect(consume(i));
      t.join();
    }
    CHECK(ok.failures() == 0);
  });
}

}  // namespace

TEST_CASE("what came before a send is seen after the receive, on each kind of channel") {
  for (const auto& c : {channel<int>(), channel<int>(1), channel<int>(sluice::unbounded)}) {
    int plain = -1;
    ordered(
        [&](int i) {
          plain = i;
          c.send(i);
        },
        [&](int i) { return c.recv() == i && plain == i; });
  }
}

TEST_CASE("what came before a receive is seen after the send that it completed, on a rendezvous") {
  const channel<int> c;
  int plain = -1;
  ordered(
      [&](int i) {
        plain = i;
        c.recv();
      },
      [&](int i) { return c.send(i) && plain == i; });
}

TEST_CASE("a channel of capacity k is a semaphore: a receive is before the send that takes its place") {
  test::in_runtime([] {
    const channel<int> slots(1);
    int guarded = 0;  // plain: whoever is in the slot may touch it
    std::vector<sluice::future<void>> all;
    const int rounds = test::scaled(5'000);
    for (int f = 0; f < 4; ++f)
      all.push_back(sluice::go([&] {
        for (int i = 0; i < rounds; ++i) {
          slots.send(1);
          ++guarded;
          slots.recv();
        }
      }));
    test::join(all);
    CHECK(guarded == 4 * rounds);
  });
}

TEST_CASE("what came before close is seen by those who find the channel closed") {
  int plain = -1;
  test::in_runtime([&] {
    test::tally ok;
    for (int i = 0; i < test::scaled(2'000); ++i) {
      const channel<int> c(static_cast<std::size_t>(i % 2));
      auto f = sluice::go([&] {
        plain = i;
        c.close();
      });
      ok.expect(!c.recv() && plain == i);
      f.get();
      const channel<int> d;
      auto h = sluice::go([&] {
        plain = -i;
        d.close();
      });
      ok.expect(!d.send(1) && plain == -i);
      h.get();
    }
    CHECK(ok.failures() == 0);
  });
}

TEST_CASE("through a select on either side, and both") {
  const channel<int> c;
  const channel<int> other;
  const channel<int> null(nullptr);
  int plain = -1;
  ordered(
      [&](int i) {
        plain = i;
        auto a = send(c, i);
        auto b = recv(other);
        static_cast<void>(select(a, b));
      },
      [&](int i) {
        auto a = recv(c);
        auto b = recv(null);
        auto t = sluice::after(1h);
        return select(a, b, t) == a && a.take() == i && plain == i;
      });
  ordered(
      [&](int i) {
        plain = i;
        while (!c.try_send(i)) std::this_thread::yield();
      },
      [&](int i) { return c.recv() == i && plain == i; });
}

TEST_CASE("starting a fiber, and seeing its result") {
  test::in_runtime([] {
    test::tally ok;
    for (int i = 0; i < test::scaled(2'000); ++i) {
      int before = i;
      int after = 0;
      auto f = sluice::go([&] {
        ok.expect(before == i);
        after = i + 1;
        if (i % 3 == 0) sluice::this_fiber::yield();
        if (i % 7 == 0) throw 1;
      });
      switch (i % 4) {
        case 0:
          f.wait();
          break;
        case 1:
          while (!f.ready()) sluice::this_fiber::yield();
          break;
        case 2: {
          auto d = sluice::done(f);
          auto t = sluice::after(1h);
          ok.expect(select(d, t) == d);
          break;
        }
        case 3: {
          std::vector<sluice::future<void>> one;
          one.push_back(std::move(f));
          ok.expect(sluice::wait_any(one) == 0);
          f = std::move(one[0]);
          break;
        }
      }
      ok.expect(after == i + 1);
      try {
        f.get();
      } catch (int) {}
    }
    CHECK(ok.failures() == 0);
  });
}

TEST_CASE("a promise, fulfilled or broken") {
  test::in_runtime([] {
    test::tally ok;
    for (int i = 0; i < test::scaled(2'000); ++i) {
      auto p = std::make_unique<sluice::promise<int>>();
      auto f = p->get_future();
      int plain = 0;
      auto g = sluice::go([&, p = std::move(p)]() mutable {
        plain = i;
        if (i % 2 == 0) p->set_value(i);
        p.reset();
      });
      f.wait();
      ok.expect(plain == i);
      try {
        ok.expect(f.get() == i);
      } catch (const std::future_error&) {
        ok.expect(i % 2 == 1);
      }
      g.get();
    }
    CHECK(ok.failures() == 0);
  });
}

TEST_CASE("a fiber's own data follows it from worker to worker, timers and cancellation included") {
  test::in_runtime([] {
    test::tally ok;
    std::vector<sluice::future<void>> all;
    for (int f = 0; f < 16; ++f)
      all.push_back(sluice::go([&] {
        std::array<int, 64> own{};
        for (int i = 0; i < test::scaled(300); ++i) {
          for (int& v : own) ++v;
          if (i % 3 == 0) sluice::this_fiber::sleep_for(1us);
          if (i % 3 != 0) sluice::this_fiber::yield();
          for (const int v : own) ok.expect(v == i + 1);
        }
      }));
    test::join(all);
    for (int i = 0; i < test::scaled(500); ++i) {
      int plain = 0;
      auto f = sluice::go([&] {
        try {
          channel<int>().recv();
        } catch (const sluice::cancelled&) {
          plain = i;
        }
      });
      sluice::this_fiber::yield();
      f.cancel();
      try {
        f.get();
        ok.expect(plain == i);
      } catch (const sluice::cancelled&) {  // before it began
      }
    }
    CHECK(ok.failures() == 0);
  });
}

TEST_CASE("what a runtime's fibers did is seen when run returns") {
  for (const unsigned n : test::worker_counts()) {
    int plain[32] = {};
    std::atomic<int> begun{0};  // one that has not begun would never
    sluice::run(test::with_workers(n), [&] {
      for (int& p : plain)
        sluice::go([&] {
          ++begun;
          try {
            channel<int>().recv();
          } catch (const sluice::cancelled&) {
            p = 1;
          }
        });
      while (begun < 32) sluice::this_fiber::yield();
    });
    int sum = 0;
    for (const int p : plain) sum += p;
    CHECK(sum == 32);
  }
}
