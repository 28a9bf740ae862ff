// Nothing lost, nothing twice: every value that was sent is received once, or handed back to its sender once.
#include "tests/support/harness.h"

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <vector>

using namespace std::chrono_literals;
using sluice::channel, sluice::recv, sluice::select, sluice::send;

namespace {

// Move-only, so that no path may copy it by mistake.
using token = std::unique_ptr<int>;

// What became of each value.
class ledger {
 public:
  explicit ledger(int n) : received_(static_cast<std::size_t>(n)), returned_(static_cast<std::size_t>(n)) {}
  void received(int id) { received_[static_cast<std::size_t>(id)].fetch_add(1, std::memory_order_relaxed); }
  void returned(int id) { returned_[static_cast<std::size_t>(id)].fetch_add(1, std::memory_order_relaxed); }
  void check(bool all_received) {
    int wrong = 0;
    int back = 0;
    for (std::size_t i = 0; i < received_.size(); ++i) {
      wrong += received_[i] + returned_[i] != 1;
      back += returned_[i];
    }
    CHECK(wrong == 0);
    if (all_received) CHECK(back == 0);
  }

 private:
  std::vector<std::atomic<int>> received_;
  std::vector<std::atomic<int>> returned_;
};

struct world {
  world(int count, unsigned seed) : n(count), book(count), rng_seed(seed) {}
  const std::array<channel<token>, 4> c{channel<token>(), channel<token>(1), channel<token>(3),
                                        channel<token>(sluice::unbounded)};
  const int n;
  ledger book;
  const unsigned rng_seed;
  std::atomic<int> next{0};

  const channel<token>& any(std::mt19937& r) const { return c[r() % 4]; }
};

// Sends until the ids are used up; keeps trying with a value that timed out, hands back one that was refused.
void produce(world& w, unsigned who) {
  std::mt19937 r(w.rng_seed + who);
  for (int id = 0; (id = w.next.fetch_add(1)) < w.n;) {
    auto value = std::make_unique<int>(id);
    for (bool open = true; value && open;) {
      switch (r() % 5) {
        case 0:
          open = w.any(r).send(std::move(value));
          break;
        case 1:
          open = !w.any(r).try_send(std::move(value)).closed();
          break;
        case 2: {  // the same value may only be offered in one place
          auto out = send(w.any(r), std::move(value));
          auto late = sluice::after(std::chrono::microseconds(r() % 200));
          if (select(out, late) == out) open = out.take();
          if (out.value()) value = std::move(*out.value());
          break;
        }
        case 3: {
          auto out = send(w.any(r), std::move(value));
          if (sluice::try_select(out)) open = out.take();
          if (out.value()) value = std::move(*out.value());
          break;
        }
        case 4: {  // asks and offers at once
          auto out = send(w.any(r), std::move(value));
          auto in = recv(w.any(r));
          auto late = sluice::after(1ms);
          const auto won = select(out, in, late);
          if (won == out) open = out.take();
          if (won == in) {
            if (const auto got = in.take()) w.book.received(**got);
          }
          if (out.value()) value = std::move(*out.value());
          break;
        }
      }
    }
    if (value) w.book.returned(*value);
  }
}

// Receives until all channels are closed and drained.
void consume(world& w, unsigned who) {
  std::mt19937 r(w.rng_seed + 1000 + who);
  std::array<bool, 4> ended{};
  while (!std::all_of(ended.begin(), ended.end(), [](bool e) { return e; })) {
    std::size_t from = r() % 4;
    std::optional<token> got;
    bool nothing = false;
    switch (r() % 4) {
      case 0:
        if (auto t = w.c[from].try_recv()) {
          got = *std::move(t);
        } else {
          nothing = t.empty();
        }
        break;
      case 1: {
        auto in = recv(w.c[from]);
        auto late = sluice::after(std::chrono::microseconds(r() % 200));
        if (select(in, late) == late) {
          nothing = true;
        } else {
          got = in.take();
        }
        break;
      }
      default: {
        std::vector<sluice::recv_event<token>> all;
        for (const auto& ch : w.c) all.push_back(recv(ch));
        from = select(all);
        got = all[from].take();
        break;
      }
    }
    if (got) {
      w.book.received(**got);
    } else if (!nothing) {
      ended[from] = true;
    }
  }
}

}  // namespace

TEST_CASE("four by four, mixed operations with timeouts: all that was sent is received, once") {
  test::in_runtime([] {
    world w(test::scaled(40'000), 1);
    std::vector<sluice::future<void>> producers;
    std::vector<sluice::future<void>> consumers;
    for (unsigned i = 0; i < 4; ++i) {
      producers.push_back(sluice::go([&w, i] { produce(w, i); }));
      consumers.push_back(sluice::go([&w, i] { consume(w, i); }));
    }
    test::join(producers);
    for (const auto& ch : w.c) ch.close();
    test::join(consumers);
    w.book.check(true);
  });
}

TEST_CASE("the same with two plain threads on either side") {
  test::in_runtime([] {
    world w(test::scaled(20'000), 2);
    std::vector<sluice::future<void>> producers;
    std::vector<sluice::future<void>> consumers;
    std::vector<std::thread> sending;
    std::vector<std::thread> receiving;
    for (unsigned i = 0; i < 2; ++i) {
      producers.push_back(sluice::go([&w, i] { produce(w, i); }));
      consumers.push_back(sluice::go([&w, i] { consume(w, i); }));
      sending.emplace_back([&w, i] { produce(w, 10 + i); });
      receiving.emplace_back([&w, i] { consume(w, 10 + i); });
    }
    test::join(producers);
    // Blocking this worker is safe only because the consumers below run on plain threads as well.
    for (auto& t : sending) t.join();
    for (const auto& ch : w.c) ch.close();
    test::join(consumers);
    for (auto& t : receiving) t.join();
    w.book.check(true);
  });
}

TEST_CASE("closed in the middle: what was not received is back with its sender") {
  test::in_runtime([] {
    for (unsigned round = 0; round < (test::sanitized ? 5U : 60U); ++round) {
      world w(2'000, 100 + round);
      std::vector<sluice::future<void>> all;
      for (unsigned i = 0; i < 4; ++i) {
        all.push_back(sluice::go([&w, i] { produce(w, i); }));
        all.push_back(sluice::go([&w, i] { consume(w, i); }));
      }
      sluice::this_fiber::sleep_for(std::chrono::microseconds(100 * (round % 10)));
      for (const auto& ch : w.c) ch.close();
      test::join(all);
      w.book.check(false);
    }
  });
}

TEST_CASE("cancelled in the middle: a send that was cancelled has kept its value, one that was not has given it") {
  test::in_runtime([] {
    const int n = test::scaled(4'000);
    const channel<token> c;
    ledger book(n);
    auto consumer = sluice::go([&] {
      for (const token& t : c) book.received(*t);
    });
    for (int id = 0; id < n; ++id) {
      bool began = false;
      auto sender = sluice::go([&, id] {
        began = true;
        auto value = std::make_unique<int>(id);
        try {
          if (!c.send(std::move(value))) book.returned(id);
        } catch (const sluice::cancelled&) {
          CHECK(value);
          book.returned(id);
        }
      });
      if (id % 3 == 0) sluice::this_fiber::yield();
      sender.cancel();
      try {
        sender.get();
      } catch (const sluice::cancelled&) {  // before it began: there was no value yet
        CHECK_FALSE(began);
        book.returned(id);
      }
    }
    c.close();
    consumer.get();
    book.check(false);
  });
}

TEST_CASE("receivers that are cancelled while values arrive take a value or none") {
  test::in_runtime([] {
    const int n = test::scaled(4'000);
    const channel<token> c(1);
    ledger book(n);
    auto producer = sluice::go([&] {
      for (int id = 0; id < n; ++id) c.send(std::make_unique<int>(id));
      c.close();
    });
    bool more = true;
    while (more) {
      auto receiver = sluice::go([&] {
        try {
          auto v = c.recv();
          if (v) book.received(**v);
          return v.has_value();
        } catch (const sluice::cancelled&) {
          return true;
        }
      });
      sluice::this_fiber::yield();
      receiver.cancel();
      try {
        more = receiver.get();
      } catch (const sluice::cancelled&) {  // before it began
      }
    }
    producer.get();
    book.check(true);
  });
}
