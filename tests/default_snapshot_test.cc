// The default case is a snapshot: taken only if there was one moment at which no case was ready.
#include "tests/support/harness.h"

#include <array>
#include <cstdint>
#include <functional>
#include <utility>

using sluice::channel, sluice::recv;

TEST_CASE("a token that moves between two channels, never out of both, is always found") {
  test::in_runtime([] {
    // The mover puts the token into the other channel before it takes it out of this one. Who looks at the channels one
    // after the other may miss it: the first is looked at too early, the second too late.
    const std::array<channel<int>, 2> c{channel<int>(2), channel<int>(2)};
    std::atomic<bool> stop{false};
    CHECK(c[0].send(1));
    auto mover = sluice::go([&] {
      for (std::size_t at = 0; !stop; at = 1 - at) {
        c[1 - at].send(1);
        c[at].recv();
        if (test::current_workers == 1) sluice::this_fiber::yield();
      }
    });
    int missed = 0;
    int found = 0;
    const int n = test::scaled(60'000);
    for (int i = 0; i < n; ++i) {
      auto first = recv(c[0]);
      auto second = recv(c[1]);
      if (const auto won = sluice::try_select(first, second)) {
        ++found;
        static_cast<void>(won == first ? c[0].send(*first.take()) : c[1].send(*second.take()));  // back where it was
      } else {
        ++missed;
      }
      if (test::current_workers == 1 && i % 8 == 0) sluice::this_fiber::yield();
    }
    stop = true;
    mover.get();
    CHECK(missed == 0);
    CHECK(found == n);
  });
}

namespace {

// Never ready itself; it lets something happen just when the select looks past it for the first time.
struct meddler {
  using value_type = void;
  std::function<void()> meddle;
  bool poll() { return false; }
  bool arm(sluice::waiter&, std::uint32_t) noexcept { return true; }
  void disarm() noexcept {}
  void take() {}
  std::uint64_t look() {
    if (meddle) std::exchange(meddle, nullptr)();
    return 0;
  }
};

}  // namespace

TEST_CASE("the token moves behind the back of the one who looks, exactly between two looks") {
  test::in_runtime([] {
    const channel<int> before(1);
    const channel<int> behind(1);
    CHECK(behind.send(7));
    auto a = recv(before);
    auto b = recv(behind);
    meddler between{[&] {
      before.send(7);
      behind.recv();
    }};
    const auto won = sluice::try_select(a, between, b);
    REQUIRE((won == a));
    CHECK(a.take() == 7);

    CHECK(behind.send(8));
    meddler again{[&] {
      before.send(8);
      behind.recv();
    }};
    CHECK(sluice::select(sluice::on(recv(before), [] { return 1; }), sluice::on(std::move(again), [] { return 2; }),
                         sluice::on(recv(behind), [] { return 3; }), sluice::otherwise([] { return 4; })) == 1);

    // Somebody came and went between the looks: not ready now, but it has to look again to know that.
    meddler in_and_out{[&] {
      before.send(9);
      before.recv();
    }};
    CHECK_FALSE(static_cast<bool>(sluice::try_select(a, in_and_out, b)));
  });
}

TEST_CASE("the same with room instead of tokens, with handlers, and from a thread") {
  test::in_runtime([] {
    // Four slots, three values: at any moment one of the channels has room.
    const std::array<channel<int>, 2> c{channel<int>(2), channel<int>(2)};
    std::atomic<bool> stop{false};
    for (int i = 0; i < 2; ++i) CHECK(c[0].send(0));
    CHECK(c[1].send(0));
    auto mover = sluice::go([&] {
      for (std::size_t at = 0; !stop; at = 1 - at) {  // makes room here before it fills up there
        c[at].recv();
        c[1 - at].send(0);
        if (test::current_workers == 1) sluice::this_fiber::yield();
      }
    });
    std::atomic<int> missed{0};
    std::atomic<bool> looked{false};
    std::thread looker([&] {
      for (int i = 0; i < test::scaled(60'000); ++i) {
        bool first = false;
        bool second = false;
        sluice::select(sluice::on(sluice::send(c[0], 1), [&] { first = true; }),
                       sluice::on(sluice::send(c[1], 1), [&] { second = true; }), sluice::otherwise([&] { ++missed; }));
        if (first) c[0].recv();  // gives the room back
        if (second) c[1].recv();
      }
      looked = true;
    });
    while (!looked) sluice::this_fiber::sleep_for(std::chrono::milliseconds(1));
    looker.join();
    stop = true;
    mover.get();
    CHECK(missed == 0);
  });
}

TEST_CASE("ready before the call: never the default, for each kind of event, whatever stands beside it") {
  test::in_runtime([] {
    channel<int> quiet;
    channel<int> null(nullptr);
    channel<int> closed;
    closed.close();
    channel<int> room(1);
    sluice::promise<int> p;
    auto f = p.get_future();
    p.set_value(1);
    const auto found = [&](auto e) {
      auto a = recv(quiet);
      auto b = sluice::send(null, 1);
      auto c = sluice::never();
      auto d = sluice::after(std::chrono::hours(1));
      return sluice::try_select(a, e, b, c, d) == e && sluice::try_select(a, b, c, d, e) == e;
    };
    CHECK(found(recv(closed)));
    CHECK(found(sluice::send(closed, 1)));
    CHECK(found(sluice::send(room, 1)));
    CHECK(found(recv(room)));
    CHECK(found(sluice::done(f)));
    CHECK(found(sluice::after(std::chrono::milliseconds(0))));
    CHECK(found(sluice::at(std::chrono::steady_clock::now())));
  });
}

TEST_CASE("nothing ready: the default, and no case has been touched") {
  test::in_runtime([] {
    channel<int> quiet;
    channel<int> full(1);
    CHECK(full.send(1));
    auto a = recv(quiet);
    auto b = sluice::send(full, 2);
    auto c = sluice::never();
    for (int i = 0; i < 1000; ++i) REQUIRE_FALSE(static_cast<bool>(sluice::try_select(a, b, c)));
    CHECK(b.value() == 2);
    CHECK(full.size() == 1);
    CHECK(quiet.try_send(1).full());
    CHECK(quiet.try_recv().empty());
  });
}

TEST_CASE("a waiter whose wait is decided elsewhere does not look like a partner") {
  test::in_runtime([] {
    // Its owner has not come back to withdraw yet: a non-blocking send must neither meet it nor take its word for one.
    channel<int> a;
    channel<int> b;
    auto waits = sluice::go([=] {
      auto ra = recv(a);
      auto rb = recv(b);
      int got = 0;
      const auto won = sluice::select(ra, rb);
      got = won == ra ? *ra.take() : *rb.take();
      return got;
    });
    REQUIRE(test::eventually([&] { return static_cast<bool>(a.try_send(1)); }));
    CHECK(b.try_send(2).full());
    auto sa = sluice::send(a, 3);
    auto sb = sluice::send(b, 4);
    CHECK_FALSE(static_cast<bool>(sluice::try_select(sa, sb)));
    CHECK(waits.get() == 1);
  });
}
