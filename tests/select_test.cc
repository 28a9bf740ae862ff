// select in its forms, and what it promises about those who lose.
#include "tests/support/harness.h"

#include <array>
#include <deque>
#include <list>
#include <memory>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;
using sluice::channel, sluice::on, sluice::otherwise, sluice::recv, sluice::select, sluice::send;

TEST_CASE("named events: the winner compares equal to one event only") {
  test::in_runtime([] {
    channel<int> a(1);
    channel<int> b(1);
    CHECK(b.send(2));
    auto ra = recv(a);
    auto rb = recv(b);
    const auto won = select(ra, rb);
    CHECK((won == rb));
    CHECK((won != ra));
    CHECK(static_cast<bool>(won));
    CHECK(rb.take() == 2);
    CHECK(a.send(1));  // an event may be waited for again once it was taken
    CHECK((select(ra, rb) == ra));
    CHECK(ra.take() == 1);
  });
}

TEST_CASE("the same event object twice is refused, whether it is ready or not") {
  test::in_runtime([] {
    channel<int> c(1);
    auto r = recv(c);
    auto other = sluice::never();
    CHECK_THROWS_WITH_AS(select(r, other, r), "sluice: the same event twice in one select", std::invalid_argument);
    CHECK_THROWS_AS(sluice::try_select(r, r), std::invalid_argument);
    auto with_handler = on(recv(c), [] {});
    CHECK_THROWS_AS(select(with_handler, on(sluice::never(), [] {}), with_handler), std::invalid_argument);
    CHECK_THROWS_AS(select(with_handler, with_handler, otherwise([] {})), std::invalid_argument);
    CHECK(c.send(1));
    CHECK_THROWS_AS(sluice::select_in_order(r, r), std::invalid_argument);
    CHECK(*c.try_recv() == 1);
  });
}

TEST_CASE("handlers: one runs, with the value or with nothing, and select returns what it returns") {
  test::in_runtime([] {
    channel<int> full(1);
    channel<std::string> quiet;
    CHECK(full.send(20));
    const int r = select(on(recv(full), [](std::optional<int> v) { return *v + 1; }), on(recv(quiet), [] { return -1; }),
                         on(sluice::after(1h), [] { return -2; }));
    CHECK(r == 21);
    int ran = 0;
    select(on(send(full, 5), [&] { ++ran; }), on(sluice::never(), [&] { ran += 100; }));
    CHECK(ran == 1);
    select(on(send(full, 6), [&](bool) { ran += 100; }), otherwise([&] { ++ran; }));
    CHECK(ran == 2);
    select(on(recv(full), [&](std::optional<int> v) { ran += *v; }), otherwise([&] { ran += 100; }));
    CHECK(ran == 7);
    channel<std::unique_ptr<int>> movable(1);
    CHECK(movable.send(std::make_unique<int>(3)));
    auto p = select(on(recv(movable), [](std::optional<std::unique_ptr<int>> v) { return std::move(*v); }));
    CHECK(*p == 3);
  });
}

TEST_CASE("an exception of a handler or of a close reaches the caller, after the losers were withdrawn") {
  test::in_runtime([] {
    channel<int> broken;
    channel<int> quiet;
    broken.close(std::make_exception_ptr(std::runtime_error("closed with this")));
    CHECK_THROWS_WITH_AS(select(on(recv(broken), [](std::optional<int>) {}), on(recv(quiet), [](std::optional<int>) {})),
                         "closed with this", std::runtime_error);
    CHECK_THROWS_AS(select(on(sluice::after(0ms), [] { throw 7; }), on(recv(quiet), [] {})), int);
    CHECK(quiet.try_send(1).full());
  });
}

TEST_CASE("a range chosen at run time, of any length, gives the index") {
  test::in_runtime([] {
    for (const std::size_t n : {1U, 2U, 63U, 64U, 65U, 130U, 1100U}) {
      std::vector<channel<int>> channels;
      std::deque<decltype(recv(channels[0]))> events;  // any forward range
      for (std::size_t i = 0; i < n; ++i) channels.emplace_back(1);
      for (auto& c : channels) events.push_back(recv(c));
      for (std::size_t step = 0; step < 5; ++step) {
        const std::size_t i = step * 7919 % n;
        CHECK(channels[i].send(static_cast<int>(i)));
        CHECK(select(events) == i);
        CHECK(events[i].take() == static_cast<int>(i));
        auto later = sluice::go([&channels, i] { CHECK(channels[i].send(1)); });  // and when it has to wait
        CHECK(select(events) == i);
        CHECK(events[i].take() == 1);
        later.get();
      }
      for (auto& c : channels) CHECK(c.size() == 0);
    }
    std::vector<sluice::never_event> none;
    CHECK_THROWS_AS(select(none), std::invalid_argument);
  });
}

TEST_CASE("select_in_order takes the first that is ready, select any") {
  test::in_runtime([] {
    channel<int> high(100);
    channel<int> low(100);
    for (int i = 0; i < 100; ++i) {
      CHECK(high.send(i));
      CHECK(low.send(i));
    }
    auto h = recv(high);
    auto l = recv(low);
    for (int i = 0; i < 100; ++i) {
      REQUIRE((sluice::select_in_order(h, l) == h));
      REQUIRE(h.take() == i);
    }
    for (int i = 0; i < 50; ++i) {
      REQUIRE((sluice::select_in_order(h, l) == l));
      REQUIRE(l.take() == i);
    }
    CHECK(high.send(7));
    CHECK(sluice::select_in_order(on(recv(high), [] { return 1; }), on(recv(low), [] { return 2; })) == 1);
    CHECK(sluice::select_in_order(on(recv(high), [] { return 1; }), on(recv(low), [] { return 2; }),
                                  otherwise([] { return 3; })) == 2);
    auto later = sluice::go([=] {
      test::let_others_block();
      CHECK(high.send(8));
    });
    while (low.try_recv()) {}
    CHECK((sluice::select_in_order(l, h) == h));  // it waits like any other
    CHECK(h.take() == 8);
  });
}

TEST_CASE("losers leave nothing: no waiter, no value taken, no value given") {
  test::in_runtime([] {
    channel<int> in;
    channel<int> out;
    channel<int> stocked(1);
    sluice::promise<int> p;
    auto f = p.get_future();
    CHECK(stocked.send(1));
    for (int i = 0; i < 200; ++i) {
      auto a = recv(in);
      auto b = send(out, 5);
      auto c = send(stocked, 6);
      auto d = sluice::done(f);
      auto t = sluice::after(i % 10 == 0 ? 1ms : 0ms);
      REQUIRE((select(a, b, c, d, t) == t));
      REQUIRE(b.value() == 5);
      REQUIRE(c.value() == 6);
    }
    CHECK(in.try_send(1).full());
    CHECK(out.try_recv().empty());
    CHECK(stocked.size() == 1);
    CHECK(stocked.recv() == 1);
    CHECK(stocked.try_recv().empty());
    CHECK(f.waiters() == 0);
    p.set_value(1);
    CHECK(f.get() == 1);
  });
}

TEST_CASE("a select that waits is woken by each kind of event, and only that one happens") {
  test::in_runtime([] {
    for (int kind = 0; kind < 6; ++kind) {
      channel<int> in;
      channel<int> out;
      channel<int> closing;
      sluice::promise<int> p;
      auto f = p.get_future();
      auto r = recv(in);
      auto s = send(out, 3);
      auto c = recv(closing);
      auto d = sluice::done(f);
      auto t = sluice::after(kind == 4 ? 5ms : 1h);
      auto k = sluice::every(kind == 5 ? 5ms : 1h);
      auto waker = sluice::go([&, kind] {
        test::let_others_block();
        if (kind == 0) CHECK(in.send(1));
        if (kind == 1) CHECK(out.recv() == 3);
        if (kind == 2) CHECK(closing.close());
        if (kind == 3) p.set_value(4);
      });
      const auto won = select(r, s, c, d, t, k);
      waker.get();
      CHECK((won == r) == (kind == 0));
      CHECK((won == s) == (kind == 1));
      CHECK((won == c) == (kind == 2));
      CHECK((won == d) == (kind == 3));
      CHECK((won == t) == (kind == 4));
      CHECK((won == k) == (kind == 5));
      if (kind == 0) CHECK(r.take() == 1);
      if (kind == 1) CHECK(s.take());
      if (kind == 2) CHECK_FALSE(c.take().has_value());
      if (kind == 3) CHECK(d.take() == 4);
    }
  });
}

TEST_CASE("never is the neutral element, alone or in company") {
  test::in_runtime([] {
    auto n = sluice::never();
    auto m = sluice::never();
    CHECK_FALSE(static_cast<bool>(sluice::try_select(n, m)));
    auto t = sluice::after(1ms);
    CHECK((select(n, t, m) == t));
    auto forever = sluice::go([] {
      auto a = sluice::never();
      static_cast<void>(select(a));
    });
    test::let_others_block();
    CHECK_FALSE(forever.ready());
    CHECK(forever.cancel());
    CHECK_THROWS_AS(forever.get(), sluice::cancelled);
  });
}
