// Many values under one lock: send_many and recv_many.
#include "tests/support/harness.h"

#include <algorithm>
#include <array>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>
#include <vector>

using namespace std::chrono_literals;
using sluice::channel, sluice::overflow;

namespace {

using ints = std::vector<int>;
using token = std::unique_ptr<int>;

ints from_to(int first, int end) {
  ints v(static_cast<std::size_t>(end - first));
  std::iota(v.begin(), v.end(), first);
  return v;
}

}  // namespace

TEST_CASE("what fits goes in at once, what is there comes out at once, in order") {
  const channel<int> c(8);
  ints values = from_to(0, 12);
  CHECK(c.try_send_many(values) == 8);
  CHECK(c.try_send_many(std::span(values).subspan(8)) == 0);
  CHECK(c.try_send_many({}) == 0);
  ints out;
  CHECK(c.try_recv_many(out, 0) == 0);
  CHECK(c.recv_many(out, 0) == 0);
  CHECK(c.recv_many(out, 3) == 3);
  CHECK(c.try_send_many(std::span(values).subspan(8)) == 3);  // round the end of the buffer
  CHECK(c.recv_many(out, 100) == 8);
  CHECK(out == from_to(0, 11));
  CHECK(c.try_recv_many(out, 5) == 0);
  CHECK(channel<int>(nullptr).try_send_many(values) == 0);
  CHECK(channel<int>(nullptr).try_recv_many(out, 5) == 0);
}

TEST_CASE("an unbounded channel takes all, block after block") {
  const channel<int> c(sluice::unbounded);
  ints values = from_to(0, 10'000);
  CHECK(c.try_send_many(std::span(values).first(5'000)) == 5'000);
  CHECK(c.send_many(std::span(values).subspan(5'000)) == 5'000);
  ints out;
  CHECK(c.recv_many(out, 20'000) == 10'000);
  CHECK(out == from_to(0, 10'000));
}

TEST_CASE("a channel that drops takes all and keeps what it should") {
  for (const auto when_full : {overflow::drop_oldest, overflow::drop_newest}) {
    ints gone;
    const channel<int> c({.capacity = 4, .when_full = when_full, .undelivered = [&](int&& v) { gone.push_back(v); }});
    ints values = from_to(0, 10);
    CHECK(c.send_many(values) == 10);
    ints out;
    CHECK(c.recv_many(out, 10) == 4);
    const bool oldest = when_full == overflow::drop_oldest;
    CHECK(out == (oldest ? from_to(6, 10) : from_to(0, 4)));
    CHECK(gone == (oldest ? from_to(0, 6) : from_to(4, 10)));
  }
}

TEST_CASE("closed: the rest is the caller's; drained: none, or the error") {
  const channel<token> c(4);  // room is left
  std::vector<token> values;
  for (int i = 0; i < 3; ++i) values.push_back(std::make_unique<int>(i));
  CHECK(c.send_many(values) == 3);
  CHECK_FALSE(values[2]);
  c.close(std::make_exception_ptr(std::runtime_error("why")));
  for (int i = 0; i < 3; ++i) values[static_cast<std::size_t>(i)] = std::make_unique<int>(i);
  CHECK(c.send_many(values) == 0);
  CHECK(c.try_send_many(values) == 0);
  for (int i = 0; i < 3; ++i) CHECK(*values[static_cast<std::size_t>(i)] == i);
  std::vector<token> out;
  CHECK(c.recv_many(out, 9) == 3);
  CHECK_THROWS_AS(c.recv_many(out, 9), std::runtime_error);
  CHECK(c.try_recv_many(out, 9) == 0);
  CHECK(out.size() == 3);
}

TEST_CASE("send_many waits for room, and tells how far it came when the channel is closed") {
  test::in_runtime([] {
    const channel<int> c(4);
    auto sender = sluice::go([c] {
      ints values = from_to(0, 100);
      std::span<int> rest(values);
      const std::size_t sent = c.send_many(rest);
      CHECK(sent + rest.size() == 100);
      if (!rest.empty()) CHECK(rest.front() == static_cast<int>(sent));
      return sent;
    });
    ints out;
    while (out.size() < 50) c.recv_many(out, 7);
    c.close();
    const std::size_t sent = sender.get();
    while (c.recv_many(out, 7) > 0) {}
    CHECK(out == from_to(0, static_cast<int>(sent)));
  });
}

TEST_CASE("cancelled in the middle: the span begins with what is still the caller's") {
  test::in_runtime([] {
    const channel<int> c(4);
    ints values = from_to(0, 100);
    std::span<int> rest(values);
    auto sender = sluice::go([&, c] { c.send_many(rest); });
    ints out;
    while (out.size() < 20) c.recv_many(out, 3);
    sender.cancel();
    CHECK_THROWS_AS(sender.get(), sluice::cancelled);
    c.try_recv_many(out, 100);
    REQUIRE_FALSE(rest.empty());
    CHECK(rest.front() == static_cast<int>(out.size()));
    CHECK(out == from_to(0, static_cast<int>(out.size())));
  });
}

TEST_CASE("one call serves all who wait: receivers by a send, senders by a receive") {
  test::in_runtime([] {
    for (const std::size_t capacity : {0U, 2U}) {
      const channel<int> c(capacity);
      std::atomic<int> waiting{0};
      std::vector<sluice::future<int>> readers;
      for (int i = 0; i < 5; ++i)
        readers.push_back(sluice::go([&, c] {
          ++waiting;
          return c.recv().value();
        }));
      while (waiting < 5) sluice::this_fiber::yield();
      test::let_others_block();
      ints values = from_to(0, 5);
      CHECK(c.send_many(values) == 5);
      int sum = 0;
      for (auto& f : readers) sum += f.get();
      CHECK(sum == 10);
      std::vector<sluice::future<bool>> writers;
      for (int i = 0; i < 5; ++i) writers.push_back(sluice::go([c, i] { return c.send(i); }));
      ints out;
      out.reserve(5);
      while (out.size() < 5) c.recv_many(out, 5);
      for (auto& f : writers) CHECK(f.get());
      std::sort(out.begin(), out.end());
      CHECK(out == from_to(0, 5));
    }
  });
}

TEST_CASE("a receive that waits in many gets its value, and the rest of the batch follows") {
  test::in_runtime([] {
    const channel<int> c(64);
    auto reader = sluice::go([c] {
      ints out;
      while (c.recv_many(out, 16) > 0) {}
      return out;
    });
    test::let_others_block();
    const int n = test::scaled(20'000);
    for (int i = 0; i < n;) {
      ints values = from_to(i, std::min(n, i + 1 + i % 90));
      i += static_cast<int>(c.send_many(values));
    }
    c.close();
    CHECK(reader.get() == from_to(0, n));
  });
}

// ---- many against many

namespace {

struct world {
  explicit world(int count) : n(count), seen(static_cast<std::size_t>(count)) {}
  channel<token> make(std::size_t capacity, overflow when_full) {
    return channel<token>({.capacity = capacity, .when_full = when_full, .undelivered = [this](token&& t) { add(t); }});
  }
  void add(const token& t) { seen[static_cast<std::size_t>(*t)].fetch_add(1, std::memory_order_relaxed); }
  const int n;
  std::vector<std::atomic<int>> seen;
  std::atomic<int> next{0};
  std::array<channel<token>, 4> c{make(0, overflow::block), make(5, overflow::block),
                                  make(sluice::unbounded, overflow::block), make(3, overflow::drop_oldest)};
};

void produce(world& w, unsigned seed) {
  std::mt19937 r(seed);
  for (;;) {
    const int want = 1 + static_cast<int>(r() % 20);
    const int first = w.next.fetch_add(want);
    if (first >= w.n) return;
    std::vector<token> values;
    for (int id = first; id < std::min(w.n, first + want); ++id) values.push_back(std::make_unique<int>(id));
    std::span<token> rest(values);
    const auto& to = w.c[r() % 4];
    if (r() % 2 == 0) {
      const std::size_t n = to.try_send_many(rest);
      rest = rest.subspan(n);
    }
    try {
      if (r() % 2 == 0) {
        to.send_many(rest);
      } else if (!rest.empty() && to.send(std::move(rest.front()))) {
        rest = rest.subspan(1);
      }
    } catch (const sluice::cancelled&) {}
    for (const token& t : rest) w.add(t);
  }
}

void consume(world& w, unsigned seed, const std::atomic<bool>& all_closed) {
  std::mt19937 r(seed);
  for (int empty_rounds = 0; empty_rounds < 8;) {
    const bool last = all_closed;
    std::vector<token> out;
    const auto& from = w.c[r() % 4];
    switch (r() % 4) {
      case 0:
        from.try_recv_many(out, r() % 20);
        break;
      case 1: {
        auto in = sluice::recv(from);
        auto late = sluice::after(std::chrono::microseconds(r() % 100));
        if (sluice::select(in, late) == in)
          if (auto v = in.take()) out.push_back(*std::move(v));
        break;
      }
      default:
        if (last || r() % 2 == 0) from.recv_many(out, 1 + r() % 20);
        break;
    }
    for (const token& t : out) w.add(t);
    empty_rounds = last && out.empty() ? empty_rounds + 1 : 0;
  }
}

}  // namespace

TEST_CASE("batches from both sides, closed at random: each value is received, dropped to the hook or its sender's, once") {
  test::in_runtime([] {
    for (unsigned round = 0; round < (test::sanitized ? 4U : 20U); ++round) {
      auto w = std::make_unique<world>(6'000);
      std::atomic<bool> all_closed{false};
      std::vector<sluice::future<void>> all;
      std::vector<std::thread> threads;
      for (unsigned i = 0; i < 3; ++i) {
        all.push_back(sluice::go([&w = *w, i, round] { produce(w, 100 * round + i); }));
        all.push_back(sluice::go([&w = *w, i, round, &all_closed] { consume(w, 100 * round + 10 + i, all_closed); }));
      }
      threads.emplace_back([&w = *w, round] { produce(w, 100 * round + 20); });
      threads.emplace_back([&w = *w, round, &all_closed] { consume(w, 100 * round + 30, all_closed); });
      for (int i = 0; i < 3; ++i) {
        sluice::this_fiber::sleep_for(std::chrono::microseconds(50 * (round % 8)));
        all[2 * (round % 3)].cancel();
      }
      for (const auto& c : w->c) c.close();
      all_closed = true;
      for (auto& f : all) {
        try {
          f.get();
        } catch (const sluice::cancelled&) {  // before it began
        }
      }
      for (auto& t : threads) t.join();
      for (auto& c : w->c) c = channel<token>(nullptr);
      int wrong = 0;
      for (int id = 0; id < std::min(w->n, w->next.load()); ++id) wrong += w->seen[static_cast<std::size_t>(id)] != 1;
      CHECK(wrong == 0);
    }
  });
}

TEST_CASE("a batch allocates nothing where the vector has room") {
  const channel<int> c(100);
  ints values = from_to(0, 100);
  c.send_many(values);
  ints out;
  out.reserve(200);
  const int* const where = out.data();
  CHECK(c.recv_many(out, 1'000'000'000) == 100);
  CHECK(out.data() == where);
}
