// wrap, choose, guard, with_nack: what they yield, when their functions run, who hears that it lost.
#include "tests/support/harness.h"
#include "tests/support/probe_waiter.h"

#include <array>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

using namespace std::chrono_literals;
using sluice::channel, sluice::choose, sluice::guard, sluice::nack_event, sluice::recv, sluice::select, sluice::send,
    sluice::try_select, sluice::with_nack, sluice::wrap;

namespace {

template <class E>
typename E::value_type sync(E e) {
  REQUIRE((select(e) == e));
  return e.take();
}

channel<int> holding(int v) {
  channel<int> c(1);
  c.send(v);
  return c;
}

// A never-ending request that leaves its nack here.
auto request(std::optional<nack_event>& nack) {
  return with_nack([&nack](nack_event n) {
    nack.emplace(std::move(n));
    return sluice::never();
  });
}

}  // namespace

TEST_CASE("wrap applies its function to what happened, after the wait") {
  test::in_runtime([] {
    int calls = 0;
    const auto count = [&calls](std::optional<int> v) {
      ++calls;
      return std::to_string(v.value_or(-1));
    };
    channel<int> c(1);
    auto text = wrap(recv(c), count);
    CHECK_FALSE(static_cast<bool>(try_select(text)));
    c.send(42);
    REQUIRE((select(text) == text));
    CHECK(calls == 0);
    CHECK(text.take() == "42");
    CHECK(calls == 1);
    auto soon = wrap(sluice::after(1ms), [] { return std::make_unique<int>(7); });  // of a void, yielding a move-only value
    CHECK((select(text, soon) == soon));
    CHECK(*soon.take() == 7);
    CHECK(calls == 1);
    auto wrong = wrap(wrap(recv(holding(1)), count), [](std::string) -> int { throw std::runtime_error("wrong"); });
    REQUIRE((select(wrong) == wrong));
    CHECK_THROWS_AS(wrong.take(), std::runtime_error);
    channel<int> gone;
    gone.close();
    auto end = wrap(recv(gone), count);
    REQUIRE((select(end) == end));
    CHECK(end.take() == "-1");
    CHECK(end.spent());
  });
}

TEST_CASE("choose yields the common type, else a variant by position; over a vector the index too") {
  test::in_runtime([] {
    channel<int> none;
    auto same = choose(recv(none), recv(holding(1)));
    static_assert(std::is_same_v<decltype(same.take()), std::optional<int>>);
    CHECK(sync(std::move(same)) == 1);
    auto differs = choose(recv(none), sluice::after(0ms), send(none, 1));
    static_assert(std::is_same_v<decltype(differs.take()), std::variant<std::optional<int>, std::monostate, bool>>);
    CHECK(sync(std::move(differs)).index() == 1);
    auto nothing = choose(sluice::never(), sluice::after(0ms));
    static_assert(std::is_void_v<decltype(nothing.take())>);
    sync(std::move(nothing));
    std::vector<sluice::recv_event<int>> many;
    many.push_back(recv(none));
    many.push_back(recv(holding(7)));
    CHECK(sync(choose(std::move(many))) == std::pair<std::size_t, std::optional<int>>(1, 7));
    std::vector<sluice::deadline_event> times{sluice::after(1h), sluice::after(0ms)};
    CHECK(sync(choose(times)) == 1);
    auto empty = choose(std::vector<sluice::deadline_event>());
    auto soon = sluice::after(1ms);
    CHECK((select(empty, soon) == soon));
  });
}

TEST_CASE("a send that lost inside a choose still has its value") {
  test::in_runtime([] {
    channel<std::unique_ptr<int>> c;
    auto e = choose(wrap(send(c, std::make_unique<int>(5)), [](bool) {}), sluice::after(1ms));
    REQUIRE((select(e) == e));
    e.take();
    CHECK(**e.alternative<0>().inner().value() == 5);
  });
}

TEST_CASE("choose is fair among those that are ready, and one case of the select that it is in") {
  test::in_runtime([] {
    const int rounds = test::scaled(20'000);
    std::array<int, 3> wins{};
    const channel<int> always;
    always.close();
    for (int i = 0; i < rounds; ++i) {
      auto e = choose(recv(always), sluice::never(), recv(always), recv(always));
      REQUIRE((select(e) == e));
      std::vector<decltype(recv(always))> many{};
      for (int k = 0; k < 3; ++k) many.push_back(recv(always));
      ++wins[sync(choose(std::move(many))).first];
      static_cast<void>(e.take());
    }
    for (const int w : wins) CHECK(w > rounds / 4);
  });
}

TEST_CASE("guard is evaluated anew for each wait, and only when the wait polls it") {
  test::in_runtime([] {
    int made = 0;
    channel<int> c(1);
    auto e = guard([&] {
      ++made;
      return recv(c);
    });
    CHECK(made == 0);
    CHECK_FALSE(static_cast<bool>(try_select(e)));
    CHECK(made == 1);
    auto soon = sluice::after(1ms);
    CHECK((select(e, soon) == soon));
    CHECK(made == 2);
    c.send(1);
    CHECK((select(e) == e));
    CHECK(made == 3);
    auto now = sluice::after(0ms);
    CHECK((sluice::select_in_order(now, e) == now));  // e is done and not taken: it stays so
    CHECK(e.take() == 1);
    CHECK(made == 3);
    // A timeout that counts from the start of the wait
    auto idle = guard([] { return sluice::after(20ms); });
    sluice::this_fiber::sleep_for(25ms);
    auto at_once = sluice::after(0ms);
    CHECK((sluice::select_in_order(idle, at_once) == at_once));
    const auto start = std::chrono::steady_clock::now();
    CHECK((select(idle) == idle));
    CHECK(std::chrono::steady_clock::now() - start >= 20ms);
  });
}

TEST_CASE("a guard that throws: the wait throws, nothing has happened, and who had begun hears of it") {
  test::in_runtime([] {
    std::optional<nack_event> nack;
    channel<int> c(1);
    auto asked = request(nack);
    auto wrong = guard([]() -> sluice::never_event { throw std::runtime_error("no request"); });
    CHECK_THROWS_AS(sluice::select_in_order(asked, wrong), std::runtime_error);
    CHECK(nack->poll());
    nack.reset();
    auto both = choose(recv(c), request(nack), guard([]() -> sluice::never_event { throw std::runtime_error("no"); }));
    int thrown = 0;
    for (int i = 0; i < 20; ++i) {
      nack.reset();
      try {
        select(both);
      } catch (const std::runtime_error&) {
        ++thrown;
        if (nack) CHECK(nack->poll());
      }
    }
    CHECK(thrown == 20);
    c.send(1);  // nobody is left in it
    CHECK(c.size() == 1);
    CHECK(c.recv() == 1);
  });
}

TEST_CASE("the nack fires when another event happens, however the wait ends") {
  test::in_runtime([] {
    std::optional<nack_event> nack;
    auto e = request(nack);
    auto now = sluice::after(0ms);
    {
      CHECK((sluice::select_in_order(e, now) == now));  // lost in the first look
      CHECK(nack->poll());
    }
    auto soon = sluice::after(1ms);
    CHECK((select(e, soon) == soon));  // lost while it was armed; a nack of its own
    CHECK(nack->poll());
    CHECK_FALSE(static_cast<bool>(try_select(e)));  // lost to the default
    CHECK(nack->poll());
    int defaults = 0;
    nack.reset();
    select(sluice::on(request(nack), [] {}), sluice::on(sluice::never(), [] {}), sluice::otherwise([&] { ++defaults; }));
    CHECK(defaults == 1);
    CHECK(nack->poll());
    {
      auto pending = guard([&] { return request(nack); });
      CHECK_FALSE(pending.poll());
      const auto copy = pending;  // has not begun
      CHECK_FALSE(nack->poll());
      auto moved = std::move(pending);
      CHECK_FALSE(nack->poll());
    }  // destroyed while it was pending
    CHECK(nack->poll());
    auto failing = with_nack([&nack](nack_event n) -> sluice::never_event {
      nack.emplace(std::move(n));
      throw std::runtime_error("after the request was sent");
    });
    CHECK_THROWS_AS(select(failing), std::runtime_error);
    CHECK(nack->poll());
    // In a choose, against its sibling, and in a range
    auto either = choose(request(nack), sluice::after(1ms));
    nack.reset();
    REQUIRE((select(either) == either));
    CHECK(nack->poll());
    either.take();
    std::array<std::optional<nack_event>, 3> nacks;
    const auto ask = [&](std::size_t i) {
      return with_nack([&nacks, i](nack_event n) {
        nacks[i].emplace(std::move(n));
        return sluice::after(i == 1 ? 5ms : std::chrono::milliseconds(3'600'000));
      });
    };
    std::vector<decltype(ask(0))> range;
    for (std::size_t i = 0; i < 3; ++i) range.push_back(ask(i));
    CHECK(select(range) == 1);
    CHECK(nacks[0]->poll());
    CHECK_FALSE(nacks[1]->poll());
    CHECK(nacks[2]->poll());
  });
}

TEST_CASE("the nack of the one that happened never fires") {
  test::in_runtime([] {
    std::optional<nack_event> nack;
    {
      auto e = with_nack([&nack](nack_event n) {
        nack.emplace(std::move(n));
        return recv(holding(3));
      });
      auto late = sluice::after(1h);
      REQUIRE((select(e, late) == e));
      auto now = sluice::after(0ms);
      CHECK((sluice::select_in_order(now, e) == now));  // it happened before, and was not taken
      CHECK(e.take() == 3);
      CHECK_FALSE(nack->poll());
      REQUIRE((select(e, late) == e));
    }  // not taken
    CHECK_FALSE(nack->poll());
  });
}

TEST_CASE("the nack fires when the waiting fiber is cancelled, and wakes who waits for it") {
  test::in_runtime([] {
    channel<nack_event> out(1);
    auto client = sluice::go([&] {
      auto e = with_nack([&](nack_event n) {
        out.send(n);
        return sluice::never();
      });
      auto silent = sluice::never();
      select(e, silent);
    });
    auto gone = *out.recv();
    auto server = sluice::go([gone]() mutable { select(gone); });
    CHECK_FALSE(gone.poll());
    while (!client.ready()) {
      client.cancel();
      sluice::this_fiber::yield();
    }
    CHECK_THROWS_AS(client.get(), sluice::cancelled);
    server.get();
    CHECK(gone.poll());
  });
}

TEST_CASE("a reply over a rendezvous and the nack exclude each other") {
  test::in_runtime([] {
    struct order {
      channel<int> reply;
      nack_event gone;
    };
    const int rounds = test::scaled(20'000);
    const channel<order> orders;
    long handed = 0;
    long kept = 0;
    auto server = sluice::go([&] {
      for (auto& o : orders) {
        auto reply = send(o.reply, 1);
        if (select(reply, o.gone) == reply)
          handed += reply.take();
        else
          ++kept;
      }
    });
    std::atomic<long> got{0};
    std::atomic<long> asked{0};  // not if the clock was first
    const auto client = [&] {
      for (int i = 0; i < rounds; ++i) {
        auto bought = with_nack([&](nack_event gone) {
          channel<int> reply;
          orders.send(order{reply, std::move(gone)});
          ++asked;
          return recv(std::move(reply));
        });
        auto late = sluice::after(std::chrono::microseconds(i % 7));
        if (select(bought, late) == bought) got += *bought.take();
      }
    };
    auto fiber = sluice::go(client);
    const channel<int> ended;
    std::thread thread([&] {
      client();
      ended.close();
    });
    fiber.get();
    ended.recv();
    thread.join();
    orders.close();
    server.get();
    CHECK(handed == got);
    CHECK(handed + kept == asked);
  });
}

TEST_CASE("a choose that sends and receives on one channel does not pair with itself, but with another like it") {
  test::in_runtime([] {
    const channel<int> c;
    auto soon = sluice::after(2ms);
    auto alone = choose(send(c, 1), recv(c));
    CHECK((select(alone, soon) == soon));
    auto out = send(c, 1);
    auto in = choose(recv(c), recv(c));
    auto later = sluice::after(2ms);
    CHECK((select(out, in, later) == later));  // nor with another case of its select
    std::atomic<int> sent{0};
    std::atomic<int> received{0};
    const auto party = [&] {
      for (bool open = true; open;) {
        auto e = choose(choose(send(c, 1), sluice::wrap(sluice::never(), [] { return false; })), recv(c));
        REQUIRE((select(e) == e));
        auto what = e.take();
        if (what.index() == 0)
          sent += open = std::get<0>(what);
        else
          received += open = std::get<1>(what).has_value();
      }
    };
    std::array<sluice::future<void>, 3> fibers{sluice::go(party), sluice::go(party), sluice::go(party)};
    std::thread thread(party);
    CHECK(test::eventually([&] { return received > test::scaled(20'000); }));
    c.close();
    for (auto& f : fibers) f.get();
    thread.join();
    CHECK(sent == received);
  });
}

TEST_CASE("a choose that sends and receives on one channel waits for both, whichever it arms first") {
  test::in_runtime([] {
    for (int i = 0; i < 40; ++i) {
      const channel<int> c;
      test::probe_waiter w;
      auto e = choose(send(c, 1), choose(recv(c)));
      REQUIRE(e.arm(w, 3));
      if (i % 2 == 0)
        CHECK(static_cast<bool>(c.try_recv()));
      else
        CHECK(static_cast<bool>(c.try_send(2)));
      CHECK(w.decided_for() == 3U);
      REQUIRE(sluice::detail::complete(e));
      CHECK(e.take().index() == static_cast<std::size_t>(i % 2));
    }
  });
}

TEST_CASE("opposed chooses meet, whatever their order") {
  test::in_runtime([] {
    const channel<int> a;
    const channel<int> b;
    const int rounds = test::scaled(20'000);
    std::array<int, 4> happened{};
    const auto left = [&] {
      for (int i = 0; i < rounds; ++i) {
        auto r = i % 2
                     ? sync(choose(wrap(send(a, i), [](bool) { return 0; }), wrap(recv(b), [](auto) { return 1; })))
                     : sync(choose(wrap(choose(recv(b)), [](auto) { return 1; }), wrap(send(a, i), [](bool) { return 0; })));
        ++happened[static_cast<std::size_t>(r)];
      }
    };
    const auto right = [&] {
      for (int i = 0; i < rounds; ++i) {
        auto e = choose(choose(recv(a)), choose(recv(a)));
        auto out = send(b, i);
        if (i % 3 == 0) {
          ++happened[select(out, e) == e ? 2 : 3];
        } else {
          auto r = sync(choose(wrap(std::move(e), [](auto) { return 2; }), wrap(std::move(out), [](bool) { return 3; })));
          ++happened[static_cast<std::size_t>(r)];
        }
      }
    };
    auto l = sluice::go(left);
    auto r = sluice::go(right);
    l.get();
    r.get();
    CHECK(happened[0] == happened[2]);
    CHECK(happened[1] == happened[3]);
  });
}

TEST_CASE("the default over a choose is a snapshot: a token that is never out of both channels is always found") {
  test::in_runtime([] {
    const std::array<channel<int>, 2> c{channel<int>(2), channel<int>(2)};
    std::atomic<bool> stop{false};
    c[0].send(1);
    auto mover = sluice::go([&] {
      for (std::size_t at = 0; !stop; at = 1 - at) {
        c[1 - at].send(1);
        c[at].recv();
        if (test::current_workers == 1) sluice::this_fiber::yield();
      }
    });
    int found = 0;
    const int n = test::scaled(60'000);
    for (int i = 0; i < n; ++i) {
      auto none = sluice::never();
      auto either = choose(wrap(recv(c[0]), [](std::optional<int>) { return 0; }),
                           choose(wrap(recv(c[1]), [](std::optional<int>) { return 1; })));
      if (i % 2 ? try_select(either) == either : try_select(none, either) == either) {
        ++found;
        c[static_cast<std::size_t>(either.take())].send(1);  // back where it was
      }
      if (test::current_workers == 1 && i % 8 == 0) sluice::this_fiber::yield();
    }
    stop = true;
    mover.get();
    CHECK(found == n);
  });
}

namespace {

// Never ready itself; it lets something happen just when it is looked at for the first time.
template <class F>
struct meddler {
  using value_type = std::optional<int>;
  F meddle;
  bool done = false;
  bool poll() { return false; }
  bool arm(sluice::waiter&, std::uint32_t) noexcept { return true; }
  void disarm() noexcept {}
  value_type take() { return {}; }
  std::uint64_t look() {
    if (!std::exchange(done, true)) meddle();
    return 0;
  }
};

}  // namespace

TEST_CASE("the token moves inside a choose, exactly between two looks") {
  test::in_runtime([] {
    const channel<int> before(1);
    const channel<int> behind(1);
    const auto move = [&] {
      before.send(7);
      behind.recv();
    };
    using event = meddler<decltype(move)>;
    auto none = sluice::never();
    behind.send(7);
    auto one = choose(recv(before), event{move}, recv(behind));
    REQUIRE((try_select(one) == one));
    CHECK(one.take() == 7);
    behind.send(7);
    auto polled = choose(recv(before), event{move}, recv(behind));
    CHECK(polled.poll());
    CHECK(polled.take() == 7);
    behind.send(7);
    auto with_another = choose(recv(before), event{move}, recv(behind));
    REQUIRE((try_select(none, with_another) == with_another));
    CHECK(with_another.take() == 7);
    behind.send(7);
    auto ahead = choose(recv(before));
    auto after = choose(event{move}, recv(behind));
    REQUIRE((try_select(ahead, after) == ahead));
    CHECK(ahead.take() == 7);
  });
}

namespace {

// As above, each time.
struct spy {
  using value_type = void;
  std::function<void()> looked;
  bool poll() { return false; }
  bool arm(sluice::waiter&, std::uint32_t) noexcept { return true; }
  void disarm() noexcept {}
  void take() {}
  std::uint64_t look() {
    looked();
    return 0;
  }
};

}  // namespace

TEST_CASE("a token that goes to and fro between the looks at two chooses is found") {
  test::in_runtime([] {
    const channel<int> x(1);
    const channel<int> y(1);
    int looks = 0;
    const auto to = [](const channel<int>& to, const channel<int>& from) { to.send(from.recv().value_or(0)); };
    y.send(7);
    spy first{[&] {
      if (++looks == 2) to(y, x);
    }};
    int moves = 0;
    spy between{[&] {
      if (++moves <= 2) to(x, y);
    }};
    auto in_x = choose(recv(x));
    auto in_y = choose(recv(y));
    const auto won = try_select(first, in_x, between, in_y);
    CHECK((won == in_x));
  });
}

TEST_CASE("a choose whose arm is refused, because its wait is lost, is not armed") {
  test::in_runtime([] {
    for (int i = 0; i < 20; ++i) {  // the alternatives are armed from a random one on
      const channel<int> silent;
      test::probe_waiter w;
      auto e = choose(recv(silent), recv(holding(1)), choose(recv(silent), recv(holding(2))));
      REQUIRE(w.lose());
      CHECK_FALSE(e.arm(w, 1));
    }  // the channel checks that nobody is left in it
  });
}

TEST_CASE("a choose that a poll finds ready while it is armed, by the clock alone, is not armed any more") {
  test::in_runtime([] {
    const channel<int> silent;
    test::probe_waiter w;
    auto e = choose(recv(silent), sluice::after(5ms));
    REQUIRE(e.arm(w, 1));
    REQUIRE(w.lose());  // another worker may fire the timer: it wins nothing
    std::this_thread::sleep_for(6ms);
    REQUIRE(e.poll());
    CHECK(e.take().index() == 1);
  });  // the channel checks that nobody is left in it
}

TEST_CASE("a deadline that passed under the eyes of a select_set, in a choose, happens once") {
  test::in_runtime([] {
    channel<int> in;
    bool slow = false;
    const auto start = std::chrono::steady_clock::now();
    const auto pass = [&] {
      if (slow) std::this_thread::sleep_until(start + 51ms);
    };
    int happened = 0;
    sluice::select_set set;
    set.add(choose(wrap(recv(in), [](std::optional<int>) {}), spy{pass}, sluice::at(start + 50ms)), [&] { ++happened; });
    CHECK_FALSE(set.wait_for(1ms));                  // armed
    CHECK_FALSE(static_cast<bool>(in.try_send(1)));  // missed by the set, which nobody waits for: it looks again
    slow = true;
    CHECK(set.wait());
    CHECK_FALSE(set.wait_for(10ms));
    CHECK(happened == 1);
  });
}
