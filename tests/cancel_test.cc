// Cancellation: it competes for the wait like any other reason, so it never undoes what has happened.
#include "tests/support/harness.h"

#include <functional>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;
using sluice::channel, sluice::recv, sluice::select;

namespace {

struct scope_exit {
  std::function<void()> f;
  ~scope_exit() { f(); }
};

}  // namespace

TEST_CASE("every blocking wait is woken by cancel and throws cancelled; destructors run") {
  test::in_runtime([] {
    channel<int> quiet;
    channel<int> null(nullptr);
    sluice::promise<int> p;
    const auto silent = p.get_future();
    std::vector<sluice::future<int>> silents;
    std::vector<sluice::promise<int>> promises(2);
    for (auto& each : promises) silents.push_back(each.get_future());
    const std::vector<std::function<void()>> waits{
        [&] { quiet.recv(); },
        [&] { quiet.send(1); },
        [&] { null.recv(); },
        [&] {
          for (int v : quiet) CHECK(v == -1);
        },
        [&] { silent.wait(); },
        [&] { sluice::wait_any(silents); },
        [&] { sluice::this_fiber::sleep_for(1h); },
        [&] { sluice::this_fiber::sleep_until(std::chrono::steady_clock::time_point::max()); },
        [&] {
          auto a = recv(quiet);
          auto b = sluice::send(quiet, 1);
          auto c = sluice::after(1h);
          auto d = sluice::done(silent);
          static_cast<void>(select(a, b, c, d));
        },
        [&] { select(sluice::on(sluice::never(), [] {})); },
    };
    for (const auto& wait : waits) {
      for (const bool blocked : {true, false}) {  // cancelled while it waits, and before it begins to
        std::atomic<int> inside{0};
        std::atomic<bool> survived{false};
        auto f = sluice::go([&] {
          ++inside;
          scope_exit count{[&] { --inside; }};
          wait();
          survived = true;
        });
        if (blocked) {
          REQUIRE(test::eventually([&] { return inside.load() == 1; }));
          test::let_others_block();
        }
        CHECK(f.cancel());
        CHECK_THROWS_AS(f.get(), sluice::cancelled);
        CHECK(inside.load() == 0);
        CHECK_FALSE(survived.load());
      }
    }
    CHECK(quiet.try_send(1).full());
    CHECK(quiet.try_recv().empty());
    CHECK(silent.waiters() == 0);
    for (const auto& s : silents) CHECK(s.waiters() == 0);
  });
}

TEST_CASE("one cancel, one cancelled wait: who catches it may go on") {
  test::in_runtime([] {
    channel<int> c;
    std::atomic<bool> begun{false};  // cancelled before that, it would never begin
    auto f = sluice::go([&, c] {
      begun = true;
      int times = 0;
      for (;;) try {
          return 10 * times + *c.recv();
        } catch (const sluice::cancelled&) {
          ++times;
        }
    });
    REQUIRE(test::eventually([&] { return begun.load(); }));
    for (int i = 0; i < 3; ++i) {
      test::let_others_block();
      CHECK(f.cancel());
    }
    test::let_others_block();
    CHECK(c.send(7));
    CHECK(f.get() == 37);
  });
}

TEST_CASE("what needs no blocking is not cancelled, and what has finished cannot be") {
  test::in_runtime([] {
    channel<int> stocked(10);
    for (int i = 0; i < 5; ++i) CHECK(stocked.send(i));
    std::atomic<bool> begun{false};
    std::atomic<bool> asked{false};
    auto f = sluice::go([&, stocked] {
      begun = true;
      while (!asked) std::this_thread::yield();  // not a wait of the library's
      int sum = 0;
      for (int i = 0; i < 5; ++i) sum += *stocked.recv();
      CHECK(stocked.send(1));
      auto r = recv(stocked);
      auto n = sluice::never();
      CHECK((select(r, n) == r));
      CHECK_THROWS_AS(sluice::this_fiber::sleep_for(1h), sluice::cancelled);  // the first wait that blocks
      return sum;
    });
    std::thread asks([&] {
      while (!begun) std::this_thread::yield();
      CHECK(f.cancel());
      asked = true;
    });
    CHECK(f.get() == 10);
    asks.join();

    auto finished = sluice::go([] { return 5; });
    finished.wait();
    CHECK_FALSE(finished.cancel());
    CHECK(finished.get() == 5);
    sluice::promise<int> p;
    CHECK_FALSE(p.get_future().cancel());  // nobody to ask
  });
}

TEST_CASE("the waiter of a future is not its fiber: cancelling one leaves the other") {
  test::in_runtime([] {
    channel<int> c;
    auto inner = sluice::go([c] { return *c.recv(); });
    std::atomic<bool> begun{false};
    std::atomic<bool> was_cancelled{false};
    auto outer = sluice::go([&] {
      begun = true;
      try {
        return inner.get();
      } catch (const sluice::cancelled&) {
        was_cancelled = true;
        CHECK(inner.valid());  // the future keeps its place
        return inner.get() + 100;
      }
    });
    REQUIRE(test::eventually([&] { return begun.load(); }));
    test::let_others_block();
    CHECK(outer.cancel());
    CHECK(test::eventually([&] { return was_cancelled.load(); }));
    CHECK(c.send(1));
    CHECK(outer.get() == 101);
  });
}

TEST_CASE("while an exception unwinds the stack, a destructor may wait: it is not cancelled half-way") {
  test::in_runtime([] {
    channel<int> c;
    std::atomic<bool> cleaning{false};
    auto f = sluice::go([&] {
      int got = 0;
      try {
        scope_exit clean_up{[&] {
          cleaning = true;
          got = *c.recv();
        }};
        throw std::runtime_error("unwind");
      } catch (const std::runtime_error&) {}
      return got;
    });
    CHECK(test::eventually([&] { return cleaning.load(); }));
    test::let_others_block();
    CHECK(f.cancel());
    test::let_others_block();
    CHECK_FALSE(f.ready());
    CHECK(c.send(5));
    CHECK(f.get() == 5);
  });
}

namespace {

struct yields {
  ~yields() { sluice::this_fiber::yield(); }
};
struct sleeps {
  ~sleeps() { sluice::this_fiber::sleep_for(1ms); }
};

}  // namespace

TEST_CASE("nor is a yield, which sees whether an exception unwinds now, not whether one did at the last wait") {
  test::in_runtime([] {
    std::atomic<bool> begun{false};
    std::atomic<bool> caught{false};
    auto unwinds = sluice::go([&] {
      begun = true;
      sluice::this_fiber::yield();
      try {
        const yields y;
        throw std::runtime_error("on its way");
      } catch (const std::runtime_error&) {
        caught = true;
      }
      for (;;) sluice::this_fiber::yield();
    });
    auto unwound = sluice::go([&] {
      try {
        const sleeps s;
        throw std::runtime_error("on its way");
      } catch (const std::runtime_error&) {}
      for (;;) sluice::this_fiber::yield();  // alone with it for long stretches: nothing to switch to
    });
    while (!begun) sluice::this_fiber::yield();
    CHECK(unwinds.cancel());
    CHECK_THROWS_AS(unwinds.get(), sluice::cancelled);
    sluice::this_fiber::sleep_for(5ms);
    CHECK(unwound.cancel());
    CHECK_THROWS_AS(unwound.get(), sluice::cancelled);
  });
}

TEST_CASE("a yield in a shield is not cancelled, the next wait outside is") {
  test::in_runtime([] {
    std::atomic<bool> shielded{false}, asked{false};
    bool whole = false;
    auto f = sluice::go([&] {
      {
        const sluice::shield no_cancel;
        shielded = true;
        while (!asked) sluice::this_fiber::yield();
        sluice::this_fiber::yield();
        whole = true;
      }
      sluice::this_fiber::yield();
    });
    REQUIRE(test::eventually([&] { return shielded.load(); }));
    f.cancel();
    asked = true;
    CHECK_THROWS_AS(f.get(), sluice::cancelled);
    CHECK(whole);
  });
}

TEST_CASE("cancel against values, timeouts and closes at once: each wait ends one way, and no value is lost") {
  test::in_runtime([] {
    const int n = test::scaled(40'000);
    const channel<int> c;
    std::atomic<bool> stop{false};
    auto producer = sluice::go([=] {
      for (int i = 0; i < n; ++i) c.send(i);
      c.close();
    });
    std::atomic<bool> begun{false};  // one that is cancelled before that never runs
    auto consumer = sluice::go([=, &begun] {
      begun = true;
      int expected = 0;
      for (bool more = true; more;) try {
          auto in = recv(c);
          auto late = sluice::after(std::chrono::microseconds(expected % 3 == 0 ? 100 : 1'000'000));
          if (select(in, late) == in) {
            const auto v = in.take();
            more = v.has_value();
            if (more && *v != expected++) return -1;
          }
        } catch (const sluice::cancelled&) {  // and on with the next wait
        }
      return expected;
    });
    // From a plain thread, so that it is truly at the same time whatever the number of workers.
    std::thread canceller([&] {
      while (!begun) std::this_thread::yield();
      while (!stop) consumer.cancel();
    });
    consumer.wait();
    stop = true;
    canceller.join();
    CHECK(consumer.get() == n);
    c.close();
    producer.get();
  });
}

TEST_CASE("cancelled at the end of run: blocked fibers unwind, all their waits throw, and nothing is left") {
  for (const unsigned workers : test::worker_counts()) {
    std::atomic<int> alive{0};
    std::atomic<int> second_wait_threw{0};
    const int result = sluice::run(test::with_workers(workers), [&] {
      for (int i = 0; i < 100; ++i)
        sluice::go([&] {
          ++alive;
          scope_exit count{[&] { --alive; }};
          channel<int> never_served;
          try {
            never_served.recv();
          } catch (const sluice::cancelled&) {
            try {
              sluice::this_fiber::sleep_for(1h);
            } catch (const sluice::cancelled&) {
              ++second_wait_threw;
              throw;
            }
          }
        });
      CHECK(test::eventually([&] { return alive == 100; }));
      return 42;
    });
    CHECK(result == 42);
    CHECK(alive == 0);
    CHECK(second_wait_threw == 100);
  }
}
