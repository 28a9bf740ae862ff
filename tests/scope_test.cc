// scope and race: nothing outlives them, the first failure is the one that is thrown, and no error is lost or told twice.
#include "tests/support/count_allocations.h"
#include "tests/support/harness.h"

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;
using sluice::channel, sluice::race, sluice::scope;

namespace {

template <class F>
void in_fibers_and_threads(F f) {
  test::in_runtime(f);
  test::in_thread(f);
}

struct at_exit {
  std::function<void()> f;
  ~at_exit() { f(); }
};

std::string what_of(const std::exception_ptr& e) {
  try {
    std::rethrow_exception(e);
  } catch (const std::exception& x) {
    return x.what();
  }
}

using strings = std::vector<std::string>;

// Runs f with a handler that collects what is reported as unobserved, sorted.
template <class F>
strings reported_by(unsigned workers, F f) {
  std::mutex mutex;
  strings reports;
  auto options = test::with_workers(workers);
  options.unobserved_error = [&](std::exception_ptr e) {
    const std::scoped_lock hold(mutex);
    reports.push_back(what_of(e));
  };
  sluice::run(options, f);
  std::sort(reports.begin(), reports.end());
  return reports;
}

auto fails(std::string what) {
  return [what] { throw std::runtime_error(what); };
}
void block() { channel<int>().recv(); }

}  // namespace

TEST_CASE("join waits for all; results are in the futures") {
  in_fibers_and_threads([] {
    scope s;
    std::atomic<int> ended{0};
    std::vector<sluice::future<int>> all;
    for (int i = 0; i < 100; ++i)
      all.push_back(s.go([&, i] {
        const at_exit count{[&] { ++ended; }};
        if (i % 3 == 0) sluice::this_fiber::sleep_for(1ms);
        return i;
      }));
    s.join();
    CHECK(ended == 100);
    int sum = 0;
    for (auto& f : all) {
      CHECK(f.ready());
      sum += f.get();
    }
    CHECK(sum == 4950);
    CHECK(s.secondary_errors().empty());
    s.join();  // once more: nothing to wait for
    CHECK_THROWS_AS(s.go([] {}), std::logic_error);
    scope empty;
    empty.join();
    const scope never_joined;
  });
}

TEST_CASE("the first failure cancels the others, is thrown when all have ended, and is told once") {
  for (const unsigned n : test::worker_counts()) {
    CHECK(reported_by(n, [] {
            std::atomic<int> alive{0};
            const auto lives = [&] {
              ++alive;
              const at_exit count{[&] { --alive; }};
              block();
            };
            scope s;
            std::vector<sluice::future<void>> kept;
            for (int i = 0; i < 20; ++i) kept.push_back(s.go(lives));
            for (int i = 0; i < 20; ++i) s.go(lives);
            auto failed = s.go([&] {
              while (alive < 40) sluice::this_fiber::sleep_for(100us);
              throw std::runtime_error("first");
            });
            CHECK_THROWS_WITH_AS(s.join(), "first", std::runtime_error);
            CHECK(alive == 0);
            for (auto& f : kept) CHECK_THROWS_AS(f.get(), sluice::cancelled);
            CHECK_THROWS_WITH_AS(failed.get(), "first", std::runtime_error);  // it is there as well
            CHECK(s.secondary_errors().empty());
          }) == strings{});
  }
}

TEST_CASE("later failures are secondary errors, in their order; taken or reported, once each") {
  for (const unsigned n : test::worker_counts()) {
    for (const bool taken : {true, false}) {
      const auto reports = reported_by(n, [&] {
        scope s;
        channel<int> turn;
        std::atomic<int> begun{0};
        for (int i = 0; i < 3; ++i)
          s.go([=, &begun] {
            const sluice::shield not_yet;
            ++begun;
            const auto mine = turn.recv();
            throw std::runtime_error("late " + std::to_string(*mine));
          });
        sluice::future<void> looked_at = s.go([=, &begun] {
          const sluice::shield not_yet;
          ++begun;
          turn.recv();
          throw std::runtime_error("looked at");
        });
        while (begun < 4) sluice::this_fiber::sleep_for(100us);
        s.go(fails("first"));
        sluice::go([=] {
          for (int i = 0; i < 4; ++i) {
            sluice::this_fiber::sleep_for(2ms);
            turn.send(i);
          }
        });
        CHECK_THROWS_WITH_AS(s.join(), "first", std::runtime_error);
        CHECK_THROWS_WITH_AS(looked_at.get(), "looked at", std::runtime_error);
        if (taken) {
          strings secondary;
          for (const auto& e : s.secondary_errors()) secondary.push_back(what_of(e));
          std::sort(secondary.begin(), secondary.end());
          REQUIRE(secondary.size() == 4);
          CHECK(secondary.back() == "looked at");
          CHECK(s.secondary_errors().empty());
        }
      });
      CHECK(reports.size() == (taken ? 0 : 3));
    }
  }
}

TEST_CASE("a child that is done is not asked to stop any more: what it captured may wait as it goes") {
  struct waits {
    explicit waits(std::atomic<int>* n) : gone(n) {}
    waits(waits&& o) noexcept : gone(std::exchange(o.gone, nullptr)) {}
    ~waits() {
      if (gone == nullptr) return;
      sluice::this_fiber::sleep_for(2ms);
      ++*gone;
    }
    std::atomic<int>* gone;
  };
  test::in_runtime([] {
    std::atomic<int> gone{0};
    scope s;
    for (int i = 0; i < 3; ++i) s.go([w = waits(&gone)] { throw std::runtime_error("all of them"); });
    for (int i = 0; i < 3; ++i) s.go([w = waits(&gone)] {});
    s.go({.name = "canceller"}, [&] {
      CHECK(sluice::this_fiber::name() == "canceller");
      for (int i = 0; i < 10; ++i) s.cancel();
    });
    try {
      s.join();
    } catch (const std::runtime_error&) {}
    CHECK(gone == 6);
    s.secondary_errors();
  });
}

TEST_CASE("a child that ends as cancelled has not failed, nor has one that was cancelled by its future") {
  test::in_runtime([] {
    scope s;
    std::atomic<bool> begun{false};
    auto f = s.go([&] {
      begun = true;
      block();
    });
    s.go([] { throw sluice::cancelled{}; });
    auto other = s.go([] {
      sluice::this_fiber::sleep_for(5ms);
      return 1;
    });
    CHECK(test::eventually([&] { return begun.load(); }));
    CHECK(f.cancel());
    s.join();
    CHECK_THROWS_AS(f.get(), sluice::cancelled);
    CHECK(other.get() == 1);
  });
}

TEST_CASE("cancel stops all, and those who come later do not begin; from inside and from outside") {
  test::in_runtime([] {
    for (const int who : {0, 1, 2}) {
      scope s;
      std::atomic<int> begun{0};
      std::atomic<int> stopped{0};
      std::atomic<bool> late_began{false};
      for (int i = 0; i < 10; ++i)
        s.go([&] {
          const auto token = sluice::this_fiber::stop_token();
          ++begun;
          try {
            block();
          } catch (const sluice::cancelled&) {
            if (token.stop_requested()) ++stopped;
            throw;
          }
        });
      CHECK(test::eventually([&] { return begun == 10; }));
      if (who == 0) s.cancel();
      if (who == 1) s.go([&] { s.cancel(); });
      if (who == 2) {
        std::thread outside([&] { s.cancel(); });
        outside.join();
      }
      if (who != 1) {
        auto late = s.go([&] { late_began = true; });
        CHECK_THROWS_AS(late.get(), sluice::cancelled);
      }
      s.join();
      CHECK(stopped == 10);
      CHECK_FALSE(late_began.load());
    }
  });
}

TEST_CASE("each cancel asks again") {
  test::in_runtime([] {
    scope s;
    std::atomic<int> times{0};
    std::atomic<bool> begun{false};
    s.go([&] {
      begun = true;
      while (times < 3) try {
          block();
        } catch (const sluice::cancelled&) {
          ++times;
        }
    });
    CHECK(test::eventually([&] { return begun.load(); }));
    for (int i = 0; i < 3; ++i) {
      s.cancel();
      CHECK(test::eventually([&] { return times == i + 1; }));
    }
    s.join();
  });
}

TEST_CASE("children may add siblings, and join waits for these too") {
  in_fibers_and_threads([] {
    scope s;
    std::atomic<int> leaves{0};
    std::function<void(int)> grow = [&](int depth) {
      if (depth == 0) {
        sluice::this_fiber::sleep_for(100us);
        ++leaves;
        return;
      }
      for (int i = 0; i < 3; ++i) s.go([&grow, depth] { grow(depth - 1); });
    };
    s.go([&] { grow(5); });
    s.join();
    CHECK(leaves == 243);
  });
}

TEST_CASE("the end of the block without join: children are cancelled and awaited, errors reported, cancelled or not") {
  for (const unsigned n : test::worker_counts()) {
    for (const int how : {0, 1, 2}) {  // the block ends; throws; is cancelled
      std::atomic<int> alive{0};
      const auto reports = reported_by(n, [&] {
        std::atomic<bool> begun{false};
        auto owner = sluice::go([&] {
          std::atomic<int> local{0};
          scope s;
          for (int i = 0; i < 10; ++i)
            s.go([&] {
              ++alive;
              ++local;
              const at_exit count{[&] { --alive; }};
              try {
                block();
              } catch (const sluice::cancelled&) {
                sluice::this_fiber::sleep_for(1ms);
                ++local;
                throw std::runtime_error("unheard");
              }
            });
          while (local < 10) sluice::this_fiber::sleep_for(100us);
          begun = true;
          if (how == 1) throw std::runtime_error("block");
          if (how == 2) block();
        });
        if (how == 2) {
          CHECK(test::eventually([&] { return begun.load(); }));
          CHECK(owner.cancel());
        }
        owner.wait();
        CHECK(alive == 0);
        if (how == 1) CHECK_THROWS_WITH_AS(owner.get(), "block", std::runtime_error);
        if (how == 2) CHECK_THROWS_AS(owner.get(), sluice::cancelled);
      });
      CHECK(reports == strings(10, "unheard"));
    }
  }
}

TEST_CASE("the owner is cancelled, or out of time, in join: children are cancelled, awaited, and it is thrown on") {
  for (const unsigned n : test::worker_counts()) {
    for (const bool by_deadline : {false, true}) {
      const auto reports = reported_by(n, [&] {
        std::atomic<int> alive{0};
        std::atomic<bool> joining{false};
        const auto own = [&] {
          scope s;
          for (int i = 0; i < 10; ++i)
            s.go([&, i] {
              ++alive;
              const at_exit count{[&] { --alive; }};
              try {
                block();
              } catch (const sluice::cancelled&) {
                const sluice::shield clean_up;
                sluice::this_fiber::sleep_for(2ms);
                if (i == 0) throw std::runtime_error("clean-up failed");
                throw;
              }
            });
          while (alive < 10) sluice::this_fiber::sleep_for(100us);
          joining = true;
          at_exit check{[&] { CHECK(alive == 0); }};
          if (by_deadline)
            sluice::with_deadline(5ms, [&] { s.join(); });
          else
            s.join();
        };
        auto owner = sluice::go(own);
        if (!by_deadline) {
          CHECK(test::eventually([&] { return joining.load(); }));
          test::let_others_block();
          CHECK(owner.cancel());
          CHECK_THROWS_AS(owner.get(), sluice::cancelled);
        } else {
          CHECK_THROWS_AS(owner.get(), sluice::timed_out);
        }
        CHECK(alive == 0);
      });
      CHECK(reports == strings{"clean-up failed"});
    }
  }
}

TEST_CASE("once there is a failure, join is not cancelled: the failure is thrown, and the request waits") {
  test::in_runtime([] {
    std::atomic<bool> begun{false};
    std::atomic<bool> told{false};
    std::atomic<bool> asked{false};
    auto owner = sluice::go([&] {
      scope s;
      s.go([&] {
        const sluice::shield slow;
        const auto token = sluice::this_fiber::stop_token();
        begun = true;
        while (!token.stop_requested()) sluice::this_fiber::sleep_for(100us);
        told = true;
        while (!asked) sluice::this_fiber::sleep_for(100us);
        sluice::this_fiber::sleep_for(1ms);
      });
      s.go([&] {
        while (!begun) sluice::this_fiber::sleep_for(100us);
        throw std::runtime_error("first");
      });
      CHECK_THROWS_WITH_AS(s.join(), "first", std::runtime_error);
      CHECK_THROWS_AS(sluice::this_fiber::sleep_for(1h), sluice::cancelled);
      return 1;
    });
    CHECK(test::eventually([&] { return told.load(); }));
    CHECK(owner.cancel());
    asked = true;
    CHECK(owner.get() == 1);
  });
}

TEST_CASE("a child whose own deadline passed fails the scope, be it inherited from inside the block") {
  test::in_runtime([] {
    {
      scope s;
      s.go([] { sluice::with_deadline(1ms, block); });
      s.go(block);
      CHECK_THROWS_AS(s.join(), sluice::timed_out);
    }
    scope s;
    sluice::with_deadline(1ms, [&] {
      s.go(block);
      s.go(block);
    });
    CHECK_THROWS_AS(s.join(), sluice::deadline_exceeded);
    CHECK(s.secondary_errors().empty());
  });
}

TEST_CASE("when join returns, all that a child owned is gone: captures, results, errors") {
  struct mark {
    explicit mark(std::atomic<int>* n) : count(n) { ++*count; }
    mark(const mark& o) : count(o.count) { ++*count; }
    mark& operator=(const mark&) = delete;
    ~mark() {
      std::this_thread::yield();
      --*count;
    }
    std::atomic<int>* count;
  };
  struct error : std::exception {
    explicit error(mark m) : held(std::move(m)) {}
    mark held;
  };
  test::in_runtime([] {
    test::tally ok;
    for (int round = 0; round < test::scaled(2'000); ++round) {
      std::atomic<int> marks{0};
      {
        scope s;
        for (int i = 0; i < 4; ++i)
          s.go([i, m = mark(&marks)] {
            if (i % 2) sluice::this_fiber::yield();
            return m;
          });
        s.join();
        ok.expect(marks == 0);
      }
      try {
        scope s;
        for (int i = 0; i < 4; ++i) s.go([m = mark(&marks)] { throw error(m); });
        const at_exit quiet{[&] { s.secondary_errors(); }};
        s.join();
      } catch (const error&) {
        ok.expect(marks == 1);
      }
      ok.expect(marks == 0);
    }
    CHECK(ok.failures() == 0);
  });
}

TEST_CASE("100,000 short children: nothing is kept of those that have ended") {
  test::in_runtime([](unsigned workers) {
    const int n = test::scaled(100'000);
    const long pooled = test::sanitized ? 0 : 4'096L * workers;  // frames that workers keep for the next fibers
    long peak = 0;
    const auto drive = [&](int count, int batch) {
      scope s;
      std::atomic<int> ended{0};
      for (int i = 0; i < count; ++i) {
        s.go([&] { ++ended; });
        if (i % batch == 0) {
          while (ended < i) sluice::this_fiber::yield();
          peak = std::max(peak, test::live_allocations());
        }
      }
      s.join();
      CHECK(ended == count);
    };
    drive(2'000, 100);  // pools fill
    peak = 0;
    const long before = test::live_allocations();
    drive(n, 100);
    CHECK(peak - before < pooled + 1'000);
  });
}

TEST_CASE("race: the first to be done wins, the losers are gone") {
  in_fibers_and_threads([] {
    std::atomic<int> alive{0};
    const auto lives = [&] {
      ++alive;
      const at_exit count{[&] { --alive; }};
      block();
      return 0;
    };
    CHECK(race([] { return 7; }) == 7);
    for (int i = 0; i < test::scaled(200); ++i) {
      CHECK(race(
                lives, [] { return 7; }, lives) == 7);
      CHECK(alive == 0);
      CHECK_THROWS_WITH_AS(race(lives, []() -> int { throw std::runtime_error("won"); }), "won", std::runtime_error);
      CHECK(alive == 0);
      race(block, [] {});
      const auto either = race([] { return std::string("s"); }, lives, [&] { lives(); });
      REQUIRE(either.index() == 0);
      CHECK(std::get<0>(either) == "s");
      CHECK(race([&] { return lives(), std::make_unique<int>(1); }, [] {}).index() == 1);
      CHECK(alive == 0);
    }
    std::vector<std::function<int()>> many(10, lives);
    many.emplace_back([] { return 3; });
    CHECK(race(many) == 3);
    CHECK(race(std::move(many)) == 3);
    CHECK(alive == 0);
    CHECK_THROWS_AS(race(std::vector<std::function<int()>>{}), std::invalid_argument);
  });
}

TEST_CASE("race: who was done first is the result, though others are done as well when the caller looks") {
  test::in_runtime([](unsigned workers) {
    if (workers > 1) return;  // the order in which functions end can be seen from outside only if they do one by one
    for (int i = 0; i < test::scaled(500); ++i) {
      std::atomic<int> order{0};
      std::atomic<int> begun{0};
      const auto run = [&] {
        const sluice::shield to_the_end;
        for (++begun; begun < 3;) sluice::this_fiber::yield();
        for (int k = i % 3; k > 0; --k) sluice::this_fiber::yield();
        return order++;
      };
      CHECK(race(run, run, run) == 0);
      CHECK(order == 3);
    }
  });
}

TEST_CASE("race: a loser's error is reported; cancelled losers are silent; a cancelled caller cancels and awaits all") {
  for (const unsigned n : test::worker_counts()) {
    CHECK(reported_by(n, [] {
            std::atomic<int> alive{0};
            const auto lives = [&] {
              ++alive;
              const at_exit count{[&] { --alive; }};
              block();
            };
            const auto fails_late = [&] {
              ++alive;
              const at_exit count{[&] { --alive; }};
              try {
                block();
              } catch (const sluice::cancelled&) {
                throw std::runtime_error("loser");
              }
            };
            race(lives, fails_late, [&] {
              while (alive < 2) sluice::this_fiber::sleep_for(100us);
            });
            CHECK(alive == 0);
            auto owner = sluice::go([&] { race(lives, lives); });
            CHECK(test::eventually([&] { return alive == 2; }));
            CHECK(owner.cancel());
            owner.wait();
            CHECK(alive == 0);
            CHECK_THROWS_AS(owner.get(), sluice::cancelled);
            CHECK_THROWS_AS(sluice::with_deadline(1ms, [&] { race(lives, lives); }), sluice::timed_out);
            CHECK(alive == 0);
          }) == strings{"loser"});
  }
}

TEST_CASE("race: once there is a winner, its value is not lost to a cancel or a deadline") {
  test::in_runtime([] {
    std::atomic<bool> begun{false};
    std::atomic<bool> told{false};
    std::atomic<bool> go_on{false};
    const auto wins = [&] {
      while (!begun) sluice::this_fiber::sleep_for(100us);
      return 1;
    };
    const auto slow = [&] {
      const sluice::shield clean_up;
      const auto token = sluice::this_fiber::stop_token();
      begun = true;
      while (!token.stop_requested()) sluice::this_fiber::sleep_for(100us);
      told = true;
      while (!go_on) sluice::this_fiber::sleep_for(100us);
      return 0;
    };
    auto owner = sluice::go([&] {
      CHECK(race(wins, slow) == 1);
      CHECK_THROWS_AS(sluice::this_fiber::sleep_for(1h), sluice::cancelled);
    });
    CHECK(test::eventually([&] { return told.load(); }));
    CHECK(owner.cancel());
    go_on = true;
    owner.get();

    for (auto limit = 10ms; limit < 30s; limit *= 2) try {  // so long that there is a winner in time
        const auto t = std::chrono::steady_clock::now() + limit;
        CHECK(sluice::with_deadline(t, [&] {
                return race([] { return 1; },
                            [t] {
                              const sluice::shield clean_up;
                              sluice::this_fiber::sleep_until(t + 1ms);
                              return 0;
                            });
              }) == 1);
        break;
      } catch (const sluice::timed_out&) {}
  });
}

TEST_CASE("the end of the runtime ends scopes and races, in owners and children alike") {
  for (const unsigned n : test::worker_counts()) {
    const auto held = std::make_shared<int>(0);
    sluice::run(test::with_workers(n), [&] {
      std::atomic<int> ready{0};
      for (int i = 0; i < 20; ++i)
        sluice::go([held, &ready] {
          scope s;
          for (int k = 0; k < 3; ++k)
            s.go([held, &ready] { race([held, &ready] { ++ready, block(); }, [held] { block(); }); });
          s.join();
        });
      CHECK(test::eventually([&] { return ready == 60; }));
    });
    CHECK(held.use_count() == 1);
  }
}

// ---- Random trees

namespace {

// One node runs a scope of children, which are nodes again, and ends as its dice say. Every node notes that it lives, every
// value it took from the bank it brings back, and every failure is noted before it is thrown.
class forest {
 public:
  explicit forest(std::uint64_t seed) : seed_(seed) {}

  void node(int depth, std::uint64_t seed) {
    std::mt19937_64 dice(seed);
    const auto one_in = [&](unsigned n) { return dice() % n == 0; };
    ++alive;
    const at_exit gone{[&] { --alive; }};
    const long mine = static_cast<long>(dice() % 100);
    bank_ -= mine;
    const at_exit back{[&] { bank_ += mine; }};
    const auto work = [&] {
      switch (dice() % 4) {
        case 0:
          return sluice::this_fiber::yield();
        case 1:
          return sluice::this_fiber::sleep_for(std::chrono::microseconds(dice() % 300));
        default:
          return;
      }
    };
    work();
    if (depth == 0) {
      if (one_in(12)) fail();
      if (one_in(6)) block_for_a_while();
      return;
    }
    const auto body = [&] {
      std::vector<int> first(1, -1);
      std::vector<sluice::future<void>> kept;
      scope s;
      const int n = static_cast<int>(dice() % 5);
      for (int i = 0; i < n; ++i) {
        auto f = s.go([this, depth, next = dice()] { node(depth - 1, next); });
        if (one_in(2)) kept.push_back(std::move(f));
        if (one_in(20)) f = {};
        if (one_in(15)) s.cancel();
        if (one_in(15) && !kept.empty()) kept.back().cancel();
        if (one_in(10)) s.go([this, &s, next = dice()] { s.go([this, next] { node(0, next); }); });
        if (one_in(10)) work();
        if (one_in(25)) fail();  // out of the block, past the scope
      }
      if (one_in(8)) return;  // without join
      s.join();
    };
    switch (dice() % 6) {
      case 0:
        try {
          sluice::with_deadline(std::chrono::microseconds(dice() % 500), body);
        } catch (const sluice::timed_out&) {}
        break;
      case 1:
        race(body, [&, next = dice()] { node(0, next); });
        break;
      default:
        body();
    }
  }

  std::atomic<int> alive{0};
  std::atomic<long> thrown{0};
  long bank() const { return bank_; }
  std::uint64_t seed() const { return seed_; }

 private:
  [[noreturn]] void fail() {
    ++thrown;
    throw std::runtime_error("failed");
  }
  static void block_for_a_while() { sluice::this_fiber::sleep_for(2ms); }

  const std::uint64_t seed_;
  std::atomic<long> bank_{0};
};

}  // namespace

TEST_CASE(
    "random trees with failures, cancels, deadlines and races: when the root is over, no fiber is left, no value lost") {
  for (const unsigned n : test::worker_counts()) {
    std::mt19937_64 seeds(20'240'601 + n);
    for (int round = 0; round < test::scaled(300); ++round) {
      forest trees(seeds());
      CAPTURE(trees.seed());
      auto options = test::with_workers(n);
      std::atomic<long> reports{0};
      options.unobserved_error = [&](std::exception_ptr) { ++reports; };
      bool failed = false;
      sluice::run(options, [&] {
        auto root = sluice::go([&] { trees.node(4, trees.seed()); });
        if (trees.seed() % 3 == 0) {
          sluice::this_fiber::sleep_for(std::chrono::microseconds(trees.seed() % 2000));
          root.cancel();
        }
        root.wait();
        CHECK(trees.alive == 0);
        CHECK(trees.bank() == 0);
        try {
          root.get();
        } catch (const sluice::cancelled&) {
        } catch (const std::runtime_error&) {
          failed = true;
        }
      });
      CHECK(reports <= trees.thrown);
      if (failed) CHECK(trees.thrown > 0);
    }
  }
}

TEST_CASE("each failure is told exactly once: thrown by join, a secondary error, or reported") {
  for (const unsigned n : test::worker_counts()) {
    for (int round = 0; round < test::scaled(400); ++round) {
      std::mutex mutex;
      std::multiset<int> told;
      std::vector<int> in_order;  // as they failed; exact with one worker
      const auto tell = [&](const std::exception_ptr& e) {
        try {
          std::rethrow_exception(e);
        } catch (const int which) {
          const std::scoped_lock hold(mutex);
          told.insert(which);
        } catch (const sluice::cancelled&) {}
      };
      auto options = test::with_workers(n);
      options.unobserved_error = tell;
      std::set<int> thrown;
      sluice::run(options, [&] {
        std::mt19937_64 dice(static_cast<std::uint64_t>(round) * 977 + n);
        scope s;
        for (int i = 0; i < 16; ++i)
          s.go([&, i, steps = dice() % 6, stubborn = dice() % 2 == 0, fail = dice() % 3 == 0] {
            try {
              for (unsigned k = 0; k < steps; ++k) sluice::this_fiber::sleep_for(std::chrono::microseconds(k * 10));
            } catch (const sluice::cancelled&) {
              if (!stubborn) throw;
            }
            if (!fail) return;
            {
              const std::scoped_lock hold(mutex);
              thrown.insert(i);
              in_order.push_back(i);
            }
            throw i;
          });
        if (dice() % 4 == 0) s.cancel();
        bool joined_well = false;
        if (dice() % 4 != 0) {
          try {
            s.join();
            joined_well = true;
          } catch (const int which) {
            const std::scoped_lock hold(mutex);
            told.insert(which);
            if (n == 1) CHECK(which == in_order.front());
          }
          if (joined_well) CHECK(thrown.empty());
          if (dice() % 2 == 0)
            for (const auto& e : s.secondary_errors()) tell(e);
        }
      });
      CHECK(told == std::multiset<int>(thrown.begin(), thrown.end()));
    }
  }
}
