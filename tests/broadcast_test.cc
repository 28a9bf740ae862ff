// broadcast: every subscriber sees every value, or is told how many it missed.
#include "tests/support/harness.h"

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using sluice::broadcast, sluice::overflow, sluice::recv, sluice::select, sluice::send, sluice::subscription;

namespace {

using ints = std::vector<int>;

ints drain(const subscription<int>& s) {
  ints all;
  auto next = recv(s);
  while (next.poll()) {
    const auto v = next.take();
    if (!v) break;
    all.push_back(*v);
  }
  return all;
}

std::string error_of(auto f) {
  try {
    f();
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("each subscriber sees what is sent after it subscribed, in order") {
  const broadcast<int> b(4);
  CHECK(b.send(0));  // to nobody
  const auto first = b.subscribe();
  CHECK(b.send(1));
  const auto second = b.subscribe();
  CHECK(b.send(2));
  CHECK(b.send(3));
  CHECK(drain(first) == ints{1, 2, 3});
  CHECK(drain(second) == ints{2, 3});
  CHECK(b.subscribers() == 2);
  for (int round = 0; round < 10; ++round) {  // round the ring
    for (int i = 0; i < 3; ++i) CHECK(b.send(i));
    CHECK(drain(second) == ints{0, 1, 2});
    CHECK(drain(first) == ints{0, 1, 2});
  }
}

TEST_CASE("a slow subscriber blocks the sender, and frees it by taking or by leaving") {
  const broadcast<int> b(2);
  const auto quick = b.subscribe();
  auto slow = std::make_unique<subscription<int>>(b.subscribe());
  CHECK(b.send(1));
  CHECK(b.send(2));
  CHECK(drain(quick) == ints{1, 2});
  auto third = send(b, 3);
  CHECK_FALSE(third.poll());
  CHECK(*slow->recv() == 1);
  REQUIRE(third.poll());
  CHECK(third.take());
  auto fourth = send(b, 4);
  CHECK_FALSE(fourth.poll());
  slow.reset();
  REQUIRE(fourth.poll());
  CHECK(fourth.take());
  CHECK(drain(quick) == ints{3, 4});
}

TEST_CASE("a leaving subscriber frees all the senders that it held up") {
  test::in_runtime([] {
    const broadcast<int> b(4);
    auto slow = std::make_unique<subscription<int>>(b.subscribe());
    for (int i = 0; i < 4; ++i) b.send(i);
    const auto later = b.subscribe();
    std::vector<sluice::future<bool>> senders;
    for (int i = 4; i < 8; ++i) senders.push_back(sluice::go([b, i] { return b.send(i); }));
    test::let_others_block();
    slow.reset();
    for (auto& f : senders) CHECK(f.get());
    auto got = drain(later);
    std::sort(got.begin(), got.end());
    CHECK(got == ints{4, 5, 6, 7});
  });
}

TEST_CASE("who lags is told how many it missed, and goes on with the oldest that is left") {
  const broadcast<int> b(3, overflow::drop_oldest);
  const auto slow = b.subscribe();
  const auto quick = b.subscribe();
  for (int i = 0; i < 10; ++i) {
    CHECK(b.send(i));
    CHECK(drain(quick) == ints{i});
  }
  auto v = slow.recv();
  CHECK(*v == 7);
  CHECK(v.lagged() == 7);
  v = slow.recv();
  CHECK(*v == 8);
  CHECK(v.lagged() == 0);
  CHECK(drain(slow) == ints{9});
}

TEST_CASE("closed: what was sent is still seen, a blocked sender keeps its value, and a new subscriber sees the end") {
  test::in_runtime([] {
    const broadcast<std::string> b(1);
    const auto s = b.subscribe();
    b.send("accepted");
    const auto idle = b.subscribe();
    auto blocked = sluice::go([b] {
      std::string mine = "still mine";
      CHECK_FALSE(b.send(std::move(mine)));
      return mine;
    });
    test::let_others_block();
    CHECK(b.close());
    CHECK_FALSE(b.close());
    CHECK(b.closed());
    CHECK(blocked.get() == "still mine");
    CHECK(*s.recv() == "accepted");
    for (int again = 0; again < 2; ++again) CHECK_FALSE(s.recv());
    auto end = recv(s);
    REQUIRE(end.poll());
    CHECK_FALSE(end.take());
    CHECK(end.spent());
    auto idle_end = recv(idle);
    CHECK(idle_end.poll());
    CHECK_FALSE(b.subscribe().recv());
    auto refused = send(b, "x");
    REQUIRE(refused.poll());
    CHECK_FALSE(refused.take());
    CHECK(refused.value() == "x");
  });
}

TEST_CASE("what makes no sense is refused, and named") {
  CHECK(error_of([] { broadcast<int> b(0); }) ==
        "sluice: a broadcast cannot have the capacity 0: it has no place for a value");
  CHECK(error_of([] { broadcast<int> b(sluice::unbounded); }) == "sluice: a broadcast cannot have the capacity unbounded");
  CHECK(error_of([] { broadcast<int> b(1, overflow::drop_newest); }) ==
        "sluice: a broadcast with overflow::drop_newest: who lags misses the oldest values");
}

TEST_CASE("a send on a temporary broadcast keeps it; a subscription that is assigned to leaves") {
  const broadcast<int> b(1);
  auto s = b.subscribe();
  auto moved = std::move(s);
  CHECK(b.subscribers() == 1);
  s = std::move(moved);
  CHECK(b.subscribers() == 1);
  moved = broadcast<int>(2).subscribe();
  moved = std::move(s);
  CHECK(b.subscribers() == 1);
  moved = broadcast<int>(2).subscribe();
  CHECK(b.subscribers() == 0);
  auto out = send(broadcast<int>(1), 5);
  REQUIRE(out.poll());
  CHECK(out.take());
}

namespace {

struct throws_on_copy {
  explicit throws_on_copy(int* failures) : left(failures) {}
  throws_on_copy(const throws_on_copy& o) : left(o.left) {
    if ((*left)-- > 0) throw std::runtime_error("no copy");
  }
  throws_on_copy(throws_on_copy&&) noexcept = default;
  int* left;
};

// Takes the broadcast's lock when it is destroyed.
struct looks_back {
  explicit looks_back(const broadcast<std::shared_ptr<looks_back>>& b) : to(&b) {}
  ~looks_back() { static_cast<void>(to->subscribers()); }
  const broadcast<std::shared_ptr<looks_back>>* to;
};

}  // namespace

TEST_CASE("a copy that throws loses nothing") {
  int failures = 2;
  const broadcast<throws_on_copy> b(2);
  const auto s = b.subscribe();
  b.send(throws_on_copy(&failures));
  auto e = recv(s);
  REQUIRE(e.poll());
  CHECK_THROWS_AS(e.take(), std::runtime_error);
  CHECK_THROWS_AS(e.take(), std::runtime_error);
  CHECK(e.take());
}

TEST_CASE("values are destroyed without the lock, however they go") {
  for (const auto when_full : {overflow::block, overflow::drop_oldest}) {
    const broadcast<std::shared_ptr<looks_back>> b(2, when_full);
    b.send(std::make_shared<looks_back>(b));  // to nobody
    auto s = std::make_unique<subscription<std::shared_ptr<looks_back>>>(b.subscribe());
    for (int i = 0; i < 2; ++i) b.send(std::make_shared<looks_back>(b));
    if (when_full == overflow::drop_oldest) b.send(std::make_shared<looks_back>(b));
    s->recv();
    s.reset();
  }
}

TEST_CASE("one party may send and receive in one select") {
  test::in_runtime([] {
    const broadcast<int> b(1);
    const auto own = b.subscribe();
    int sent = 0;
    int received = 0;
    while (received < 1000) {
      auto out = send(b, sent);
      auto in = recv(own);
      if (select(out, in) == out) {
        CHECK(out.take());
        ++sent;
      } else {
        CHECK(*in.take() == received++);
      }
    }
  });
}

// ---- many

namespace {

struct item {
  int producer;
  int number;
};
std::atomic<int> live_items{0};
struct counted_item : item {
  counted_item(int p, int n) : item{p, n} { ++live_items; }
  counted_item(const counted_item& o) : item(o) { ++live_items; }
  counted_item(counted_item&& o) noexcept : item(o) { ++live_items; }
  ~counted_item() { --live_items; }
};

constexpr int producers = 3;

// Sends its values, some of them with impatience or through a cancelled fiber; a value that was not sent is sent again.
void produce(const broadcast<counted_item>& b, int who, int n) {
  std::mt19937 r(static_cast<unsigned>(who));
  for (int i = 0; i < n;) {
    counted_item v(who, i);
    try {
      if (r() % 3 == 0) {
        auto out = send(b, std::move(v));
        auto late = sluice::after(std::chrono::microseconds(r() % 50));
        if (select(out, late) == out) i += out.take();
      } else {
        i += b.send(std::move(v));
      }
    } catch (const sluice::cancelled&) {  // not sent
    }
  }
}

// What one subscriber saw: of each producer, numbers that go up by one, unless it missed some.
struct seen {
  std::map<int, int> next{};
  int values = 0;
  std::uint64_t missed = 0;
  bool in_order = true;
  void add(const counted_item& v, bool from_start, std::uint64_t lagged) {
    const auto known = next.find(v.producer);
    if (known != next.end()) {
      in_order = in_order && (lagged > 0 || missed > 0 ? v.number >= known->second : v.number == known->second);
    } else if (from_start) {
      in_order = in_order && (missed + lagged > 0 || v.number == 0);
    }
    next[v.producer] = v.number + 1;
    ++values;
    missed += lagged;
  }
};

seen consume(const subscription<counted_item>& s, unsigned seed, bool from_start, int at_most) {
  std::mt19937 r(seed);
  seen all;
  while (all.values < at_most) {
    auto in = recv(s);
    auto late = sluice::after(std::chrono::microseconds(r() % 50));
    if (r() % 4 == 0 && select(in, late) == late) continue;
    if (!in.poll() && r() % 2 == 0) {
      auto v = s.recv();
      if (!v) break;
      all.add(*v, from_start, v.lagged());
    } else {
      sluice::select(in);
      auto v = in.take();
      if (!v) break;
      all.add(*v, from_start, v.lagged());
    }
  }
  return all;
}

void many_to_many(overflow when_full) {
  const int n = test::scaled(4'000);
  {
    const broadcast<counted_item> b(8, when_full);
    std::vector<sluice::future<seen>> stay;
    std::vector<sluice::future<void>> others;
    std::vector<std::thread> threads;
    seen of_thread;
    for (unsigned i = 0; i < 3; ++i)
      stay.push_back(sluice::go([s = b.subscribe(), i] { return consume(s, i, true, 1 << 30); }));
    threads.emplace_back([s = b.subscribe(), &of_thread] { of_thread = consume(s, 9, true, 1 << 30); });
    std::atomic<bool> done{false};
    auto come_and_go = sluice::go([&] {  // holds senders up, then leaves in the middle
      for (unsigned i = 0; !done; ++i) {
        const auto s = b.subscribe();
        const auto some = consume(s, i, false, static_cast<int>(i % 20));
        if (when_full == overflow::block) CHECK(some.in_order);
        if (i % 3 == 0) sluice::this_fiber::sleep_for(50us);
      }
    });
    std::atomic<bool> begun{false};
    others.push_back(sluice::go([&] {
      begun = true;
      produce(b, 0, n);
    }));
    others.push_back(sluice::go([&] { produce(b, 1, n); }));
    threads.emplace_back([&] { produce(b, 2, n); });
    while (!begun) sluice::this_fiber::yield();  // cancelled before, it would not run at all
    for (int i = 0; i < 20; ++i) {
      sluice::this_fiber::sleep_for(50us);
      others[0].cancel();
    }
    test::join(others);
    threads[1].join();
    done = true;
    b.close();
    come_and_go.get();
    threads[0].join();
    std::vector<seen> all{of_thread};
    for (auto& f : stay) all.push_back(f.get());
    for (const auto& s : all) {
      CHECK(s.in_order);
      CHECK(s.values + static_cast<int>(s.missed) == producers * n);
      if (when_full == overflow::block) CHECK(s.missed == 0);
    }
  }
  CHECK(live_items == 0);
}

}  // namespace

TEST_CASE("fibers and threads, timeouts, cancels, subscribers that come and go: who stays sees all, in order") {
  test::in_runtime([] { many_to_many(overflow::block); });
}
TEST_CASE("the same where who is slow misses values: received and missed add up to what was sent") {
  test::in_runtime([] { many_to_many(overflow::drop_oldest); });
}
