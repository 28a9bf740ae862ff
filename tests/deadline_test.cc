// with_deadline: what blocks beyond it is cut off, again and again; what is done, or need not block, never is.
#include "tests/support/harness.h"

#include <functional>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;
using sluice::channel, sluice::deadline_exceeded, sluice::recv, sluice::select, sluice::timed_out, sluice::with_deadline;

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

bool has_deadline() { return sluice::party::current().deadline() != clock_type::time_point::max(); }

}  // namespace

TEST_CASE("it returns what the function returns, of whatever type, and leaves nothing behind") {
  in_fibers_and_threads([] {
    CHECK(with_deadline(1h, [] { return 42; }) == 42);
    CHECK(with_deadline(clock_type::now() + 1h, [] { return std::string("x"); }) == "x");
    with_deadline(1h, [] { CHECK(has_deadline()); });
    int here = 0;
    int& same = with_deadline(1h, [&]() -> int& { return here; });
    CHECK(&same == &here);
    CHECK_THROWS_AS(with_deadline(1h, [] { throw std::runtime_error("mine"); }), std::runtime_error);
    CHECK_FALSE(has_deadline());
    with_deadline(std::chrono::hours::max(), [] { CHECK_FALSE(has_deadline()); });
  });
}

TEST_CASE("every blocking wait is cut off, not before its time, and withdraws; with_deadline makes timed_out of it") {
  in_fibers_and_threads([] {
    channel<int> quiet;
    channel<int> null(nullptr);
    sluice::promise<int> p;
    auto silent = p.get_future();
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
        [&] { silent.get(); },
        [&] { sluice::wait_any(silents); },
        [&] { sluice::this_fiber::sleep_for(1h); },
        [&] { sluice::this_fiber::sleep_until(clock_type::time_point::max()); },
        [&] {
          for (;;) sluice::this_fiber::yield();
        },
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
      const auto until = clock_type::now() + 3ms;
      CHECK_THROWS_AS(with_deadline(until, wait), timed_out);
      CHECK(clock_type::now() >= until);
      bool inside_it_is_a_cancelled = false;
      const auto past = [&] {
        for (int again = 0; again < 2; ++again) try {
            wait();
          } catch (const sluice::cancelled& e) {
            inside_it_is_a_cancelled = dynamic_cast<const deadline_exceeded*>(&e) != nullptr;
          }
        wait();
      };
      CHECK_THROWS_AS(with_deadline(until, past), timed_out);
      CHECK_THROWS_AS(with_deadline(0s, wait), timed_out);
      CHECK(inside_it_is_a_cancelled);
    }
    CHECK(quiet.try_send(1).full());
    CHECK(quiet.try_recv().empty());
    CHECK(silent.valid());
    CHECK(silent.waiters() == 0);
    for (const auto& s : silents) CHECK(s.waiters() == 0);
  });
}

TEST_CASE("past its time, what need not block still happens, and a late result is a result") {
  in_fibers_and_threads([] {
    const channel<int> stocked(2);
    CHECK(with_deadline(clock_type::now() - 1s, [&] {
            CHECK(stocked.send(1));
            CHECK(stocked.send(2));
            auto in = recv(stocked);
            auto n = sluice::never();
            CHECK((select(in, n) == in));
            return *in.take() + *stocked.recv();
          }) == 3);
    CHECK(with_deadline(1ms, [] {
            try {
              sluice::this_fiber::sleep_for(1h);
            } catch (const deadline_exceeded&) {}
            return 5;
          }) == 5);
  });
}

TEST_CASE("nested: the earlier one counts, and only the one whose limit it was makes timed_out of it") {
  in_fibers_and_threads([] {
    const auto block = [] { sluice::this_fiber::sleep_for(1h); };
    bool outer_went_on = false;
    with_deadline(1h, [&] {
      const auto outside = sluice::party::current().deadline();
      CHECK_THROWS_AS(with_deadline(1ms, block), timed_out);
      CHECK(sluice::party::current().deadline() == outside);
      sluice::this_fiber::sleep_for(1us);
      outer_went_on = true;
    });
    CHECK(outer_went_on);
    bool inner_let_it_pass = false;
    CHECK_THROWS_AS(with_deadline(1ms,
                                  [&] {
                                    const auto outside = sluice::party::current().deadline();
                                    try {
                                      with_deadline(1h, block);
                                    } catch (const deadline_exceeded&) {
                                      inner_let_it_pass = true;
                                      CHECK(sluice::party::current().deadline() == outside);
                                      throw;
                                    }
                                  }),
                    timed_out);
    CHECK(inner_let_it_pass);
    // Both have passed when the inner one is looked at: it is inner's, and outer's next wait says so again.
    const auto first = clock_type::now() + 1ms;
    CHECK_THROWS_AS(with_deadline(first + 1ms,
                                  [&] {
                                    CHECK_THROWS_AS(with_deadline(first,
                                                                  [&] {
                                                                    std::this_thread::sleep_until(first + 2ms);
                                                                    block();
                                                                  }),
                                                    timed_out);
                                    block();
                                  }),
                    timed_out);
    // A deadline_exceeded from elsewhere, before our time: not ours.
    CHECK_THROWS_AS(with_deadline(1h, [] { throw deadline_exceeded{}; }), deadline_exceeded);
    CHECK_FALSE(has_deadline());
  });
}

TEST_CASE("within a shield the deadline from outside does not count, and one of its own does") {
  in_fibers_and_threads([] {
    CHECK_THROWS_AS(with_deadline(1ms,
                                  [] {
                                    {
                                      const sluice::shield s;
                                      CHECK_FALSE(has_deadline());
                                      sluice::this_fiber::sleep_for(3ms);
                                      sluice::this_fiber::yield();
                                      {
                                        const sluice::shield nested;
                                        sluice::this_fiber::sleep_for(1ms);
                                      }
                                      CHECK_THROWS_AS(with_deadline(1ms, [] { sluice::this_fiber::sleep_for(1h); }),
                                                      timed_out);
                                      sluice::this_fiber::sleep_for(1ms);
                                    }
                                    CHECK(has_deadline());
                                    sluice::this_fiber::sleep_for(1h);
                                  }),
                    timed_out);
  });
}

TEST_CASE("within a shield no yield is cancelled either; the request waits") {
  test::in_runtime([] {
    std::atomic<bool> begun{false};
    std::atomic<bool> asked{false};
    auto f = sluice::go([&] {
      {
        const sluice::shield s;
        begun = true;
        while (!asked) sluice::this_fiber::yield();
        for (int i = 0; i < 10; ++i) sluice::this_fiber::yield();
        sluice::this_fiber::sleep_for(1ms);
      }
      CHECK_THROWS_AS(sluice::this_fiber::yield(), sluice::cancelled);
      return 1;
    });
    CHECK(test::eventually([&] { return begun.load(); }));
    CHECK(f.cancel());
    asked = true;
    CHECK(f.get() == 1);
  });
}

TEST_CASE("while an exception unwinds, a destructor may wait and yield beyond the deadline") {
  in_fibers_and_threads([] {
    bool cleaned = false;
    CHECK_THROWS_AS(with_deadline(1ms,
                                  [&] {
                                    const at_exit clean{[&] {
                                      sluice::this_fiber::sleep_for(2ms);
                                      sluice::this_fiber::yield();
                                      cleaned = true;
                                    }};
                                    sluice::this_fiber::sleep_for(1h);
                                  }),
                    timed_out);
    CHECK(cleaned);
  });
}

TEST_CASE("cancel comes through a deadline unchanged, and a deadline through a pending cancel") {
  test::in_runtime([] {
    std::atomic<bool> begun{false};
    auto f = sluice::go([&] {
      begun = true;
      with_deadline(1h, [] { channel<int>().recv(); });
    });
    CHECK(test::eventually([&] { return begun.load(); }));
    test::let_others_block();
    CHECK(f.cancel());
    try {
      f.get();
      CHECK(false);
    } catch (const deadline_exceeded&) {
      CHECK(false);
    } catch (const sluice::cancelled&) {}
  });
}

TEST_CASE("fibers inherit the deadline in force where they are started, unless launched without") {
  test::in_runtime([] {
    std::vector<sluice::future<void>> out;
    std::atomic<bool> survived{false};
    const auto block = [] { channel<int>().recv(); };
    CHECK_THROWS_AS(with_deadline(2ms,
                                  [&] {
                                    out.push_back(sluice::go(block));
                                    out.push_back(sluice::go([&] { sluice::go(block).get(); }));
                                    out.push_back(sluice::go({.inherit_deadline = false}, [&] {
                                      CHECK_FALSE(has_deadline());
                                      sluice::this_fiber::sleep_for(5ms);
                                      survived = true;
                                    }));
                                    {
                                      const sluice::shield clean_up;
                                      out.push_back(sluice::go([] { CHECK_FALSE(has_deadline()); }));
                                    }
                                    sluice::this_fiber::sleep_for(1h);
                                  }),
                    timed_out);
    CHECK_THROWS_AS(out[0].get(), deadline_exceeded);
    CHECK_THROWS_AS(out[1].get(), deadline_exceeded);
    out[2].get();
    out[3].get();
    CHECK(survived.load());
    // The same deadline cuts off the child and the one who asks for its result: the asker's own limit either way.
    CHECK_THROWS_AS(with_deadline(1ms, [&] { sluice::go(block).get(); }), timed_out);
  });
}

TEST_CASE("reported if nobody looks: a timeout of one's own; not reported: one from outside") {
  for (const unsigned n : test::worker_counts()) {
    std::atomic<int> reports{0};
    auto options = test::with_workers(n);
    options.unobserved_error = [&](std::exception_ptr e) {
      try {
        std::rethrow_exception(e);
      } catch (const timed_out&) {
        ++reports;
      } catch (...) {
        reports += 100;
      }
    };
    sluice::run(options, [&] {
      const auto block = [] { channel<int>().recv(); };
      sluice::go([=] { with_deadline(1ms, block); });
      with_deadline(1ms, [&] { sluice::go(block); });
      CHECK(test::eventually([&] { return reports >= 1; }));
      sluice::this_fiber::sleep_for(5ms);
    });
    CHECK(reports == 1);
  }
}

TEST_CASE("deadlines against values: each receive ends one way, and no value is lost") {
  const auto check = [](auto start_producer) {
    const int n = test::scaled(20'000);
    const channel<int> c;
    auto finish = start_producer([=] {
      for (int i = 0; i < n; ++i) {
        if (i % 16 == 0) sluice::this_fiber::sleep_for(std::chrono::microseconds(i % 200));
        c.send(i);
      }
      c.close();
    });
    int expected = 0;
    long cut_off = 0;
    const auto drain = [&] {
      while (const auto v = c.recv())
        if (*v != expected++) throw std::logic_error("out of order");
    };
    for (bool drained = false; !drained;) try {
        with_deadline(std::chrono::microseconds(expected % 90), drain);
        drained = true;
      } catch (const timed_out&) {
        ++cut_off;
      }
    CHECK(expected == n);
    CHECK(cut_off > 0);
    finish();
  };
  test::in_runtime([&] {
    check([](auto f) { return [done = std::make_shared<sluice::future<void>>(sluice::go(f))] { done->get(); }; });
    check([](auto f) { return [t = std::make_shared<std::thread>(f)] { t->join(); }; });
  });
  test::in_thread([&] { check([](auto f) { return [t = std::make_shared<std::thread>(f)] { t->join(); }; }); });
}

TEST_CASE("deadlines on both sides, cancels as well: what was sent was received, once") {
  test::in_runtime([] {
    const int n = test::scaled(10'000);
    const channel<int> c;
    std::atomic<bool> stop{false};
    std::atomic<int> begun{0};
    auto producer = sluice::go([&, c] {
      ++begun;
      for (int i = 0; i < n;) try {
          with_deadline(std::chrono::microseconds(20 + i % 50), [&] {
            while (i < n) {
              if (!c.send(i)) throw std::logic_error("refused");
              ++i;
            }
          });
        } catch (const timed_out&) {
        } catch (const sluice::cancelled&) {}
      c.close();
    });
    auto consumer = sluice::go([&, c] {
      ++begun;
      int expected = 0;
      for (bool more = true; more;) try {
          with_deadline(std::chrono::microseconds(20 + expected % 70), [&] {
            while (more) {
              const auto v = c.recv();
              more = v.has_value();
              if (more && *v != expected++) throw std::logic_error("lost or twice");
            }
          });
        } catch (const timed_out&) {
        } catch (const sluice::cancelled&) {}
      return expected;
    });
    std::thread canceller([&] {
      while (begun < 2) std::this_thread::yield();
      while (!stop) {
        producer.cancel();
        consumer.cancel();
        std::this_thread::sleep_for(20us);
      }
    });
    consumer.wait();
    producer.wait();
    stop = true;
    canceller.join();
    producer.get();
    CHECK(consumer.get() == n);
  });
}
