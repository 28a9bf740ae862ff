// make_channel: going away means something.
#include "tests/support/harness.h"

#include <memory>
#include <stdexcept>

TEST_CASE("the last sender to go closes; copies count, moved-from ends do not") {
  test::in_runtime([] {
    auto [tx, rx] = sluice::make_channel<int>(4);
    {
      auto first = std::move(tx);
      {
        const auto second = first;
        CHECK(second.send(1));
      }
      CHECK_FALSE(rx.closed());
      auto third = first;
      first = third;  // assigning an end of the same channel keeps the count
      CHECK_FALSE(rx.closed());
      CHECK(third.send(2));
    }
    CHECK(rx.closed());
    CHECK(rx.recv() == 1);
    CHECK(rx.recv() == 2);
    CHECK_FALSE(rx.recv().has_value());
  });
}

TEST_CASE("senders to a channel without receivers are refused, blocked ones too, and keep their value") {
  test::in_runtime([] {
    auto [tx, rx] = sluice::make_channel<std::unique_ptr<int>>();
    auto blocked = sluice::go([tx = tx] {
      auto v = std::make_unique<int>(9);
      const bool sent = tx.send(std::move(v));
      return !sent && v && *v == 9;
    });
    test::let_others_block();
    {
      auto other = rx;
      { auto gone = std::move(rx); }
      test::let_others_block();
      CHECK_FALSE(tx.closed());
      CHECK_FALSE(blocked.ready());
    }
    CHECK(blocked.get());
    auto v = std::make_unique<int>(1);
    CHECK(tx.try_send(std::move(v)).closed());
    CHECK(v);
  });
}

TEST_CASE("a producer of endless values ends when its consumer has had enough") {
  test::in_runtime([] {
    for (const std::size_t capacity : {0U, 1U, 4U}) {
      auto [tx, rx] = sluice::make_channel<int>(capacity);
      auto producer = sluice::go([tx = std::move(tx)] {
        int i = 0;
        while (tx.send(i)) ++i;
        return i;
      });
      for (int i = 0; i < 10; ++i) CHECK(rx.recv() == i);
      { auto gone = std::move(rx); }
      CHECK(producer.get() >= 10);
    }
  });
}

TEST_CASE("ends work as events, iterate, and close with an error") {
  test::in_runtime([] {
    auto [tx, rx_end] = sluice::make_channel<int>(sluice::unbounded);
    auto& rx = rx_end;  // clang 14 cannot capture a structured binding
    auto out = sluice::send(tx, 3);
    auto nothing = sluice::never();
    CHECK((sluice::select(nothing, out) == out));
    CHECK(out.take());
    auto in = sluice::recv(rx);
    CHECK((sluice::select(in, nothing) == in));
    CHECK(in.take() == 3);
    for (int i = 0; i < 5; ++i) CHECK(tx.send(i));
    tx.close(std::make_exception_ptr(std::runtime_error("upstream")));
    int next = 0;
    CHECK_THROWS_WITH_AS(
        [&] {
          for (const int v : rx) CHECK(v == next++);
        }(),
        "upstream", std::runtime_error);
    CHECK(next == 5);
  });
}
