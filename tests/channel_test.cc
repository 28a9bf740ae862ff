// Channels on their own: buffers, closing, FIFO, ends, iteration, what the calls that never wait say.
#include "tests/support/harness.h"

#include <limits>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>

using sluice::channel;

TEST_CASE("a bounded channel holds its capacity, in order, for every capacity") {
  test::in_runtime([] {
    for (const std::size_t capacity : {1U, 2U, 3U, 7U, 64U, 65U, 199U}) {
      channel<int> c(capacity);
      CHECK(c.capacity() == capacity);
      for (int round = 0; round < 3; ++round) {  // goes round the ring, from another place each time
        for (std::size_t i = 0; i < capacity; ++i) {
          REQUIRE(c.size() == i);
          REQUIRE(static_cast<bool>(c.try_send(static_cast<int>(i))));
        }
        CHECK(c.try_send(-1).full());
        CHECK_FALSE(c.try_send(-1).closed());
        for (std::size_t i = 0; i < capacity; ++i) {
          REQUIRE(c.recv() == static_cast<int>(i));
          REQUIRE(c.size() == capacity - 1 - i);
        }
        CHECK(c.try_recv().empty());
        CHECK(c.send(1));
        CHECK(c.recv() == 1);
      }
    }
  });
}

TEST_CASE("an unbounded channel never refuses and keeps the order across its growth") {
  test::in_runtime([] {
    channel<int> c(sluice::unbounded);
    CHECK(c.capacity() == std::numeric_limits<std::size_t>::max());
    int next_in = 0;
    int next_out = 0;
    bool in_order = true;
    for (const int burst : {1, 31, 32, 33, 1000, 5000, 1}) {  // fills, drains half, fills again
      for (int i = 0; i < burst; ++i) REQUIRE(c.send(next_in++));
      for (int i = 0; i < burst / 2; ++i) in_order = in_order && c.recv() == next_out++;
    }
    CHECK(c.size() == static_cast<std::size_t>(next_in - next_out));
    c.close();
    for (const int v : c) in_order = in_order && v == next_out++;
    CHECK(in_order);
    CHECK(next_out == next_in);
  });
}

TEST_CASE("a rendezvous channel stores nothing: a send ends when its receive has begun") {
  test::in_runtime([] {
    channel<int> c;
    CHECK(c.capacity() == 0);
    CHECK(c.try_send(1).full());
    CHECK(c.try_recv().empty());
    CHECK(c.size() == 0);
    std::atomic<bool> sent{false};
    auto sender = sluice::go([&, c] {
      CHECK(c.send(5));
      sent = true;
    });
    test::let_others_block();
    CHECK_FALSE(sent);
    CHECK(c.size() == 0);
    CHECK(c.recv() == 5);
    sender.get();
    CHECK(sent);
  });
}

TEST_CASE("closing: what was accepted is delivered, then empty for ever; sends are refused and keep their value") {
  test::in_runtime([] {
    channel<std::unique_ptr<int>> c(2);
    CHECK(c.send(std::make_unique<int>(1)));
    CHECK(c.send(std::make_unique<int>(2)));
    CHECK_FALSE(c.closed());
    CHECK(c.close());
    CHECK(c.closed());
    CHECK_FALSE(c.close());
    auto mine = std::make_unique<int>(3);
    CHECK_FALSE(c.send(std::move(mine)));
    REQUIRE(mine);
    const auto refused = c.try_send(std::move(mine));
    CHECK(refused.closed());
    CHECK_FALSE(refused.full());
    REQUIRE(mine);
    CHECK(*mine == 3);
    CHECK(**c.recv() == 1);
    auto second = c.try_recv();
    REQUIRE(static_cast<bool>(second));
    CHECK(**second == 2);
    for (int i = 0; i < 3; ++i) {
      CHECK_FALSE(c.recv().has_value());
      CHECK(c.try_recv().closed());
      CHECK_FALSE(c.try_recv().empty());
    }
  });
}

TEST_CASE("close wakes all who are blocked, on either side, and once") {
  test::in_runtime([] {
    constexpr int n = 20;
    channel<int> senders_wait;
    channel<int> receivers_wait;
    std::atomic<int> refused{0};
    std::atomic<int> ended{0};
    std::vector<sluice::future<void>> all;
    for (int i = 0; i < n; ++i) {
      all.push_back(sluice::go([&, i] { refused += senders_wait.send(i) ? 0 : 1; }));
      all.push_back(sluice::go([&] { ended += receivers_wait.recv() ? 0 : 1; }));
    }
    test::let_others_block();
    CHECK(senders_wait.close());
    CHECK(receivers_wait.close());
    test::join(all);
    CHECK(refused == n);
    CHECK(ended == n);
    CHECK_FALSE(senders_wait.recv().has_value());  // a refused value is not delivered after all
  });
}

TEST_CASE("close wakes a great many, while some of them leave by themselves") {
  test::in_runtime([] {
    const channel<int> receivers_wait, senders_wait, other;
    test::tally ok;
    std::vector<sluice::future<void>> all;
    for (int i = 0; i < test::scaled(2000); ++i)
      all.push_back(sluice::go([&, i] {
        if (i % 3 == 0) return ok.expect(!receivers_wait.recv());
        if (i % 3 == 1) return ok.expect(!senders_wait.send(i));
        auto value = sluice::recv(receivers_wait), leaves = sluice::recv(other);
        if (sluice::select(value, leaves) == value)
          ok.expect(!value.take());
        else
          ok.expect(!leaves.take());
      }));
    test::let_others_block();
    auto leaving = sluice::go([&] { other.close(); });
    receivers_wait.close();
    senders_wait.close();
    leaving.get();
    test::join(all);
    CHECK(ok.failures() == 0);
  });
}

TEST_CASE("a full channel's blocked senders, when it closes, are refused, and only the accepted values arrive") {
  test::in_runtime([] {
    channel<int> c(3);
    for (int i = 0; i < 3; ++i) CHECK(c.send(i));
    std::vector<sluice::future<bool>> blocked;
    for (int i = 3; i < 6; ++i) blocked.push_back(sluice::go([c, i] { return c.send(i); }));
    test::let_others_block();
    c.close();
    int accepted = 3;
    for (auto& b : blocked) accepted += b.get() ? 1 : 0;  // one that had not come so far is refused too
    int received = 0;
    for (const int v : c) CHECK(v == received++);
    CHECK(received == accepted);
    CHECK(accepted == 3);
  });
}

TEST_CASE("room that a receive makes belongs to the sender who waited first, and completes its send at once") {
  test::in_runtime([] {
    channel<int> c(2);
    CHECK(c.send(0));
    CHECK(c.send(1));
    auto first = sluice::go([c] { return c.send(2); });
    test::let_others_block();
    auto second = sluice::go([c] { return c.send(3); });
    test::let_others_block();
    CHECK(c.recv() == 0);
    CHECK(test::eventually([&] { return first.ready(); }));
    CHECK_FALSE(second.ready());
    CHECK(c.try_send(9).full());  // nobody gets in before those who wait
    CHECK(c.recv() == 1);
    CHECK(test::eventually([&] { return second.ready(); }));
    CHECK(first.get());
    CHECK(second.get());
    CHECK(c.recv() == 2);
    CHECK(c.recv() == 3);
    CHECK(c.size() == 0);
  });
}

TEST_CASE("close with an error: delivered values first, then the error, to every receiver and every time") {
  test::in_runtime([] {
    channel<int> c(4);
    CHECK(c.send(1));
    auto blocked = sluice::go([] {
      channel<int> own;
      auto closer = sluice::go([own] { own.close(std::make_exception_ptr(std::runtime_error("while blocked"))); });
      return static_cast<bool>(own.recv());
    });
    CHECK(c.close(std::make_exception_ptr(std::runtime_error("line 2"))));
    CHECK_FALSE(c.close(std::make_exception_ptr(std::runtime_error("too late"))));
    CHECK(c.recv() == 1);
    for (int i = 0; i < 2; ++i) {
      CHECK_THROWS_WITH_AS(static_cast<void>(c.recv()), "line 2", std::runtime_error);
      CHECK_THROWS_WITH_AS(static_cast<void>(c.try_recv()), "line 2", std::runtime_error);
      auto e = sluice::recv(c);
      auto forever = sluice::never();
      CHECK((sluice::select(e, forever) == e));
      CHECK_THROWS_WITH_AS(e.take(), "line 2", std::runtime_error);
    }
    CHECK_FALSE(c.send(3));  // senders are told by the result
    CHECK_THROWS_WITH_AS(blocked.get(), "while blocked", std::runtime_error);
  });
}

TEST_CASE("the null channel is never ready, cannot be closed, and its operations only say so") {
  test::in_runtime([] {
    CHECK(channel<int>(0).close());  // that one is a rendezvous channel
    channel<int> c(nullptr);
    CHECK(c.try_send(1).full());
    CHECK(c.try_recv().empty());
    CHECK_FALSE(c.close());
    CHECK_FALSE(c.closed());
    CHECK(c.size() == 0);
    auto blocked_recv = sluice::go([c] { c.recv(); });
    auto blocked_send = sluice::go([c] { c.send(1); });
    test::let_others_block();
    CHECK_FALSE(blocked_recv.ready());
    CHECK_FALSE(blocked_send.ready());
    blocked_recv.cancel();
    blocked_send.cancel();
    CHECK_THROWS_AS(blocked_recv.get(), sluice::cancelled);
    CHECK_THROWS_AS(blocked_send.get(), sluice::cancelled);
  });
}

TEST_CASE("waiters are served first come, first served, on either side") {
  test::in_runtime([] {
    constexpr int n = 30;
    channel<int> gate;
    channel<int> served(sluice::unbounded);
    std::vector<sluice::future<void>> all;
    std::atomic<int> queued{0};
    for (int i = 0; i < n; ++i) {  // one after the other, so that the order in which they wait is known
      all.push_back(sluice::go([&, i] {
        ++queued;
        const auto v = gate.recv();
        CHECK(v == i);  // the i-th who waits gets the i-th value
        CHECK(served.send(i));
      }));
      REQUIRE(test::eventually([&] { return queued == i + 1; }));
      test::let_others_block();
    }
    for (int i = 0; i < n; ++i) CHECK(gate.send(i));
    test::join(all);
    CHECK(served.size() == n);

    for (int i = 0; i < n; ++i) {
      all.push_back(sluice::go([&, i] {
        ++queued;
        CHECK(gate.send(i));
      }));
      REQUIRE(test::eventually([&] { return queued == n + i + 1; }));
      test::let_others_block();
    }
    for (int i = 0; i < n; ++i) CHECK(gate.recv() == i);
    test::join(all);
  });
}

TEST_CASE("values of one sender stay in order through a buffer that a second receiver also drains") {
  test::in_runtime([] {
    channel<int> c(3);
    const int n = test::scaled(20'000);
    auto producer = sluice::go([=] {
      for (int i = 0; i < n; ++i) c.send(i);
      c.close();
    });
    auto ascending = [c] {
      int last = -1;
      int count = 0;
      for (const int v : c) {
        if (v <= last) return -1;
        last = v;
        ++count;
      }
      return count;
    };
    auto a = sluice::go(ascending);
    auto b = sluice::go(ascending);
    const int in_a = a.get();
    const int in_b = b.get();
    CHECK(in_a >= 0);
    CHECK(in_b >= 0);
    CHECK(in_a + in_b == n);
    producer.get();
  });
}

TEST_CASE("a handle is a name for a channel: copies share it, and the last one frees what was not received") {
  test::in_runtime([] {
    const auto watched = std::make_shared<int>(7);
    {
      const channel<std::shared_ptr<int>> c(5);  // const: the operations do not change the handle
      const auto copy = c;
      CHECK(copy == c);
      CHECK_FALSE((copy == channel<std::shared_ptr<int>>(5)));
      CHECK(c.send(watched));
      CHECK(copy.send(watched));
      CHECK(copy.size() == 2);
      CHECK(watched.use_count() == 3);
    }
    CHECK(watched.use_count() == 1);
  });
}
