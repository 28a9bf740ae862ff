// The situations of select that Go's own tests pin, in our words and with our events.
#include "tests/support/harness.h"

#include <algorithm>
#include <array>
#include <vector>

using namespace std::chrono_literals;
using sluice::channel, sluice::on, sluice::otherwise, sluice::recv, sluice::select, sluice::send;

TEST_CASE("SelfSelect: a select that both sends and receives on a channel never meets itself") {
  test::in_runtime([] {
    for (const std::size_t capacity : {0U, 10U}) {
      channel<int> c(capacity);
      test::tally ok;
      const int rounds = test::scaled(5'000);
      std::vector<sluice::future<void>> both;
      for (int id = 0; id < 2; ++id)
        both.push_back(sluice::go([&, id] {
          for (int i = 0; i < rounds; ++i) {
            auto out = send(c, id);
            auto in = recv(c);
            const bool received = id == 0 || i % 2 == 0 ? select(out, in) == in : select(in, out) == in;
            if (received) {
              const auto v = in.take();
              ok.expect(v.has_value() && (capacity > 0 || *v == 1 - id));
            } else {
              ok.expect(out.take());
            }
          }
        }));
      test::join(both);
      CHECK(ok.failures() == 0);
    }
    channel<int> alone;  // with nobody else it waits for ever
    auto out = send(alone, 1);
    auto in = recv(alone);
    auto soon = sluice::after(3ms);
    CHECK((select(out, in, soon) == soon));
    CHECK_FALSE(static_cast<bool>(sluice::try_select(out, in)));
  });
}

TEST_CASE("opposed selects: they meet on one channel only, whatever the order of their cases, and never deadlock") {
  test::in_runtime([] {
    channel<int> c;
    channel<int> d;
    const int rounds = test::scaled(20'000);
    std::array<std::atomic<int>, 2> over{};  // what went over c and d, as the receivers saw it, less as the senders did
    auto a = sluice::go([&] {
      for (int i = 0; i < rounds; ++i) {
        auto out = send(c, i);
        auto in = recv(d);
        if (select(out, in) == out) {
          --over[0];
        } else {
          ++over[1];
        }
      }
    });
    auto b = sluice::go([&] {
      for (int i = 0; i < rounds; ++i) {
        auto out = send(d, i);
        auto in = recv(c);
        if (select(out, in) == out) {
          --over[1];
        } else {
          ++over[0];
        }
      }
    });
    a.get();
    b.get();
    CHECK(over[0] == 0);
    CHECK(over[1] == 0);
  });
}

TEST_CASE("a cycle of three selects, each offering to the next and asking the one before") {
  test::in_runtime([] {
    std::array<channel<int>, 3> ring;
    std::atomic<int> sent{0};
    std::atomic<int> received{0};
    std::atomic<bool> stop{false};
    const int rounds = test::scaled(10'000);
    std::vector<sluice::future<void>> all;
    channel<int> quit;
    for (std::size_t i = 0; i < 3; ++i)
      all.push_back(sluice::go([&, i] {
        for (;;) {
          auto out = send(ring[i], 1);
          auto in = recv(ring[(i + 2) % 3]);
          auto end = recv(quit);
          const auto won = select(out, in, end);
          if (won == end) return;
          if ((won == out ? ++sent : ++received) >= rounds && !stop.exchange(true)) quit.close();
        }
      }));
    test::join(all);
    CHECK(sent == received);
    CHECK(sent >= rounds / 2);
  });
}

TEST_CASE("SelectDuplicateChannel: the same channel in several cases does not spoil its queue") {
  test::in_runtime([] {
    channel<int> c;
    channel<int> d;
    channel<int> e;
    auto first = sluice::go([&] {
      auto r1 = recv(c);
      auto r2 = recv(c);
      auto r3 = recv(d);
      const auto won = select(r1, r2, r3);
      CHECK((won == r3));
      CHECK(r3.take() == 1);
      CHECK(e.send(9));
    });
    test::let_others_block();
    auto second = sluice::go([&] { CHECK(c.recv() == 2); });
    test::let_others_block();
    CHECK(d.send(1));
    CHECK(e.recv() == 9);
    CHECK(c.send(2));  // must find the second fiber behind the places of the first
    first.get();
    second.get();
    auto again = sluice::go([&] {
      auto r1 = recv(c);
      auto r2 = recv(c);
      const auto won = select(r1, r2);
      return won == r1 ? r1.take() : r2.take();
    });
    CHECK(c.send(3));
    CHECK(again.get() == 3);
    CHECK(c.try_send(4).full());
  });
}

TEST_CASE("select3: nil never, closed always, empty and full blocked, each with and without a default") {
  test::in_runtime([] {
    channel<int> nil(nullptr);
    channel<int> closed;
    closed.close();
    channel<int> empty;
    channel<int> buffered(1);
    channel<int> full(1);
    CHECK(full.send(1));
    const auto blocks = [](auto make) {
      auto probe = make();
      auto limit = sluice::after(2ms);
      const bool waited = select(probe, limit) == limit;
      return waited && select(on(make(), [] { return false; }), otherwise([] { return true; }));
    };
    CHECK(blocks([&] { return recv(nil); }));
    CHECK(blocks([&] { return send(nil, 7); }));
    CHECK(blocks([&] { return recv(empty); }));
    CHECK(blocks([&] { return send(empty, 7); }));
    CHECK(blocks([&] { return recv(buffered); }));
    CHECK(blocks([&] { return send(full, 7); }));
    CHECK_FALSE(blocks([&] { return recv(closed); }));
    CHECK_FALSE(blocks([&] { return send(closed, 7); }));  // Go panics; here the send says that it was refused
    CHECK_FALSE(blocks([&] { return send(buffered, 7); }));
    CHECK_FALSE(blocks([&] { return recv(full); }));
  });
}

TEST_CASE("doubleselect: a value offered on four channels at once goes over one of them") {
  test::in_runtime([] {
    std::array<channel<int>, 4> c;
    channel<int> merged(sluice::unbounded);
    const int n = test::scaled(20'000);
    auto sender = sluice::go([&] {
      for (int i = 0; i < n; ++i) {
        auto a = send(c[0], i);
        auto b = send(c[1], i);
        auto d = send(c[2], i);
        auto e = send(c[3], i);
        static_cast<void>(select(a, b, d, e));
      }
      for (auto& ch : c) ch.close();
    });
    std::vector<sluice::future<void>> receivers;
    for (auto& ch : c)
      receivers.push_back(sluice::go([&merged, ch] {
        for (const int v : ch) merged.send(v);
      }));
    sender.get();
    test::join(receivers);
    merged.close();
    std::vector<int> times(static_cast<std::size_t>(n), 0);
    for (const int v : merged) ++times[static_cast<std::size_t>(v)];
    CHECK(std::count(times.begin(), times.end(), 1) == n);
  });
}

TEST_CASE("PseudoRandomSend: a select over two sends of one channel is no constant") {
  test::in_runtime([] {
    for (const std::size_t capacity : {0U, 1'000U}) {
      constexpr int n = 1'000;
      channel<int> c(capacity);
      auto chooser = sluice::go([=] {
        for (int i = 0; i < n; ++i) select(on(send(c, 0), [] {}), on(send(c, 1), [] {}));
      });
      int ones = 0;
      for (int i = 0; i < n; ++i) ones += *c.recv();
      chooser.get();
      CHECK(ones > n / 10);
      CHECK(ones < n - n / 10);
    }
  });
}

TEST_CASE("NonblockSelectRace: one of two channels is ready at every moment, so never the default") {
  test::in_runtime([] {
    test::tally ok;
    for (int i = 0; i < test::scaled(10'000); ++i) {
      channel<int> c1(1);
      channel<int> c2(1);
      c1.send(1);
      auto looks = sluice::go([=] {
        return select(on(recv(c1), [] { return true; }), on(recv(c2), [] { return true; }), otherwise([] { return false; }));
      });
      if (i % 2 == 0) {
        c2.send(1);
      } else {
        c2.close();
      }
      c1.try_recv();
      ok.expect(looks.get());
    }
    CHECK(ok.failures() == 0);
  });
}

TEST_CASE("nonblock: non-blocking sends and receives meet a partner that waits, on a channel of each kind") {
  test::in_runtime([] {
    for (const std::size_t capacity : {0U, 1U}) {
      for (int i = 0; i < 50; ++i) {
        channel<int> c(capacity);
        auto receiver = sluice::go([c] { return c.recv(); });
        REQUIRE(test::eventually([&] { return static_cast<bool>(c.try_send(i)); }));
        CHECK(receiver.get() == i);
        auto sender = sluice::go([c, i] { return c.send(i); });
        std::optional<int> got;
        REQUIRE(test::eventually([&] {
          if (auto v = c.try_recv()) got = *v;
          return got.has_value();
        }));
        CHECK(got == i);
        CHECK(sender.get());
      }
    }
  });
}

TEST_CASE("a break or return out of the winner's branch, and single-case selects, are the plain operations") {
  test::in_runtime([] {
    channel<int> c(1);
    const auto until_negative = [&] {
      int sum = 0;
      for (auto in = recv(c);;) {
        static_cast<void>(select(in));
        const auto v = in.take();
        if (!v) return -1;
        if (*v < 0) break;
        sum += *v;
      }
      return sum;
    };
    auto feeder = sluice::go([c] {
      for (const int v : {1, 2, 3, -1}) {
        auto out = send(c, v);
        static_cast<void>(select(out));
        CHECK(out.take());
      }
    });
    CHECK(until_negative() == 6);
    feeder.get();
  });
}
