// Many futures: in the order in which they complete, all, any; as futures again.
#include "tests/event_conformance.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;
using sluice::as_completed, sluice::future, sluice::promise, sluice::when_all, sluice::when_any;

namespace {

std::exception_ptr error(const std::string& what) { return std::make_exception_ptr(std::runtime_error(what)); }

template <class T>
std::vector<future<T>> futures_of(std::vector<promise<T>>& promises) {
  std::vector<future<T>> futures;
  for (auto& p : promises) futures.push_back(p.get_future());
  return futures;
}

// The event "one more of these has completed".
struct two_futures {
  static constexpr bool always_ready = false, never_ready = false, broadcast = true;
  promise<int> first, never;
  std::vector<future<int>> futures;
  two_futures() {
    futures.push_back(never.get_future());
    futures.push_back(first.get_future());
  }
  auto make() { return as_completed(futures); }
  void supply() { first.set_value(42); }
  void release() { supply(); }
  bool untouched() { return !futures[1].ready(); }
  template <class Completed>
  bool valid(const std::optional<Completed>& c) {
    return c && c->index == 1 && c->future.ready();
  }
};

}  // namespace

TEST_CASE("as_completed keeps the laws of events") {
  test::in_runtime([] { test::event_laws<two_futures>::check_all(); });
  test::in_thread([] { test::event_laws<two_futures>::check_all(); });
}

TEST_CASE("as_completed: those that were ready before come in the order in which they became so") {
  test::in_runtime([] {
    std::vector<promise<int>> promises(50);
    auto futures = futures_of(promises);
    std::vector<std::size_t> order(50);
    for (std::size_t i = 0; i < 50; ++i) order[i] = i * 37 % 50;
    for (const std::size_t i : order) promises[i].set_value(static_cast<int>(i));
    std::vector<std::size_t> seen;
    for (auto [index, f] : as_completed(futures)) {
      CHECK(f.ready());
      CHECK(f.get() == static_cast<int>(index));
      seen.push_back(index);
    }
    CHECK(seen == order);
  });
}

TEST_CASE("as_completed: in order too if they complete while it is being made") {
  constexpr std::size_t n = 300;
  for (int round = 0; round < test::scaled(300); ++round) {
    std::vector<promise<int>> promises(n);
    auto futures = futures_of(promises);
    std::vector<std::size_t> order(n);
    for (std::size_t i = 0; i < n; ++i) order[i] = i * 37 % n;
    std::atomic<bool> begun{false};
    std::thread sets([&] {
      begun = true;
      for (const std::size_t i : order) promises[i].set_value(static_cast<int>(i));
    });
    while (!begun) std::this_thread::yield();
    std::vector<std::size_t> seen;
    for (auto [index, f] : as_completed(futures)) {
      CHECK(f.get() == static_cast<int>(index));
      seen.push_back(index);
    }
    sets.join();
    CHECK(seen == order);
  }
}

TEST_CASE("as_completed: several that complete while nobody looks, values and errors, each once") {
  test::in_runtime([] {
    std::vector<promise<int>> promises(6);
    auto futures = futures_of(promises);
    promises[4].set_value(4);
    auto completed = as_completed(futures);
    auto it = completed.begin();
    CHECK((*it).index == 4);
    promises[2].set_exception(error("two"));
    promises[5].set_value(5);
    promises[0].set_value(0);
    std::vector<std::size_t> seen;
    for (int k = 0; k < 3; ++k) {
      ++it;
      seen.push_back((*it).index);
    }
    CHECK(seen == std::vector<std::size_t>{2, 5, 0});
    CHECK_THROWS_WITH_AS(futures[2].get(), "two", std::runtime_error);
    CHECK(futures[5].get() == 5);
    CHECK(futures[1].waiters() == 1);
    auto later = sluice::go([&] {
      promises[3].set_value(3);
      promises[1].set_value(1);
    });
    ++it;
    CHECK((*it).index == 3);
    ++it;
    CHECK((*it).index == 1);
    ++it;
    CHECK(it == completed.end());
    later.get();
  });
}

TEST_CASE("as_completed: of an empty range, and given up in the middle") {
  test::in_runtime([] {
    std::vector<future<int>> none;
    for (auto [index, f] : as_completed(none)) CHECK(f.get() == static_cast<int>(index) - 1);
    std::vector<promise<int>> promises(3);
    auto futures = futures_of(promises);
    promises[1].set_value(1);
    for (auto [index, f] : as_completed(futures)) {
      CHECK(index == 1);
      CHECK(f.get() == 1);
      break;
    }
    CHECK(futures[0].waiters() == 0);
    CHECK(futures[2].waiters() == 0);
    // The futures themselves may go while they are watched.
    futures.erase(futures.begin() + 1);
    auto watched = as_completed(futures);
    futures[0] = {};
    promises[0].set_value(0);
    promises[2].set_value(2);
    CHECK((*watched.begin()).index == 0);
    CHECK_THROWS_AS(as_completed(futures), std::future_error);  // not valid any more
  });
}

TEST_CASE("as_completed: is an event") {
  test::in_runtime([] {
    std::vector<promise<int>> promises(2);
    auto futures = futures_of(promises);
    auto completed = as_completed(futures);
    auto late = sluice::after(1ms);
    CHECK((sluice::select(completed, late) == late));
    promises[1].set_value(7);
    auto too_late = sluice::after(30s);
    CHECK((sluice::select(too_late, completed) == completed));
    auto first = completed.take();
    REQUIRE(first.has_value());
    CHECK(first->index == 1);
    CHECK(first->future.get() == 7);
    int sum = 0;
    sluice::select_set set;
    set.add(std::move(completed), [&](auto next) { sum += next ? next->future.get() : 0; });
    promises[0].set_value(5);
    CHECK(set.wait());
    CHECK(sum == 5);
    CHECK(set.size() == 0);  // none is left: it cannot be ready again
  });
}

TEST_CASE("as_completed: cancelled in the middle, and started again") {
  test::in_runtime([] {
    std::vector<promise<int>> promises(3);
    auto futures = futures_of(promises);
    promise<void> begun;
    auto has_begun = begun.get_future();
    auto reader = sluice::go([&] {
      begun.set_value();
      for (auto [index, f] : as_completed(futures)) f.get();
    });
    has_begun.get();
    test::let_others_block();
    reader.cancel();
    CHECK_THROWS_AS(reader.get(), sluice::cancelled);
    for (auto& f : futures) CHECK(f.waiters() == 0);
    for (auto& p : promises) p.set_value(1);
    int sum = 0;
    for (auto [index, f] : as_completed(futures)) sum += f.get();
    CHECK(sum == 3);
  });
}

TEST_CASE("as_completed: a hundred thousand, fulfilled by fibers and threads") {
  test::in_runtime([] {
    constexpr std::size_t n = static_cast<std::size_t>(test::scaled(100'000));
    std::vector<promise<std::size_t>> promises(n);
    auto futures = futures_of(promises);
    const auto fulfil = [&](std::size_t from) {
      for (std::size_t i = from; i < n; i += 3) promises[(i * 7) % n].set_value((i * 7) % n);
    };
    static_assert(n % 7 != 0);
    auto a = sluice::go([&] { fulfil(0); });
    std::thread b([&] { fulfil(1); });
    auto c = sluice::go([&] { fulfil(2); });
    std::size_t count = 0, sum = 0;
    test::tally bad;
    for (auto [index, f] : as_completed(futures)) {
      bad.expect(f.ready() && f.get() == index);
      ++count;
      sum += index;
    }
    b.join();
    a.get();
    c.get();
    CHECK(bad.failures() == 0);
    CHECK(count == n);
    CHECK(sum == n * (n - 1) / 2);
  });
}

TEST_CASE("as_completed: made, read and given up while others fulfil") {
  test::in_runtime([] {
    for (int round = 0; round < test::scaled(2000); ++round) {
      std::vector<promise<int>> promises(6);
      auto futures = futures_of(promises);
      std::atomic<int> at{0};
      auto fulfil = [&] {
        for (;;) {
          const int i = at.fetch_add(1);
          if (i >= 6) return;
          promises[static_cast<std::size_t>(i)].set_value(i);
        }
      };
      auto f1 = sluice::go(fulfil);
      auto f2 = sluice::go(fulfil);
      int left = round % 8;
      for (auto [index, f] : as_completed(futures)) {
        if (left-- == 0) break;
        CHECK(f.get() == static_cast<int>(index));
      }
      f1.get();
      f2.get();
      for (auto& f : futures)
        if (f.valid()) CHECK(f.waiters() == 0);
    }
  });
}

TEST_CASE("wait_all, wait_any") {
  test::in_runtime([] {
    std::vector<future<int>> futures;
    for (int i = 0; i < 20; ++i)
      futures.push_back(sluice::go([i] {
        for (int k = 0; k < i % 5; ++k) sluice::this_fiber::yield();
        if (i == 7) throw std::runtime_error("seven");
        return i;
      }));
    sluice::wait_all(futures);
    for (int i = 0; i < 20; ++i) {
      auto& f = futures[static_cast<std::size_t>(i)];
      CHECK(f.ready());
      if (i != 7) CHECK(f.get() == i);
    }
    CHECK_THROWS_WITH_AS(futures[7].get(), "seven", std::runtime_error);
    std::vector<future<int>> none;
    sluice::wait_all(none);
    CHECK_THROWS_AS(sluice::wait_any(none), std::invalid_argument);
  });
}

TEST_CASE("when_all: each comes back with its own value or error") {
  test::in_runtime([] {
    std::vector<promise<int>> promises(3);
    auto all = when_all(futures_of(promises));
    promises[2].set_value(2);
    promises[0].set_exception(error("zero"));
    CHECK_FALSE(all.ready());
    promises[1].set_value(1);
    CHECK(all.ready());
    auto back = all.get();
    REQUIRE(back.size() == 3);
    CHECK_THROWS_WITH_AS(back[0].get(), "zero", std::runtime_error);
    CHECK(back[1].get() == 1);
    CHECK(back[2].get() == 2);

    CHECK(when_all(std::vector<future<int>>{}).get().empty());
    auto [number, text, nothing] =
        when_all(sluice::go([] { return 1; }), sluice::go([] { return std::string("two"); }), sluice::go([] {})).get();
    CHECK(number.get() == 1);
    CHECK(text.get() == "two");
    nothing.get();
    CHECK_THROWS_AS(when_all(future<int>{}), std::future_error);
  });
}

TEST_CASE("when_any: the first, and all the others unharmed") {
  test::in_runtime([] {
    std::vector<promise<int>> promises(3);
    auto any = when_any(futures_of(promises));
    CHECK_FALSE(any.ready());
    promises[1].set_exception(error("one"));
    auto first = any.get();
    CHECK(first.index == 1);
    REQUIRE(first.futures.size() == 3);
    CHECK_THROWS_WITH_AS(first.futures[1].get(), "one", std::runtime_error);
    CHECK(first.futures[0].waiters() == 0);
    promises[0].set_value(0);
    CHECK(first.futures[0].get() == 0);
    promises[2].set_value(2);

    promise<std::string> ready;
    ready.set_value("at once");
    auto [index, both] = when_any(promise<int>().get_future(), ready.get_future()).get();
    CHECK(index < 2);  // a dropped promise is ready, too
    CHECK_THROWS_AS(when_any(std::vector<future<int>>{}), std::invalid_argument);
  });
}

TEST_CASE("when_any: races of those that complete together") {
  test::in_runtime([] {
    for (int round = 0; round < test::scaled(3000); ++round) {
      promise<int> a, b;
      auto fa = a.get_future(), fb = b.get_future();
      auto first = sluice::go([&] { a.set_value(1); });
      auto second = sluice::go([&] { b.set_value(2); });
      auto any = when_any(std::move(fa), std::move(fb));
      if (round % 3 == 0) {
        any = {};  // nobody is interested any more
      } else {
        auto [index, both] = any.get();
        CHECK((index == 0 ? std::get<0>(both).get() == 1 : std::get<1>(both).get() == 2));
      }
      first.get();
      second.get();
    }
  });
}

TEST_CASE("when_all: dropped while its parts complete") {
  test::in_runtime([] {
    for (int round = 0; round < test::scaled(3000); ++round) {
      std::vector<future<int>> parts;
      for (int i = 0; i < 4; ++i) parts.push_back(sluice::go([i] { return i; }));
      auto all = when_all(std::move(parts));
      if (round % 2 == 0) CHECK(all.get().size() == 4);
    }
  });
}

TEST_CASE("cancelling the whole cancels the parts") {
  test::in_runtime([] {
    std::atomic<int> cancelled{0}, begun{0};
    const auto sleeper = [&] {
      ++begun;
      try {
        sluice::this_fiber::sleep_for(1h);
      } catch (const sluice::cancelled&) {
        ++cancelled;
        throw;
      }
    };
    auto all = when_all(sluice::go(sleeper), sluice::go(sleeper));
    REQUIRE(test::eventually([&] { return begun == 2; }));
    CHECK(all.cancel());
    auto [a, b] = all.get();
    CHECK_THROWS_AS(a.get(), sluice::cancelled);
    CHECK_THROWS_AS(b.get(), sluice::cancelled);
    CHECK(cancelled == 2);
    CHECK_FALSE(when_all(std::vector<future<int>>{}).cancel());
  });
}
