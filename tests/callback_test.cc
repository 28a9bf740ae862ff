// Callbacks on futures, and futures from callbacks.
#include "tests/support/child.h"
#include "tests/support/harness.h"

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;
using sluice::from_callback, sluice::future, sluice::outcome, sluice::promise, sluice::registration, sluice::resolver;

TEST_CASE("on_ready: in the order of registration, each once; at once if it is ready") {
  test::in_runtime([] {
    promise<int> p;
    auto f = p.get_future();
    std::string seen;
    auto a = f.on_ready([&](const outcome<int>& r) { seen += "a" + std::to_string(r.value()); });
    auto b = f.on_ready([&](const outcome<int>&) { seen += "b"; });
    auto gone = f.on_ready([&](const outcome<int>&) { seen += "gone"; });
    f.on_ready([&](const outcome<int>&) { seen += "c"; }).detach();
    gone.reset();
    CHECK(f.waiters() == 3);
    p.set_value(1);
    CHECK(seen == "a1bc");
    auto late = f.on_ready([&](const outcome<int>&) { seen += "d"; });
    CHECK(seen == "a1bcd");
    CHECK(f.get() == 1);
    CHECK_THROWS_AS(static_cast<void>(f.on_ready([](const outcome<int>&) {})), std::future_error);
  });
}

TEST_CASE("on_ready: errors and broken promises come as outcomes") {
  test::in_runtime([] {
    int errors = 0;
    registration kept;
    {
      promise<void> p;
      kept = p.get_future().on_ready([&](const outcome<void>& r) { errors += r ? 0 : 1; });
    }
    CHECK(errors == 1);
    auto failing = sluice::go([]() -> int { throw std::runtime_error("x"); });
    sluice::channel<std::string> heard(1);
    auto also = failing.on_ready([&](const outcome<int>& r) {
      try {
        r.value();
      } catch (const std::runtime_error& e) {
        CHECK(heard.send(e.what()));
      }
    });
    CHECK(heard.recv() == "x");
    CHECK_THROWS_AS(failing.get(), std::runtime_error);
  });
}

TEST_CASE("on_ready: callbacks are through before anybody sees the future ready") {
  test::in_runtime([] {
    for (int round = 0; round < test::scaled(2000); ++round) {
      promise<int> p;
      auto f = p.get_future();
      int by_callback = 0;
      auto kept = f.on_ready([&](const outcome<int>& r) { by_callback = r.value(); });
      auto other = sluice::go([&] { p.set_value(5); });
      CHECK(f.get() == 5);
      CHECK(by_callback == 5);
      other.get();
    }
  });
}

TEST_CASE("on_ready: taken back while it runs means waiting until it is over") {
  test::in_runtime([] {
    promise<int> p;
    auto f = p.get_future();
    std::atomic<bool> inside{false};
    bool over = false;
    auto kept = f.on_ready([&](const outcome<int>&) {
      inside = true;
      sluice::this_fiber::sleep_for(5ms);
      over = true;
    });
    auto other = sluice::go([&] { p.set_value(1); });
    REQUIRE(test::eventually([&] { return inside.load(); }));
    kept.reset();
    CHECK(over);
    other.get();
  });
}

TEST_CASE("on_ready: a callback may take itself back, and drop the future") {
  test::in_runtime([] {
    promise<int> p;
    auto f = std::make_unique<future<int>>(p.get_future());
    registration self;
    int calls = 0;
    self = f->on_ready([&](const outcome<int>&) {
      ++calls;
      self.reset();
      f.reset();
    });
    p.set_value(1);
    CHECK(calls == 1);
    CHECK(f == nullptr);
  });
}

TEST_CASE("on_ready: a callback may drop promise, future and registrations: the last that refer to the result") {
  auto p = std::make_unique<promise<std::string>>();
  auto f = p->get_future();
  std::vector<registration> all;
  int seen = 0;
  for (int i = 0; i < 3; ++i)
    all.push_back(f.on_ready([&, i](const outcome<std::string>& o) {
      seen += o.has_value() ? 1 : 0;
      if (i < 2) return;
      p.reset();
      f = {};
      all.clear();
    }));
  p->set_value("a string that is too long to lie in the result itself");
  CHECK(seen == 3);
  CHECK(p == nullptr);
}

TEST_CASE("on_ready: a callback may take back one that has not begun") {
  test::in_runtime([] {
    promise<int> p;
    auto f = p.get_future();
    std::string seen;
    registration b;
    auto a = f.on_ready([&](const outcome<int>&) {
      seen += "a";
      b.reset();
    });
    b = f.on_ready([&](const outcome<int>&) { seen += "b"; });
    auto c = f.on_ready([&](const outcome<int>&) { seen += "c"; });
    p.set_value(1);
    CHECK(seen == "ac");
  });
}

TEST_CASE("on_ready: registered and taken back while others fulfil") {
  test::in_runtime([] {
    for (int round = 0; round < test::scaled(3000); ++round) {
      promise<int> p;
      auto f = p.get_future();
      int calls = 0;
      auto other = sluice::go([&] { p.set_value(1); });
      {
        auto first = f.on_ready([&](const outcome<int>&) { ++calls; });
        auto second = f.on_ready([&](const outcome<int>&) { ++calls; });
        if (round % 2 == 0) sluice::this_fiber::yield();
      }
      const int after_all = calls;
      CHECK(f.get() == 1);
      CHECK(calls == after_all);
      CHECK((calls == 0 || calls == 1 || calls == 2));
      other.get();
    }
  });
}

CHILD_PROGRAM(callback_throws) {
  promise<int> p;
  auto f = p.get_future();
  auto kept = f.on_ready([](const outcome<int>&) { throw std::runtime_error("out of a callback"); });
  p.set_value(1);
  return f.get() - 1;
}
CHILD_PROGRAM(callback_looks) {
  promise<int> p;
  auto f = p.get_future();
  auto kept = f.on_ready([](const outcome<int>& r) { std::fprintf(stderr, "%s", r ? "value" : "error"); });
  p.set_exception(std::make_exception_ptr(std::runtime_error("looked at")));
  return 0;
}
TEST_CASE("on_ready: what a callback throws is reported; an error it has seen is not") {
  const test::ended threw = test::start_child("callback_throws");
  CHECK(threw.status == 0);
  CHECK(threw.error_output.find("out of a callback") != std::string::npos);
  const test::ended looked = test::start_child("callback_looks");
  CHECK(looked.status == 0);
  CHECK(looked.error_output == "error");
}

TEST_CASE("from_callback: from any thread, once") {
  test::in_runtime([] {
    std::thread other;
    auto f = from_callback<std::string>([&](resolver<std::string> done) {
      other = std::thread([done] {
        CHECK(done("first"));
        CHECK_FALSE(done("second"));
        CHECK_FALSE(done.fail(std::make_exception_ptr(1)));
      });
    });
    CHECK(f.get() == "first");
    other.join();
    auto nothing = from_callback<void>([](auto done) { done(); });
    nothing.get();
    CHECK_THROWS_AS(from_callback<int>([](auto done) { done.fail(std::make_exception_ptr(std::logic_error("e"))); }).get(),
                    std::logic_error);
    CHECK_THROWS_AS(from_callback<int>([](auto) { throw std::logic_error("start"); }).get(), std::logic_error);
    CHECK_THROWS_AS(from_callback<int>([](auto) {}).get(), std::future_error);  // every copy is gone
  });
}

TEST_CASE("from_callback: of several that call at once, one wins") {
  test::in_runtime([] {
    for (int round = 0; round < test::scaled(2000); ++round) {
      const resolver<int> done;
      auto f = done.get_future();
      std::atomic<int> won{0};
      std::vector<future<void>> callers;
      for (int i = 0; i < 3; ++i) callers.push_back(sluice::go([&, done, i] { won += done(i) ? 1 : 0; }));
      const int value = f.get();
      test::join(callers);
      CHECK(won == 1);
      CHECK((value >= 0 && value < 3));
    }
  });
}

TEST_CASE("from_callback: a value that cannot be made leaves the promise open") {
  struct picky {
    explicit picky(int v) {
      if (v < 0) throw std::invalid_argument("negative");
    }
  };
  const resolver<picky> done;
  auto f = done.get_future();
  CHECK_THROWS_AS(done(-1), std::invalid_argument);
  CHECK_FALSE(f.ready());
  CHECK(done(1));
  CHECK(f.ready());
}
