// An event that is spent never has anything new: a party that waits for many may drop it. Those that go on do not say so.
#include "tests/support/harness.h"

#include <stdexcept>
#include <string>

using namespace std::chrono_literals;
using sluice::channel, sluice::recv, sluice::send;
using sluice::detail::spent;

TEST_CASE("a receive is spent when it found the channel closed and drained, and stays ready") {
  const channel<int> c(1);
  auto e = recv(c);
  CHECK(c.send(1));
  REQUIRE(e.poll());
  CHECK(e.take() == 1);
  CHECK_FALSE(spent(e));
  CHECK(c.send(2));
  c.close();
  REQUIRE(e.poll());
  CHECK(e.take() == 2);
  CHECK_FALSE(spent(e));
  for (int again = 0; again < 3; ++again) {
    REQUIRE(e.poll());
    CHECK((e.look() & 1) == 1);
    CHECK_FALSE(e.take().has_value());
    CHECK(spent(e));
  }
  CHECK(sluice::select(e) == e);
  e = recv(channel<int>(1));  // another one takes its place
  CHECK_FALSE(e.poll());
}

TEST_CASE("closed with an error, it throws each time") {
  const channel<int> c;
  auto e = recv(c);
  c.close(std::make_exception_ptr(std::runtime_error("why")));
  for (int again = 0; again < 3; ++again) {
    REQUIRE(e.poll());
    CHECK_THROWS_WITH_AS(e.take(), "why", std::runtime_error);
    CHECK(spent(e));
  }
}

TEST_CASE("a send, a deadline and a future are spent when they were taken") {
  const channel<std::string> c(1);
  auto sent = send(c, std::string("x"));
  auto due = sluice::after(0ms);
  sluice::promise<int> p;
  auto f = p.get_future();
  auto finished = sluice::done(f);
  CHECK_FALSE(spent(sent));
  CHECK_FALSE(spent(due));
  CHECK_FALSE(spent(finished));
  p.set_value(1);
  REQUIRE(sent.poll());
  REQUIRE(due.poll());
  REQUIRE(finished.poll());
  CHECK(sent.take());
  due.take();
  CHECK(finished.take() == 1);
  CHECK(spent(sent));
  CHECK(spent(due));
  CHECK(spent(finished));
  CHECK_FALSE(sent.poll());
  CHECK_FALSE(due.poll());
  CHECK_FALSE(finished.poll());
}

TEST_CASE("a ticker and an event that does not say are not spent") {
  auto tick = sluice::every(1ms);
  sluice::this_fiber::sleep_for(2ms);
  tick.take();
  CHECK_FALSE(spent(tick));
  CHECK_FALSE(spent(sluice::never()));
}
