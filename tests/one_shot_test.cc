// one_shot: one value, and both ends know when the other has gone.
#include "tests/support/harness.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using sluice::one_shot, sluice::recv, sluice::select;

using token = std::unique_ptr<int>;

TEST_CASE("sent before it is asked for, and after") {
  test::in_runtime([] {
    auto [tx, rx] = one_shot<std::string>();
    CHECK_FALSE(tx.closed());
    CHECK(tx.send("value"));
    CHECK_FALSE(tx.send("a second one"));
    CHECK(rx.recv() == "value");
    CHECK_FALSE(rx.recv());
    auto ends = one_shot<std::string>();
    auto reader = sluice::go([rx = std::move(ends.rx)] { return rx.recv(); });
    test::let_others_block();
    CHECK(ends.tx.send("later"));
    CHECK(reader.get() == "later");
  });
}

TEST_CASE("the sender goes without sending: empty") {
  test::in_runtime([] {
    auto ends = one_shot<int>();
    auto reader = sluice::go([rx = std::move(ends.rx)] { return rx.recv(); });
    test::let_others_block();
    { const auto gone = std::move(ends.tx); }
    CHECK_FALSE(reader.get());
  });
}

TEST_CASE("the receiver goes: a send is refused, the value is the caller's, and the sender can wait for it") {
  test::in_runtime([] {
    auto ends = one_shot<token>();
    auto waiting = sluice::go([tx = std::move(ends.tx)]() mutable {
      auto gone = sluice::receiver_gone(tx);
      auto late = sluice::after(30s);
      CHECK(select(gone, late) == gone);
      gone.take();
      CHECK(gone.spent());
      CHECK(tx.closed());
      auto mine = std::make_unique<int>(7);
      CHECK_FALSE(tx.send(std::move(mine)));
      REQUIRE(mine);
      CHECK(*mine == 7);
    });
    test::let_others_block();
    { const auto gone = std::move(ends.rx); }
    waiting.get();
  });
}

TEST_CASE("as a case of a select; a timeout leaves it as it was") {
  auto [tx, rx] = one_shot<token>();
  auto answer = recv(rx);
  auto soon = sluice::after(1ms);
  CHECK(select(answer, soon) == soon);
  CHECK(tx.send(std::make_unique<int>(1)));
  auto never = sluice::never();
  REQUIRE(select(never, answer) == answer);
  CHECK_FALSE(answer.spent());
  CHECK(**answer.take() == 1);
  CHECK(answer.spent());
}

TEST_CASE("ends may be assigned: the one that was there goes") {
  auto first = one_shot<int>();
  auto second = one_shot<int>();
  {
    auto old = std::move(first.tx);
    old = std::move(second.tx);
    second.tx = std::move(old);
    CHECK(first.rx.recv() == std::nullopt);
  }
  CHECK(second.tx.send(2));
  CHECK(second.rx.recv() == 2);
}

TEST_CASE("a send against a receiver that leaves: the value is received, goes with the receiver, or is still the sender's") {
  test::in_runtime([] {
    const int n = test::scaled(10'000);
    std::atomic<int> live{0};
    struct counted {
      std::atomic<int>* live;
      explicit counted(std::atomic<int>& l) : live(&l) { ++*live; }
      counted(counted&& o) noexcept : live(o.live) { ++*live; }
      ~counted() { --*live; }
    };
    int accepted = 0;
    int received = 0;
    for (int i = 0; i < n; ++i) {
      auto ends = one_shot<counted>();
      auto reader = sluice::go([rx = std::move(ends.rx), i]() mutable {
        if (i % 3 == 0) return false;
        auto in = recv(rx);
        auto soon = sluice::after(std::chrono::microseconds(i % 7));
        if (i % 3 == 1 && select(in, soon) == soon) return false;
        return rx.recv().has_value();
      });
      if (i % 2 == 0) sluice::this_fiber::yield();
      counted value(live);
      const bool sent = ends.tx.send(std::move(value));
      const bool got = reader.get();
      if (got) CHECK(sent);
      accepted += sent;
      received += got;
    }
    CHECK(received <= accepted);
    CHECK(live == 0);
  });
}

TEST_CASE("by threads as well") {
  for (int i = 0; i < test::scaled(2'000); ++i) {
    auto ends = one_shot<token>();
    std::optional<int> got;
    std::thread reader([&got, rx = std::move(ends.rx)] {
      if (auto v = rx.recv()) got = **v;
    });
    CHECK(ends.tx.send(std::make_unique<int>(i)));
    reader.join();
    CHECK(got == i);
  }
}

TEST_CASE("who asks whether the receiver has gone may outlive the sender") {
  test::in_runtime([] {
    auto ends = one_shot<token>();
    std::optional<sluice::one_shot_receiver<token>> rx(std::move(ends.rx));
    sluice::select_set set;
    int gone = 0;
    set.add(sluice::receiver_gone(ends.tx), [&] { ++gone; });
    CHECK_FALSE(set.wait_for(1ms));
    CHECK(ends.tx.send(std::make_unique<int>(7)));
    CHECK(**rx->recv() == 7);
    rx.reset();
    CHECK(set.wait());
    CHECK(gone == 1);
    CHECK(set.size() == 0);
  });
}
