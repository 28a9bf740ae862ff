// Tasks: lazy coroutines that await each other, are spawned, cancelled and ended with their runtime.
#include "tests/support/harness.h"

#include <array>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;
using sluice::channel, sluice::recv, sluice::send, sluice::spawn, sluice::task;

namespace {

// Counts those that are alive.
struct counted {
  explicit counted(std::atomic<int>& n) : alive(&n) { ++n; }
  counted(counted&& other) noexcept : alive(other.alive) { ++*alive; }
  counted(const counted& other) noexcept : alive(other.alive) { ++*alive; }
  ~counted() { --*alive; }
  std::atomic<int>* alive;
};

task<int> number(int n) { co_return n; }
task<> nothing() { co_return; }
task<int> fails(std::string why) {
  throw std::runtime_error(why);
  co_return 0;
}
task<int> one_from(channel<int> c) { co_return (co_await recv(c)).value(); }
task<int> two_from(channel<int> c) {
  const int a = co_await one_from(c);
  const int b = co_await one_from(c);
  co_return 10 * a + b;
}

}  // namespace

TEST_CASE("a task is lazy: one that is never awaited nor spawned does not run, and what it was given goes with it") {
  std::atomic<int> alive{0};
  bool ran = false;
  const auto make = [](counted, bool& flag) -> task<> {
    flag = true;
    co_return;
  };
  {
    auto t = make(counted(alive), ran);
    CHECK(t.valid());
    CHECK(alive == 1);
    auto moved = std::move(t);
    CHECK_FALSE(t.valid());
    CHECK(moved.valid());
    moved = make(counted(alive), ran);
    CHECK(alive == 1);
  }
  CHECK(alive == 0);
  CHECK_FALSE(ran);
  test::in_runtime([&] {
    auto t = nothing();
    auto f = spawn(std::move(t));
    f.get();
    CHECK_THROWS_AS(spawn(std::move(t)), std::future_error);
  });
}

TEST_CASE("spawn gives a future of the value or the exception") {
  test::in_runtime([] {
    CHECK(spawn(number(42)).get() == 42);
    spawn(nothing()).get();
    CHECK_THROWS_WITH_AS(spawn(fails("broken")).get(), "broken", std::runtime_error);
    CHECK(*spawn([]() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(7); }()).get() == 7);
    struct alignas(64) wide {
      explicit wide(int n) : value(n) {}
      int value;
    };
    auto f = spawn([]() -> task<wide> { co_return wide(9); }());
    f.wait();
    const wide w = f.get();
    CHECK(w.value == 9);
    CHECK(reinterpret_cast<std::uintptr_t>(&w) % 64 == 0);
  });
}

TEST_CASE("a task awaits tasks: values and exceptions come through, in a chain of any depth") {
  struct depth {
    static task<int> of(int n) {
      if (n == 0) co_return 0;
      co_return 1 + co_await of(n - 1);
    }
  };
  test::in_runtime([] {
    CHECK(spawn(depth::of(10'000)).get() == 10'000);
    auto caught = spawn([]() -> task<std::string> {
      std::string seen;
      try {
        static_cast<void>(co_await fails("inner"));
      } catch (const std::runtime_error& e) {
        seen = e.what();
      }
      seen += std::to_string(co_await number(5));
      co_return seen;
    }());
    CHECK(caught.get() == "inner5");
    auto twice = spawn([]() -> task<bool> {
      auto t = number(1);
      co_await nothing();
      CHECK(co_await std::move(t) == 1);
      bool threw = false;
      try {
        static_cast<void>(co_await std::move(t));
      } catch (const std::future_error&) {
        threw = true;
      }
      co_return threw;
    }());
    CHECK(twice.get());
  });
}

TEST_CASE("the stack does not grow with the number of tasks awaited in turn, or of waits that need no waiting") {
  test::in_runtime([] {
    const int n = test::scaled(1'000'000);
    auto sum = spawn([](int count) -> task<long> {
      long total = 0;
      const channel<int> c(1);
      for (int i = 0; i < count; ++i) {
        total += co_await number(1);
        co_await send(c, 1);
        total += (co_await recv(c)).value();
      }
      co_return total;
    }(n));
    CHECK(sum.get() == 2L * n);
  });
}

TEST_CASE("what a task was given, and its locals, are gone when its result is there") {
  test::in_runtime([] {
    for (int round = 0; round < test::scaled(2'000); ++round) {
      std::atomic<int> alive{0};
      auto f = spawn([](counted given) -> task<int> {
        const counted local = given;
        co_await sluice::resume_on(sluice::default_executor());
        co_return 1;
      }(counted(alive)));
      f.wait();
      REQUIRE(alive == 0);
    }
  });
}

TEST_CASE("a task awaits every event, as an lvalue and as an rvalue") {
  test::in_runtime([] {
    channel<int> c;
    channel<std::string> texts(1);
    auto echo = spawn([](channel<int> in, channel<std::string> out) -> task<int> {
      auto next = recv(in);
      int sum = 0;
      while (auto v = co_await next) {
        sum += *v;
        CHECK(co_await send(out, std::to_string(*v)));
      }
      co_return sum;
    }(c, texts));
    for (int i = 1; i <= 100; ++i) {
      CHECK(c.send(i));
      CHECK(texts.recv() == std::to_string(i));
    }
    c.close();
    CHECK(echo.get() == 5050);

    auto waits = spawn([]() -> task<> {
      const auto begin = std::chrono::steady_clock::now();
      co_await sluice::after(5ms);
      auto at = sluice::at(begin + 10ms);
      co_await at;
      CHECK(std::chrono::steady_clock::now() - begin >= 10ms);
      auto tick = sluice::every(1ms);
      co_await tick;
    }());
    waits.get();

    auto futures = spawn([]() -> task<int> {
      sluice::promise<int> p;
      auto f = p.get_future();
      auto d = sluice::done(f);
      auto sets = sluice::go([&p] {
        sluice::this_fiber::sleep_for(1ms);
        p.set_value(1);
      });
      const auto outcome = co_await d;
      co_await sets;
      auto lvalue = spawn(number(20));
      int sum = outcome.value() + co_await lvalue;
      CHECK_FALSE(lvalue.valid());
      sum += co_await sluice::go([] { return 300; });
      try {
        co_await sluice::go([] { throw std::runtime_error("of a fiber"); });
      } catch (const std::runtime_error&) {
        sum += 4000;
      }
      co_return sum;
    }());
    CHECK(futures.get() == 4321);
  });
}

TEST_CASE("what blocks, blocks the fiber under the task and not the worker, nor other tasks") {
  test::in_runtime([] {
    constexpr int n = 100;
    const channel<int> in;
    const channel<int> out;
    std::vector<sluice::future<void>> all;
    for (int i = 0; i < n; ++i)
      all.push_back(spawn([](channel<int> from, channel<int> to) -> task<> {
        const int v = from.recv().value();  // all of them at once
        co_await sluice::after(100us);
        to.send(v + 1);
        sluice::this_fiber::sleep_for(100us);
      }(in, out)));
    for (int i = 0; i < n; ++i) CHECK(in.send(i));
    int sum = 0;
    for (int i = 0; i < n; ++i) sum += out.recv().value();
    CHECK(sum == n * (n + 1) / 2);
    test::join(all);
  });
}

TEST_CASE("cancel wakes a task wherever it waits, and a wait in a task that it awaits") {
  test::in_runtime([] {
    const channel<int> quiet;
    const channel<int> null(nullptr);
    sluice::promise<int> p;
    const auto silent = p.get_future();
    struct waits {
      static task<> receives(channel<int> c) { co_await recv(c); }
      static task<> sends(channel<int> c) { co_await send(c, 1); }
      static task<> nested(channel<int> c) { co_await two_from(c); }
      static task<> sleeps() { co_await sluice::after(1h); }
      static task<> never() { co_await sluice::never(); }
      static task<> done(const sluice::future<int>& f) { co_await sluice::done(f); }
      static task<> selects(channel<int> c, const sluice::future<int>& f) {
        auto a = recv(c);
        auto b = send(c, 1);
        auto d = sluice::after(1h);
        auto e = sluice::done(f);
        co_await sluice::async_select(a, b, d, e);
      }
    };
    const std::vector<std::function<task<>()>> makers{
        [&] { return waits::receives(quiet); }, [&] { return waits::receives(null); },
        [&] { return waits::sends(quiet); },    [&] { return waits::nested(quiet); },
        [] { return waits::sleeps(); },         [] { return waits::never(); },
        [&] { return waits::done(silent); },    [&] { return waits::selects(quiet, silent); },
    };
    for (const auto& make : makers) {
      for (const bool blocked : {true, false}) {
        std::atomic<int> inside{0};
        std::atomic<bool> survived{false};
        auto f = spawn([](const std::function<task<>()>& inner, std::atomic<int>& in, std::atomic<bool>& out) -> task<> {
          const counted here(in);
          co_await inner();
          out = true;
        }(make, inside, survived));
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
  });
}

TEST_CASE("one cancel, one cancelled wait; what has not begun does not begin; what has ended cannot be cancelled") {
  test::in_runtime([] {
    const channel<int> c;
    std::atomic<bool> begun{false};
    auto f = spawn([](channel<int> in, std::atomic<bool>& flag) -> task<int> {
      flag = true;
      for (int times = 0;;) {
        try {
          co_return 10 * times + (co_await recv(in)).value();
        } catch (const sluice::cancelled&) {
          ++times;
        }
      }
    }(c, begun));
    REQUIRE(test::eventually([&] { return begun.load(); }));
    for (int i = 0; i < 3; ++i) {
      test::let_others_block();
      CHECK(f.cancel());
    }
    test::let_others_block();
    CHECK(c.send(7));
    f.wait();
    CHECK_FALSE(f.cancel());
    CHECK(f.get() == 37);

    // On an executor that does not get to it, so that it has surely not begun.
    struct lazy final : sluice::executor {
      void post(sluice::coroutine_waiter& each) noexcept override { ready.push(each); }
      bool withdraw(sluice::coroutine_waiter& each) noexcept override { return ready.remove(each); }
      sluice::coroutine_queue ready;
    } idle;
    std::atomic<int> alive{0};
    std::atomic<bool> ran{false};
    auto never_begins = spawn(idle, [](counted, std::atomic<bool>& flag) -> task<> {
      flag = true;
      co_return;
    }(counted(alive), ran));
    CHECK(never_begins.cancel());
    CHECK(alive == 1);
    idle.ready.pop()->resume();
    CHECK(alive == 0);
    CHECK_FALSE(ran);
    CHECK_THROWS_AS(never_begins.get(), sluice::cancelled);
  });
}

TEST_CASE("cancel against values and timeouts at once: each wait ends one way, and no value is lost") {
  test::in_runtime([] {
    const int n = test::scaled(40'000);
    const channel<int> c;
    std::atomic<bool> begun{false};
    std::atomic<bool> stop{false};
    auto producer = sluice::go([=] {
      for (int i = 0; i < n; ++i) c.send(i);
      c.close();
    });
    auto consumer = spawn([](channel<int> from, std::atomic<bool>& flag) -> task<int> {
      flag = true;
      int expected = 0;
      for (bool more = true; more;) {
        try {
          auto in = recv(from);
          auto late = sluice::after(std::chrono::microseconds(expected % 3 == 0 ? 100 : 1'000'000));
          if (co_await sluice::async_select(in, late) == in) {
            const auto v = in.take();
            more = v.has_value();
            if (more && *v != expected++) co_return -1;
          }
        } catch (const sluice::cancelled&) {}
      }
      co_return expected;
    }(c, begun));
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

TEST_CASE("a runtime's end: blocked tasks are cancelled at every wait, destructors run, and none is left") {
  for (const unsigned workers : test::worker_counts()) {
    std::atomic<int> alive{0};
    std::atomic<int> threw{0};
    std::atomic<int> blocked{0};
    const channel<int> quiet;
    sluice::future<void> kept;
    {
      sluice::runtime rt(test::with_workers(workers));
      for (int i = 0; i < 100; ++i)
        static_cast<void>(rt.spawn([](channel<int> c, std::atomic<int>& all, std::atomic<int>& times) -> task<> {
          const counted here(all);
          for (int waits = 0;; ++waits) {
            try {
              if (waits % 2 == 0)
                co_await recv(c);
              else
                co_await sluice::after(1h);
            } catch (const sluice::cancelled&) {
              ++times;
              if (waits == 3) throw;
            }
          }
        }(quiet, alive, threw)));
      for (int i = 0; i < 10; ++i)
        static_cast<void>(rt.spawn([](channel<int> c, std::atomic<int>& all, std::atomic<int>& ended) -> task<> {
          const counted here(all);
          try {
            c.recv();  // blocks its carrier
          } catch (const sluice::cancelled&) {
            ++ended;
            throw;
          }
          co_return;
        }(quiet, alive, blocked)));
      kept = rt.spawn([](channel<int> c) -> task<> { co_await recv(c); }(quiet));
      REQUIRE(test::eventually([&] { return alive == 110; }));
      test::let_others_block();
    }
    CHECK(alive == 0);
    CHECK(threw == 400);
    CHECK(blocked == 10);
    CHECK_THROWS_AS(kept.get(), sluice::cancelled);
    CHECK(quiet.try_recv().empty());
  }
}

TEST_CASE("tasks that are spawned while the runtime ends are ended as well") {
  for (const unsigned workers : test::worker_counts()) {
    std::atomic<int> alive{0};
    std::atomic<int> late{0};
    {
      sluice::runtime rt(test::with_workers(workers));
      struct spawns {
        sluice::runtime* rt;
        std::atomic<int>* late;
        ~spawns() {
          static_cast<void>(rt->spawn([](std::atomic<int>& n) -> task<> {
            const counted here(n);
            co_await sluice::after(1h);
          }(*late)));
        }
      };
      for (int i = 0; i < 20; ++i)
        static_cast<void>(rt.spawn([](sluice::runtime& r, std::atomic<int>& all, std::atomic<int>& n) -> task<> {
          const counted here(all);
          const spawns at_end{&r, &n};
          co_await sluice::never();
        }(rt, alive, late)));
      REQUIRE(test::eventually([&] { return alive == 20; }));
    }
    CHECK(alive == 0);
    CHECK(late == 0);
  }
}

TEST_CASE("an error of a task that nobody looks at is reported, once; one that is looked at is not") {
  for (const unsigned workers : test::worker_counts()) {
    std::atomic<int> reports{0};
    sluice::future<int> outlives;
    {
      auto options = test::with_workers(workers);
      options.unobserved_error = [&](std::exception_ptr e) {
        CHECK_THROWS_WITH_AS(std::rethrow_exception(e), "unseen", std::runtime_error);
        ++reports;
      };
      sluice::runtime rt(std::move(options));
      static_cast<void>(rt.spawn(fails("unseen")));
      CHECK(test::eventually([&] { return reports == 1; }));
      CHECK_THROWS(rt.spawn(fails("seen")).get());
      outlives = rt.spawn(fails("unseen"));
      outlives.wait();
      static_cast<void>(rt.spawn([](std::atomic<int>&) -> task<> {  // an error that is awaited is looked at
        try {
          co_await fails("seen");
        } catch (const std::runtime_error&) {}
      }(reports)));
    }
    CHECK(reports == 1);
    outlives = {};
    CHECK(reports == 2);
  }
}
