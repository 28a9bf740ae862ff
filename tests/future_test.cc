// promise, future, outcome, wait_any, and what go() gives back.
#include "tests/support/harness.h"

#include <algorithm>
#include <future>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

namespace {

template <class F>
std::errc code_of(F f) {
  try {
    f();
  } catch (const std::future_error& e) {
    return static_cast<std::errc>(e.code().value());
  }
  return std::errc{};
}
constexpr std::errc is(std::future_errc e) { return static_cast<std::errc>(e); }

}  // namespace

TEST_CASE("a value, an error, nothing: each arrives once and as itself") {
  test::in_runtime([] {
    sluice::promise<std::unique_ptr<int>> p;
    auto f = p.get_future();
    CHECK(f.valid());
    CHECK_FALSE(f.ready());
    p.set_value(std::make_unique<int>(5));
    CHECK(f.ready());
    f.wait();  // a ready future does not block, and waiting consumes nothing
    CHECK(*f.get() == 5);
    CHECK_FALSE(f.valid());

    sluice::promise<int> q;
    auto g = q.get_future();
    q.set_exception(std::make_exception_ptr(std::runtime_error("no value")));
    CHECK_THROWS_WITH_AS(g.get(), "no value", std::runtime_error);

    sluice::promise<void> r;
    auto h = r.get_future();
    r.set_value();
    h.get();
    CHECK_FALSE(h.valid());
  });
}

TEST_CASE("misuse is a std::future_error that says which") {
  test::in_runtime([] {
    sluice::promise<int> p;
    auto f = p.get_future();
    CHECK(code_of([&] { p.get_future(); }) == is(std::future_errc::future_already_retrieved));
    p.set_value(1);
    CHECK(code_of([&] { p.set_value(2); }) == is(std::future_errc::promise_already_satisfied));
    CHECK(code_of([&] { p.set_exception(std::make_exception_ptr(3)); }) == is(std::future_errc::promise_already_satisfied));
    CHECK(f.get() == 1);  // the first one stands
    CHECK(code_of([&] { f.get(); }) == is(std::future_errc::no_state));
    CHECK(code_of([&] { f.wait(); }) == is(std::future_errc::no_state));
    CHECK(code_of([&] { static_cast<void>(f.ready()); }) == is(std::future_errc::no_state));
    CHECK(code_of([&] { sluice::done(f); }) == is(std::future_errc::no_state));
    sluice::future<int> none;
    CHECK_FALSE(none.valid());
    CHECK(code_of([&] { none.get(); }) == is(std::future_errc::no_state));
    sluice::promise<int> unkept;
    CHECK_THROWS_AS(unkept.set_exception(nullptr), std::invalid_argument);
    unkept.set_value(1);  // and nothing had happened
    auto moved_from = std::move(p);
    CHECK(code_of([&] { p.get_future(); }) == is(std::future_errc::no_state));
    CHECK(code_of([&] { p.set_value(1); }) == is(std::future_errc::no_state));
  });
}

TEST_CASE("a promise that goes away breaks, also for those who wait already; a kept one that moves does not") {
  test::in_runtime([] {
    sluice::future<int> f;
    { f = sluice::promise<int>().get_future(); }
    CHECK(code_of([&] { f.get(); }) == is(std::future_errc::broken_promise));

    auto p = std::make_unique<sluice::promise<int>>();
    auto g = p->get_future();
    auto waits = sluice::go([&g] { return code_of([&] { g.get(); }); });
    test::let_others_block();
    auto elsewhere = std::make_unique<sluice::promise<int>>(std::move(*p));
    p.reset();
    test::let_others_block();
    CHECK_FALSE(waits.ready());
    elsewhere.reset();
    CHECK(waits.get() == is(std::future_errc::broken_promise));

    sluice::promise<int> assigned;
    auto h = assigned.get_future();
    assigned = sluice::promise<int>();
    CHECK(code_of([&] { h.get(); }) == is(std::future_errc::broken_promise));
  });
}

TEST_CASE("all who wait are woken by the one value, fibers and threads, and none is left") {
  test::in_runtime([] {
    sluice::promise<void> p;
    const auto f = p.get_future();
    std::atomic<int> woken{0};
    std::vector<sluice::future<void>> fibers;
    for (int i = 0; i < 20; ++i)
      fibers.push_back(sluice::go([&] {
        f.wait();
        ++woken;
      }));
    std::thread thread([&] {
      f.wait();
      ++woken;
    });
    CHECK(test::eventually([&] { return f.waiters() == 21; }));
    CHECK(woken == 0);
    p.set_value();
    test::join(fibers);
    thread.join();
    CHECK(woken == 21);
    CHECK(f.waiters() == 0);
  });
}

TEST_CASE("set by two at once: one wins and the other is told") {
  test::in_runtime([] {
    test::tally ok;
    for (int i = 0; i < test::scaled(3'000); ++i) {
      sluice::promise<int> p;
      auto f = p.get_future();
      std::atomic<int> refused{0};
      std::atomic<int> accepted{0};
      const auto set = [&](int v) {
        try {
          p.set_value(v);
          accepted += v;
        } catch (const std::future_error&) {
          ++refused;
        }
      };
      auto a = sluice::go([&] { set(1); });
      auto b = sluice::go([&] { set(2); });
      const int v = f.get();
      a.get();
      b.get();
      ok.expect(refused == 1 && accepted == v);
    }
    CHECK(ok.failures() == 0);
  });
}

TEST_CASE("outcome: a value or an error, as data") {
  const sluice::outcome<std::string> value(std::in_place, "text");
  CHECK(value.has_value());
  CHECK(static_cast<bool>(value));
  CHECK(value.error() == nullptr);
  CHECK(value.value() == "text");
  CHECK((value == "text"));
  CHECK_FALSE((value == "other"));
  sluice::outcome<std::string> error(std::make_exception_ptr(std::runtime_error("why")));
  CHECK_FALSE(error.has_value());
  CHECK(error.error() != nullptr);
  CHECK_FALSE((error == "text"));
  CHECK_THROWS_WITH_AS(static_cast<void>(error.value()), "why", std::runtime_error);
  CHECK_THROWS_WITH_AS(static_cast<void>(error.get()), "why", std::runtime_error);
  sluice::outcome<std::unique_ptr<int>> movable(std::in_place, std::make_unique<int>(1));
  CHECK(*movable.get() == 1);
  sluice::outcome<void> nothing(std::in_place);
  CHECK(nothing.has_value());
  nothing.get();
}

TEST_CASE("go gives the result: values, references decay, errors keep their type, move-only functions run") {
  test::in_runtime([] {
    CHECK(sluice::go([] { return std::string("x"); }).get() == "x");
    int object = 3;
    CHECK(sluice::go([&]() -> int& { return object; }).get() == 3);
    auto p = std::make_unique<int>(4);
    CHECK(sluice::go([p = std::move(p)] { return *p; }).get() == 4);
    CHECK_THROWS_AS(sluice::go([]() -> int { throw std::out_of_range("x"); }).get(), std::out_of_range);
    CHECK_THROWS_AS(sluice::go([] { throw 42; }).get(), int);
    auto destroyed = std::make_shared<int>(1);
    sluice::go([destroyed] {}).get();
    CHECK(destroyed.use_count() == 1);  // what the function held is gone when its result can be seen
  });
}

TEST_CASE("a dropped future lets its fiber run on") {
  test::in_runtime([] {
    sluice::channel<int> c;
    {
      auto dropped = sluice::go([c] { c.send(1); });
    }
    CHECK(c.recv() == 1);
  });
}

TEST_CASE("wait_any: an index of a ready one, at once or later, error or not; the others keep no trace") {
  test::in_runtime([] {
    std::vector<sluice::promise<int>> promises(5);
    std::vector<sluice::future<int>> futures;
    for (auto& p : promises) futures.push_back(p.get_future());
    auto later = sluice::go([&] {
      test::let_others_block();
      promises[3].set_value(3);
    });
    CHECK(sluice::wait_any(futures) == 3);
    CHECK(sluice::wait_any(futures) == 3);  // looking does not consume
    later.get();
    for (const auto& f : futures) CHECK(f.waiters() == 0);
    CHECK(futures[3].get() == 3);
    futures.erase(futures.begin() + 3);
    promises[1].set_exception(std::make_exception_ptr(1));
    CHECK(sluice::wait_any(futures) == 1);
    CHECK_THROWS_AS(futures[1].get(), int);
    struct {  // a range that cannot be walked through as const, as some views
      std::span<sluice::future<int>> all;
      auto begin() { return all.begin(); }
      auto end() { return all.end(); }
    } rest{std::span(futures).subspan(2)};
    promises[4].set_value(4);
    CHECK(sluice::wait_any(rest) == 1);
    std::vector<sluice::future<int>> none;
    CHECK_THROWS_AS(sluice::wait_any(none), std::invalid_argument);
  });
}

TEST_CASE("a lost done() leaves its future as it was, and a taken one is consumed") {
  test::in_runtime([] {
    sluice::promise<std::string> p;
    auto f = p.get_future();
    for (int i = 0; i < 100; ++i) {
      auto d = sluice::done(f);
      auto t = sluice::after(0ms);
      REQUIRE((sluice::select_in_order(d, t) == t));
    }
    CHECK(f.waiters() == 0);
    p.set_value("here");
    auto d = sluice::done(f);
    CHECK(d.poll());
    CHECK(d.take() == "here");
    CHECK_FALSE(d.poll());  // never again
    CHECK(code_of([&] { static_cast<void>(d.take()); }) == is(std::future_errc::no_state));
  });
}

TEST_CASE("get() after the outcome was taken through done() is misuse, not an empty value") {
  test::in_runtime([] {
    sluice::promise<std::string> p;
    auto f = p.get_future();
    p.set_value("here");
    CHECK(sluice::done(f).take() == "here");
    CHECK(code_of([&] { f.get(); }) == is(std::future_errc::no_state));
  });
}
