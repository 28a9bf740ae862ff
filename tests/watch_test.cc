// watch: the newest value, and who is told of it.
#include "tests/support/harness.h"

#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using sluice::changed, sluice::select, sluice::watch;

TEST_CASE("everybody sees the newest value; a watcher is told once, however many changes there were") {
  const watch<std::string> w("first");
  auto seen = w.watcher();
  auto news = changed(seen);
  CHECK(w.get() == "first");
  CHECK_FALSE(news.poll());
  CHECK(w.set("second"));
  CHECK(w.set("third"));
  CHECK(w.get() == "third");
  REQUIRE(news.poll());
  CHECK(news.take() == "third");
  CHECK_FALSE(news.poll());
  CHECK(w.set("fourth"));
  CHECK(seen.get() == "fourth");  // counts as seen
  CHECK_FALSE(news.poll());
  CHECK(w.set("fourth"));  // the same value again is a change
  CHECK(seen.changed() == "fourth");
}

TEST_CASE("the newest is what there is when it is taken") {
  const watch<int> w(0);
  auto seen = w.watcher();
  auto news = changed(seen);
  w.set(1);
  REQUIRE(news.poll());
  w.set(2);
  CHECK(news.take() == 2);
  CHECK_FALSE(news.poll());
}

TEST_CASE("visit looks in place, without a lock: what it sees does not change meanwhile") {
  const watch<std::string> w("old");
  const std::size_t length = w.visit([&](const std::string& now) {
    CHECK(w.set("something new"));
    CHECK(now == "old");
    return now.size();
  });
  CHECK(length == 3);
  CHECK(w.get() == "something new");
}

TEST_CASE("closed: the last value is seen once more, then the end; a set is refused and keeps its value") {
  const watch<std::string> w("first");
  auto seen = w.watcher();
  auto late = w.watcher();
  w.set("last");
  CHECK(w.close());
  CHECK_FALSE(w.close());
  CHECK(w.closed());
  std::string mine = "still mine";
  CHECK_FALSE(w.set(std::move(mine)));
  CHECK(mine == "still mine");
  CHECK(w.get() == "last");
  CHECK(seen.changed() == "last");
  CHECK_FALSE(seen.changed());
  CHECK_FALSE(seen.changed());
  auto news = changed(late);
  REQUIRE(news.poll());
  CHECK(news.take() == "last");
  CHECK_FALSE(news.spent());
  REQUIRE(news.poll());
  CHECK_FALSE(news.take());
  CHECK(news.spent());
}

TEST_CASE("a change wakes all who wait, in a select or not; a close does too") {
  test::in_runtime([] {
    const watch<int> w(0);
    std::vector<sluice::future<int>> all;
    for (int i = 0; i < 4; ++i)
      all.push_back(sluice::go([i, seen = w.watcher()]() mutable {
        auto news = changed(seen);
        auto late = sluice::after(30s);
        if (i % 2 == 0) {
          CHECK(select(news, late) == news);
          CHECK(news.take() == 1);
        } else {
          CHECK(seen.changed() == 1);
        }
        return seen.changed().value_or(-1);
      }));
    test::let_others_block();
    w.set(1);
    test::let_others_block();
    w.close();
    for (auto& f : all) CHECK(f.get() == -1);
  });
}

TEST_CASE("a wait that is cancelled has seen nothing") {
  test::in_runtime([] {
    const watch<int> w(0);
    auto seen = w.watcher();
    std::atomic<bool> began{false};
    auto waiting = sluice::go([&] {
      began = true;
      seen.changed();
    });
    while (!began) sluice::this_fiber::yield();
    waiting.cancel();
    CHECK_THROWS_AS(waiting.get(), sluice::cancelled);
    w.set(1);
    CHECK(seen.changed() == 1);
  });
}

namespace {

struct throws_on_copy {
  int* failures;
  explicit throws_on_copy(int* f) : failures(f) {}
  throws_on_copy(const throws_on_copy& o) : failures(o.failures) {
    if ((*failures)-- > 0) throw std::runtime_error("no copy");
  }
  throws_on_copy(throws_on_copy&&) noexcept = default;
};

// Takes the watch's lock when it is destroyed.
struct looks_back {
  const watch<std::shared_ptr<looks_back>>* at = nullptr;
  ~looks_back() {
    if (at != nullptr) at->visit([](const auto&) { return 0; });
  }
};

}  // namespace

TEST_CASE("a copy that throws: the value is not seen yet") {
  int failures = 0;
  const watch<throws_on_copy> w{throws_on_copy(&failures)};
  auto seen = w.watcher();
  w.set(throws_on_copy(&failures));
  auto news = changed(seen);
  failures = 2;
  REQUIRE(news.poll());
  CHECK_THROWS_AS(news.take(), std::runtime_error);
  CHECK_THROWS_AS(seen.get(), std::runtime_error);
  REQUIRE(news.poll());
  CHECK(news.take().has_value());
  CHECK_FALSE(news.poll());
}

TEST_CASE("values are destroyed without the lock") {
  const watch<std::shared_ptr<looks_back>> w(std::make_shared<looks_back>());
  for (int i = 0; i < 3; ++i) {
    auto next = std::make_shared<looks_back>();
    next->at = &w;
    w.set(std::move(next));
  }
  w.set(nullptr);
}

TEST_CASE("many set, many watch, fibers and threads: versions only go up, and each watcher sees the last one") {
  test::in_runtime([] {
    const int n = test::scaled(20'000);
    struct state {
      int number;
      std::vector<int> copies;  // torn if a value were changed while it is looked at
      explicit state(int i) : number(i), copies(8, i) {}
      bool whole() const { return copies == std::vector<int>(8, number); }
    };
    const watch<state> w(state(0));
    const auto follow = [n](sluice::watcher<state> seen, unsigned seed) {
      std::mt19937 r(seed);
      int last = 0;
      bool right = true;
      for (;;) {
        auto news = changed(seen);
        auto late = sluice::after(std::chrono::microseconds(r() % 50));
        if (r() % 2 == 0 && select(news, late) == late) continue;
        select(news);
        const auto v = news.take();
        if (!v) break;
        right = right && v->whole() && v->number > last;
        last = v->number;
      }
      CHECK(right);
      CHECK(last == n);
    };
    std::vector<sluice::future<void>> all;
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 3; ++i)
      all.push_back(sluice::go([=, seen = w.watcher()]() mutable { follow(std::move(seen), i); }));
    threads.emplace_back([=, seen = w.watcher()]() mutable { follow(std::move(seen), 9); });
    std::atomic<bool> end{false};
    threads.emplace_back([&] {
      bool right = true;
      while (!end) right = right && w.visit([](const state& s) { return s.whole(); }) && w.get().whole();
      CHECK(right);
    });
    for (int i = 1; i <= n; ++i) {
      w.set(state(i));
      if (i % 64 == 0) sluice::this_fiber::yield();
    }
    w.close();
    end = true;
    test::join(all);
    for (auto& t : threads) t.join();
  });
}
