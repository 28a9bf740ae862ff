// Channels that drop when they are full, and the hook that gets whatever a channel accepted and nobody will receive.
#include "tests/support/harness.h"
#include "tests/support/probe_waiter.h"

#include <array>
#include <memory>
#include <mutex>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using sluice::channel, sluice::channel_options, sluice::overflow, sluice::recv, sluice::select, sluice::send;

namespace {

// What the hook got, in order.
template <class T>
class collector {
 public:
  void add(T&& value) {
    const std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
  }
  auto hook() {
    return [this](T&& value) { add(std::move(value)); };
  }
  std::vector<T> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(values_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<T> values_;
};

using ints = std::vector<int>;

ints drain(const channel<int>& c) {
  ints all;
  while (auto v = c.try_recv()) all.push_back(*v);
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

TEST_CASE("drop_oldest keeps the last values, drop_newest the first; both accept every value") {
  collector<int> gone;
  const channel<int> last({.capacity = 3, .when_full = overflow::drop_oldest, .undelivered = gone.hook()});
  for (int i = 0; i < 6; ++i) CHECK(last.send(i));
  CHECK(last.size() == 3);
  CHECK(gone.take() == ints{0, 1, 2});
  CHECK(drain(last) == ints{3, 4, 5});
  const channel<int> first({.capacity = 3, .when_full = overflow::drop_newest, .undelivered = gone.hook()});
  for (int i = 0; i < 6; ++i) CHECK(first.send(i));
  CHECK(gone.take() == ints{3, 4, 5});
  CHECK(drain(first) == ints{0, 1, 2});
  CHECK(gone.take().empty());
}

TEST_CASE("try_send and a send in a select do not find such a channel full") {
  collector<int> gone;
  for (const auto when_full : {overflow::drop_oldest, overflow::drop_newest}) {
    const channel<int> c({.capacity = 1, .when_full = when_full, .undelivered = gone.hook()});
    CHECK(static_cast<bool>(c.try_send(1)));
    CHECK(static_cast<bool>(c.try_send(2)));
    auto third = send(c, 3);
    auto never = sluice::never();
    CHECK(select(never, third) == third);
    CHECK(third.take());
    CHECK_FALSE(third.value().has_value());
    auto fourth = send(c, 4);
    CHECK(sluice::try_select(fourth) == fourth);
    CHECK(fourth.take());
    CHECK(gone.take() == (when_full == overflow::drop_oldest ? ints{1, 2, 3} : ints{2, 3, 4}));
    CHECK(drain(c) == (when_full == overflow::drop_oldest ? ints{4} : ints{1}));
  }
}

TEST_CASE("closed: a send is refused and the value is the caller's; what is in the buffer is still received") {
  collector<std::string> gone;
  const channel<std::string> c({.capacity = 1, .when_full = overflow::drop_oldest, .undelivered = gone.hook()});
  c.send("accepted");
  c.close();
  std::string mine = "still mine";
  CHECK_FALSE(c.send(std::move(mine)));
  CHECK(mine == "still mine");
  CHECK(gone.take().empty());
  CHECK(c.recv() == "accepted");
  CHECK_FALSE(c.recv());
}

TEST_CASE("a receiver that waits gets the value directly") {
  test::in_runtime([] {
    collector<int> gone;
    for (const auto when_full : {overflow::drop_oldest, overflow::drop_newest}) {
      const channel<int> c({.capacity = 1, .when_full = when_full, .undelivered = gone.hook()});
      auto reader = sluice::go([c] { return c.recv(); });
      test::let_others_block();
      c.send(1);
      CHECK(reader.get() == 1);
    }
    CHECK(gone.take().empty());
  });
}

TEST_CASE("keep_latest") {
  const channel<int> c(sluice::keep_latest);
  for (int i = 0; i < 10; ++i) c.send(i);
  CHECK(c.capacity() == 1);
  CHECK(drain(c) == ints{9});
  auto [tx, rx] = sluice::make_channel<int>(sluice::keep_latest);
  for (int i = 0; i < 10; ++i) tx.send(i);
  CHECK(rx.recv() == 9);
}

TEST_CASE("what makes no sense is refused, and named") {
  const auto make = [](std::size_t capacity, overflow when_full) {
    return [=] { channel<int> made({.capacity = capacity, .when_full = when_full}); };
  };
  CHECK(error_of(make(0, overflow::drop_oldest)) ==
        "sluice: a channel with overflow::drop_oldest cannot have the capacity 0: it has no room to drop from");
  CHECK(error_of(make(sluice::unbounded, overflow::drop_newest)) ==
        "sluice: a channel with overflow::drop_newest cannot have the capacity unbounded: it is never full");
  CHECK(error_of(make(0, overflow::block)) == "no error");
  const channel<int> u({.capacity = sluice::unbounded});
  for (int i = 0; i < 1000; ++i) CHECK(static_cast<bool>(u.try_send(i)));
  CHECK(u.capacity() == sluice::unbounded);
}

TEST_CASE("the hook gets what is left in the buffer when the last handle goes, oldest first") {
  collector<int> gone;
  for (const std::size_t capacity : {std::size_t{5}, std::size_t{sluice::unbounded}}) {
    {
      const channel<int> c({.capacity = capacity, .undelivered = gone.hook()});
      for (int i = 0; i < 5; ++i) c.send(i);
      CHECK(c.recv() == 0);
      c.close();
      CHECK(gone.take().empty());
    }
    CHECK(gone.take() == ints{1, 2, 3, 4});
  }
  {
    auto [tx, rx] = sluice::make_channel<int>({.capacity = 2, .undelivered = gone.hook()});
    tx.send(7);
    auto left = std::move(rx);
  }
  CHECK(gone.take() == ints{7});
}

TEST_CASE("the hook gets what an event received and nobody took") {
  using token = std::unique_ptr<int>;
  collector<token> gone;
  const channel<token> c({.capacity = 4, .undelivered = gone.hook()});
  const auto check_gone = [&](int id) {
    auto all = gone.take();
    REQUIRE(all.size() == 1);
    CHECK(*all[0] == id);
  };
  for (int id = 0; id < 4; ++id) c.send(std::make_unique<int>(id));
  {
    auto e = recv(c);
    REQUIRE(e.poll());
    auto moved = std::move(e);  // a value goes with its event
    CHECK(gone.take().empty());
  }
  check_gone(0);
  {
    auto e = recv(c);
    REQUIRE(e.poll());
    e = recv(c);
    check_gone(1);
    REQUIRE(e.poll());
    CHECK(**e.take() == 2);
  }
  CHECK(gone.take().empty());
  {
    auto e = recv(channel<token>(c));  // an event that keeps the channel
    auto never = sluice::never();
    CHECK(select(e, never) == e);
  }
  check_gone(3);
}

TEST_CASE("a value that goes from hand to hand and is not taken goes to the hook") {
  test::in_runtime([] {
    collector<int> gone;
    const channel<int> c({.undelivered = gone.hook()});
    auto reader = sluice::go([&] {
      auto e = recv(c);
      auto never = sluice::never();
      CHECK(select(e, never) == e);
    });
    CHECK(c.send(5));
    reader.get();
    CHECK(gone.take() == ints{5});
  });
}

TEST_CASE("the hook may use channels, even the one it belongs to") {
  const channel<int> dead_letters(sluice::unbounded);
  const channel<int>* self = nullptr;
  std::size_t size = 0;
  const channel<int> c({.capacity = 2, .when_full = overflow::drop_oldest, .undelivered = [&](int&& v) {
                          size = self->size();
                          dead_letters.send(v);
                        }});
  self = &c;
  for (int i = 0; i < 5; ++i) c.send(i);
  CHECK(size == 2);
  CHECK(drain(dead_letters) == ints{0, 1, 2});
}

TEST_CASE("an armed send only decides the wait; the value moves when the wait is over") {
  collector<int> gone;
  const channel<int> c({.capacity = 1, .when_full = overflow::drop_oldest, .undelivered = gone.hook()});
  c.send(1);
  auto e = send(c, 2);
  test::probe_waiter w;
  CHECK_FALSE(e.arm(w, 3));
  CHECK(w.decided_for() == 3U);
  CHECK(gone.take().empty());  // user's code does not run while a wait is armed
  CHECK(e.complete());
  CHECK(e.take());
  CHECK(gone.take() == ints{1});
  CHECK(drain(c) == ints{2});
}

// ---- many against many

namespace {

struct counts {
  explicit counts(int n) : seen(static_cast<std::size_t>(n)) {}
  void add(int id) { seen[static_cast<std::size_t>(id)].fetch_add(1, std::memory_order_relaxed); }
  int wrong() const {
    int n = 0;
    for (const auto& s : seen) n += s.load() != 1;
    return n;
  }
  std::vector<std::atomic<int>> seen;
};
using token = std::unique_ptr<int>;

// One of each kind; every value ends with a receiver, in the hook, or with its sender.
struct world {
  explicit world(int count) : n(count), book(count) {}
  channel<token> make(std::size_t capacity, overflow when_full) {
    return channel<token>(
        {.capacity = capacity, .when_full = when_full, .undelivered = [this](token&& t) { book.add(*t); }});
  }
  const int n;
  counts book;
  std::atomic<int> next{0};
  std::array<channel<token>, 5> c{make(1, overflow::drop_oldest), make(4, overflow::drop_newest),
                                  make(3, overflow::drop_oldest), make(2, overflow::block), make(0, overflow::block)};
};

void produce(world& w, unsigned seed) {
  std::mt19937 r(seed);
  for (int id = 0; (id = w.next.fetch_add(1)) < w.n;) {
    auto value = std::make_unique<int>(id);
    const auto& to = w.c[r() % 5];
    switch (r() % 3) {
      case 0: {
        auto out = send(to, std::move(value));
        auto late = sluice::after(std::chrono::microseconds(r() % 100));
        if (select(out, late) == out) out.take();
        if (out.value()) value = std::move(*out.value());
        break;
      }
      case 1:
        static_cast<void>(to.try_send(std::move(value)));
        break;
      case 2:
        to.send(std::move(value));
        break;
    }
    if (value) w.book.add(*value);
  }
}

void consume(world& w, unsigned seed) {
  std::mt19937 r(seed);
  for (std::size_t open = w.c.size(); open > 0;) {
    const auto& from = w.c[r() % 5];
    if (from.closed()) {
      open = 0;
      for (const auto& c : w.c) open += !c.closed();
    }
    switch (r() % 3) {
      case 0:
        if (auto v = from.try_recv()) w.book.add(**v);
        break;
      case 1: {  // sometimes leaves with what it received
        auto in = recv(from);
        auto other = recv(w.c[r() % 5]);
        auto late = sluice::after(std::chrono::microseconds(r() % 100));
        const auto won = select(in, other, late);
        if (r() % 4 == 0) break;
        if (won == in) {
          if (auto v = in.take()) w.book.add(**v);
        } else if (won == other) {
          if (auto v = other.take()) w.book.add(**v);
        }
        break;
      }
      case 2: {
        auto in = recv(from);
        if (sluice::try_select(in))
          if (auto v = in.take()) w.book.add(**v);
        break;
      }
    }
  }
}

}  // namespace

TEST_CASE("received, given to the hook or still the sender's: each value once, with fibers and threads, closed at random") {
  test::in_runtime([] {
    for (unsigned round = 0; round < (test::sanitized ? 4U : 20U); ++round) {
      auto w = std::make_unique<world>(4'000);
      std::vector<sluice::future<void>> all;
      std::vector<std::thread> threads;
      for (unsigned i = 0; i < 3; ++i) {
        all.push_back(sluice::go([&w = *w, i, round] { produce(w, 100 * round + i); }));
        all.push_back(sluice::go([&w = *w, i, round] { consume(w, 100 * round + 10 + i); }));
      }
      threads.emplace_back([&w = *w, round] { produce(w, 100 * round + 20); });
      threads.emplace_back([&w = *w, round] { consume(w, 100 * round + 30); });
      if (round % 2 == 0) {  // the blocking ones close when all is sent, or in the middle
        sluice::this_fiber::sleep_for(std::chrono::microseconds(200 * round));
      } else {
        while (w->next < w->n) sluice::this_fiber::sleep_for(100us);
      }
      for (const auto& c : w->c) c.close();
      test::join(all);
      for (auto& t : threads) t.join();
      for (auto& c : w->c) c = channel<token>(nullptr);  // what is left goes to the hook
      CHECK(w->book.wrong() == 0);
    }
  });
}

TEST_CASE("FIFO with drops: one sender's values arrive in order, and the last one arrives") {
  test::in_runtime([] {
    const int n = test::scaled(200'000);
    const channel<int> c({.capacity = 4, .when_full = overflow::drop_oldest});
    auto reader = sluice::go([c] {
      int last = -1;
      bool in_order = true;
      for (const int v : c) {
        in_order = in_order && v > last;
        last = v;
      }
      CHECK(in_order);
      return last;
    });
    for (int i = 0; i < n; ++i) c.send(i);
    c.close();
    CHECK(reader.get() == n - 1);
  });
}
