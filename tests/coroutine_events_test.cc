// Coroutines await composed events: errors out of complete(), and events that begin something and are abandoned.
#include "tests/support/harness.h"

#include <coroutine>
#include <exception>
#include <stdexcept>

using namespace std::chrono_literals;
using sluice::async_select, sluice::channel, sluice::recv, sluice::spawn, sluice::task;

namespace {

// Its complete() throws, which happens while the coroutine is suspended.
class failing_event {
 public:
  using value_type = int;
  explicit failing_event(const channel<int>& c) : inner_(recv(c)) {}
  bool poll() { return false; }
  bool arm(sluice::waiter& w, std::uint32_t index) noexcept { return inner_.arm(w, index); }
  void disarm() noexcept { inner_.disarm(); }
  bool complete() { throw std::runtime_error("in complete"); }
  int take() { return inner_.take().value_or(-1); }

 private:
  sluice::recv_event<int> inner_;
};

// Counts how often it is abandoned.
class begun_event {
 public:
  using value_type = std::optional<int>;
  begun_event(const channel<int>& c, int& abandoned) : inner_(recv(c)), abandoned_(&abandoned) {}
  bool poll() { return inner_.poll(); }
  bool arm(sluice::waiter& w, std::uint32_t index) noexcept { return inner_.arm(w, index); }
  void disarm() noexcept { inner_.disarm(); }
  void abandon() noexcept { ++*abandoned_; }
  std::optional<int> take() { return inner_.take(); }

 private:
  sluice::recv_event<int> inner_;
  int* abandoned_;
};

struct detached {
  struct promise_type {
    detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

}  // namespace

TEST_CASE("an exception out of complete() is thrown to the coroutine that waits") {
  test::in_runtime([] {
    const channel<int> c;
    auto alone = spawn([](channel<int> in) -> task<> { co_await failing_event(in); }(c));
    CHECK(c.send(1));
    CHECK_THROWS_WITH_AS(alone.get(), "in complete", std::runtime_error);
    auto among = spawn([](channel<int> in) -> task<> {
      auto fails = failing_event(in);
      auto late = sluice::after(1h);
      co_await async_select(late, fails);
    }(c));
    CHECK(c.send(1));
    CHECK_THROWS_WITH_AS(among.get(), "in complete", std::runtime_error);
    sluice::promise<bool> p;
    auto seen = p.get_future();
    [](channel<int> in, sluice::promise<bool>& out) -> detached {
      bool threw = false;
      try {
        co_await sluice::await_on(sluice::default_executor(), failing_event(in));
      } catch (const std::runtime_error&) {
        threw = true;
      }
      out.set_value(threw);
    }(c, p);
    CHECK(c.send(1));
    CHECK(seen.get());
  });
}

TEST_CASE("events that lose, and all of a wait that is cancelled, are abandoned once; the winner is not") {
  test::in_runtime([] {
    const channel<int> a;
    const channel<int> b(1);
    int first = 0;
    int second = 0;
    std::atomic<int> stage{0};
    auto f = spawn([](channel<int> x, channel<int> y, int& one, int& two, std::atomic<int>& at) -> task<> {
      begun_event from_x(x, one);
      begun_event from_y(y, two);
      y.try_send(1);
      co_await async_select(from_x, from_y);  // at once
      from_y.take();
      at = 1;
      co_await async_select(from_x, from_y);  // after a wait
      from_x.take();
      at = 2;
      co_await from_x;  // alone, and it happens
      at = 3;
      try {
        co_await async_select(from_x, from_y);
      } catch (const sluice::cancelled&) {}
      std::vector<begun_event> list;
      list.emplace_back(x, one);
      list.emplace_back(y, two);
      y.try_send(1);
      co_await async_select(list);
    }(a, b, first, second, stage));
    REQUIRE(test::eventually([&] { return stage == 1; }));
    CHECK(a.send(1));
    REQUIRE(test::eventually([&] { return stage == 2; }));
    CHECK(a.send(1));
    REQUIRE(test::eventually([&] { return stage == 3; }));
    CHECK(first == 1);
    CHECK(second == 1);
    test::let_others_block();
    CHECK(f.cancel());
    f.get();
    CHECK(first == 3);  // cancelled, and lost once more
    CHECK(second == 2);
  });
}
