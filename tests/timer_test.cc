// Time as an event: never early, no drift, missed ticks counted, nothing left behind.
#include "tests/support/harness.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <stdexcept>
#include <vector>

using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;

namespace {

template <class F>
void in_fibers_and_threads(F f) {
  test::in_runtime(f);
  test::in_thread(f);
}

}  // namespace

TEST_CASE("after and at are never early, for deadlines on every scale of the wheel") {
  in_fibers_and_threads([] {
    for (const auto d : {0us, 1us, 50us, 66us, 1000us, 4'200us, 4'300us, 20'000us, 300'000us}) {
      const auto start = clock_type::now();
      auto t = sluice::after(d);
      auto n = sluice::never();
      CHECK((sluice::select(n, t) == t));
      CHECK(clock_type::now() - start >= d);
      t.take();
      const auto deadline = clock_type::now() + d;
      auto u = sluice::at(deadline);
      CHECK((sluice::select(u, n) == u));
      CHECK(clock_type::now() >= deadline);
    }
  });
}

TEST_CASE("what has passed is ready at once, what is too far away is never, what was taken is over") {
  in_fibers_and_threads([] {
    auto past = sluice::at(clock_type::now() - 1h);
    CHECK(past.poll());
    past.take();
    CHECK_FALSE(past.poll());
    CHECK_FALSE(static_cast<bool>(sluice::try_select(past)));
    for (auto negative : {sluice::after(-5s), sluice::after(std::chrono::hours::min()),
                          sluice::after(std::chrono::duration<double>(-1e300)), sluice::at(clock_type::time_point::min())})
      CHECK(negative.poll());
    auto once_a_century = sluice::every(std::chrono::hours::max());
    CHECK_FALSE(once_a_century.poll());
    for (auto far : {sluice::after(std::chrono::hours::max()), sluice::at(clock_type::time_point::max()),
                     sluice::after(std::chrono::duration<double>(1e300)), sluice::after(std::chrono::nanoseconds::max())}) {
      CHECK_FALSE(far.poll());
      auto soon = sluice::after(1ms);
      CHECK((sluice::select(far, soon) == soon));
    }
    CHECK_THROWS_AS(sluice::every(0ms), std::invalid_argument);
    CHECK_THROWS_AS(sluice::every(-1ms), std::invalid_argument);
  });
}

TEST_CASE("timers of many fibers fire in the order of their deadlines, not of their starts") {
  test::in_runtime([] {
    const int n = test::sanitized ? 200 : 2'000;
    sluice::channel<clock_type::time_point> woken(sluice::unbounded);
    std::mt19937 r(7);
    test::tally ok;
    std::vector<sluice::future<void>> all;
    const auto begin = clock_type::now();
    for (int i = 0; i < n; ++i) {
      const auto deadline = begin + std::chrono::microseconds(r() % 300'000);
      all.push_back(sluice::go([&, deadline] {
        sluice::this_fiber::sleep_until(deadline);
        ok.expect(clock_type::now() >= deadline);
        woken.send(deadline);
      }));
    }
    test::join(all);
    CHECK(ok.failures() == 0);
    CHECK(woken.size() == static_cast<std::size_t>(n));
  });
}

TEST_CASE("with one worker, deadlines further apart than the resolution are kept in order") {
  sluice::run(test::with_workers(1), [] {
    sluice::channel<int> order(sluice::unbounded);
    std::vector<sluice::future<void>> all;
    const auto begin = clock_type::now() + 5ms;
    for (const int i : {7, 2, 9, 0, 5, 1, 8, 3, 6, 4})
      all.push_back(sluice::go([=] {
        sluice::this_fiber::sleep_until(begin + i * 10ms);
        order.send(i);
      }));
    test::join(all);
    for (int i = 0; i < 10; ++i) CHECK(order.recv() == i);
  });
}

TEST_CASE("every does not drift: taken and missed ticks add up to the time that has passed") {
  in_fibers_and_threads([] {
    for (const auto period : {500us, 1'000us, 7'300us}) {
      const auto before = clock_type::now();
      auto tick = sluice::every(period);
      const auto after = clock_type::now();
      auto nothing = sluice::never();
      std::int64_t ticks = 0;
      for (int i = 0; i < 40; ++i) {
        REQUIRE((sluice::select(tick, nothing) == tick));
        ticks += 1 + static_cast<std::int64_t>(tick.take());
        REQUIRE(ticks <= (clock_type::now() - before) / period);  // never early
        if (i % 4 == 0) std::this_thread::sleep_for(period / 3);  // a reader with work of its own
        if (i % 16 == 5) std::this_thread::sleep_for(period * 3);
      }
      const auto due = (clock_type::now() - after) / period;
      while (tick.poll()) ticks += 1 + static_cast<std::int64_t>(tick.take());
      CHECK(ticks >= due);
    }
  });
}

TEST_CASE("missed ticks are dropped, counted, and not made up for") {
  in_fibers_and_threads([] {
    const auto period = 5ms;
    const auto before = clock_type::now();
    auto tick = sluice::every(period);
    const auto after = clock_type::now();
    std::this_thread::sleep_for(33ms);
    const auto earliest = (clock_type::now() - after) / period;
    CHECK(tick.poll());
    const auto seen = 1 + static_cast<std::int64_t>(tick.take());
    const auto latest = (clock_type::now() - before) / period;
    CHECK(seen >= earliest);
    CHECK(seen <= latest);
    CHECK(seen >= 6);
    auto moved = std::move(tick);  // keeps its phase
    auto nothing = sluice::never();
    CHECK((sluice::select(moved, nothing) == moved));
    CHECK(clock_type::now() >= before + (seen + 1) * period);
  });
}

TEST_CASE("a timer that lost is gone with its select") {
  in_fibers_and_threads([] {
    sluice::channel<int> c(1);
    const int n = test::scaled(50'000);
    for (int i = 0; i < n; ++i) {
      // On the heap, and freed at once: a wheel that kept a place in it would write there (and ASan would tell).
      auto timer = std::make_unique<sluice::deadline_event>(sluice::after(std::chrono::microseconds(i % 977)));
      auto partner = sluice::go([c] { c.send(1); });
      auto in = sluice::recv(c);
      if (sluice::select(in, *timer) == *timer) {
        timer.reset();
        c.recv();
      } else {
        static_cast<void>(in.take());
      }
      partner.get();
    }
    auto soon = sluice::after(3ms);  // whatever was left behind would fire by now
    auto in = sluice::recv(c);
    CHECK((sluice::select(in, soon) == soon));
  });
}

TEST_CASE("a busy worker does not starve the timers of its own fibers") {
  test::in_runtime([] {
    std::atomic<bool> stop{false};
    auto busy = sluice::go([&] {
      while (!stop) sluice::this_fiber::yield();
    });
    sluice::channel<int> there;
    sluice::channel<int> back;
    auto ping = sluice::go([&] {
      while (there.send(1) && back.recv()) {}
    });
    auto pong = sluice::go([&] {
      while (there.recv() && back.send(1)) {}
    });
    for (int i = 0; i < 20; ++i) sluice::this_fiber::sleep_for(1ms);  // ends, however busy the others are
    stop = true;
    there.close();
    back.close();
    busy.get();
    ping.get();
    pong.get();
    CHECK(stop);
  });
}

TEST_CASE("sleeping beyond the wheel's first levels, while the runtime is otherwise idle") {
  test::in_runtime([] {
    std::vector<sluice::future<bool>> all;
    for (const auto d : {1ms, 63ms, 64ms, 65ms, 268ms, 270ms, 500ms})
      all.push_back(sluice::go([d] {
        const auto start = clock_type::now();
        sluice::this_fiber::sleep_for(d);
        return clock_type::now() - start >= d;
      }));
    for (auto& f : all) CHECK(f.get());
  });
}
