// Coroutines beside fibers and threads, on executors of every kind, and in coroutine types of others.
#include "tests/support/harness.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>

using namespace std::chrono_literals;
using sluice::async_select, sluice::channel, sluice::on, sluice::recv, sluice::select, sluice::send, sluice::spawn,
    sluice::task;

namespace {

// An executor that somebody pumps.
class loop final : public sluice::executor {
 public:
  void post(sluice::coroutine_waiter& c) noexcept override {
    const std::scoped_lock hold(mutex_);
    ready_.push(c);
    changed_.notify_one();  // under the lock: whoever takes c may end the loop
  }
  bool withdraw(sluice::coroutine_waiter& c) noexcept override {
    const std::scoped_lock hold(mutex_);
    return ready_.remove(c);
  }

  // Resumes what is ready; false if nothing was.
  bool pump() {
    sluice::coroutine_waiter* const c = next();
    if (c != nullptr) c->resume();
    return c != nullptr;
  }
  // Until `done`, which something that is pumped makes true.
  void pump_until(const std::atomic<bool>& done) {
    while (!done) {
      {
        std::unique_lock hold(mutex_);
        changed_.wait(hold, [&] { return !ready_.empty(); });
      }
      pump();
    }
  }

 private:
  sluice::coroutine_waiter* next() {
    const std::scoped_lock hold(mutex_);
    return ready_.pop();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  sluice::coroutine_queue ready_;
};

// pthread_self() is declared to be constant, and clang believes that of a coroutine that has moved, too.
[[gnu::noinline]] std::thread::id this_thread_now() {
  asm volatile("");
  return std::this_thread::get_id();
}

// A coroutine type that knows nothing of sluice: it starts at once, and whoever has it may destroy it at any time.
class foreign {
 public:
  struct promise_type {
    foreign get_return_object() { return foreign(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  foreign(foreign&& other) noexcept : self_(std::exchange(other.self_, nullptr)) {}
  foreign& operator=(foreign other) noexcept {
    std::swap(self_, other.self_);
    return *this;
  }
  ~foreign() {
    if (self_) self_.destroy();
  }

 private:
  explicit foreign(std::coroutine_handle<promise_type> self) : self_(self) {}
  std::coroutine_handle<promise_type> self_;
};

// And one that looks after itself.
struct detached {
  struct promise_type {
    detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

}  // namespace

TEST_CASE("async_select: named events, priority, handlers, a range") {
  test::in_runtime([] {
    auto f = spawn([]() -> task<std::string> {
      std::string seen;
      const channel<int> a(1);
      const channel<int> b(1);
      auto from_a = recv(a);
      auto from_b = recv(b);
      b.send(1);
      if (co_await async_select(from_a, from_b) == from_b) seen += "b" + std::to_string(*from_b.take());
      a.send(2);
      b.send(3);
      const auto first = co_await sluice::async_select_in_order(from_a, from_b);
      if (first == from_a) seen += "a" + std::to_string(*from_a.take());

      auto late = sluice::after(1ms);
      if (co_await async_select(from_a, late) == late) seen += "late";

      co_await async_select(on(recv(a), [&](std::optional<int>) { seen += "?"; }),
                            on(recv(b), [&](std::optional<int> v) { seen += "on" + std::to_string(*v); }));
      auto fed = sluice::go([a] {
        sluice::this_fiber::sleep_for(1ms);
        a.send(4);
      });
      const int handled = co_await async_select(on(recv(a), [](std::optional<int> v) { return *v * 10; }),
                                                on(recv(b), [](std::optional<int>) { return -1; }));
      seen += std::to_string(handled);
      co_await fed;

      std::vector<channel<int>> many;
      for (int i = 0; i < 100; ++i) many.emplace_back(1);
      std::vector<sluice::recv_event<int>> all;
      for (auto& c : many) all.push_back(recv(c));
      auto feeds = sluice::go([c = many[77]] {
        sluice::this_fiber::sleep_for(1ms);
        c.send(5);
      });
      const std::size_t i = co_await async_select(all);
      seen += "#" + std::to_string(i) + "=" + std::to_string(*all[i].take());
      many[3].send(0);
      many[2].send(0);
      seen += "#" + std::to_string(co_await sluice::async_select_in_order(all));
      co_await feeds;
      std::vector<sluice::recv_event<int>> none;
      try {
        co_await async_select(none);
      } catch (const std::invalid_argument&) {
        seen += "empty";
      }
      try {
        co_await async_select(from_a, from_a);
      } catch (const std::invalid_argument&) {
        seen += "twice";
      }
      co_return seen;
    }());
    CHECK(f.get() == "b1a2lateon340#77=5#2emptytwice");
  });
}

namespace {

// An event that is beaten to what woke it as often as told.
class shy_event {
 public:
  using value_type = int;
  shy_event(const channel<int>& c, int refusals) : inner_(recv(c)), refusals_(refusals) {}
  bool poll() { return false; }
  bool arm(sluice::waiter& w, std::uint32_t index) noexcept { return inner_.arm(w, index); }
  void disarm() noexcept { inner_.disarm(); }
  bool complete() noexcept {
    ++woken_;
    if (refusals_-- == 0) return true;
    static_cast<void>(inner_.take());
    return false;
  }
  int take() { return 1000 * woken_ + inner_.take().value_or(-1); }

 private:
  sluice::recv_event<int> inner_;
  int refusals_;
  int woken_ = 0;
};

}  // namespace

TEST_CASE("an event that was beaten to it is waited for again, alone, in a select, and in a coroutine of others") {
  test::in_runtime([] {
    const channel<int> c;
    auto alone = spawn([](channel<int> in) -> task<int> { co_return co_await shy_event(in, 3); }(c));
    for (int i = 0; i < 4; ++i) CHECK(c.send(i));
    CHECK(alone.get() == 4003);
    auto among = spawn([](channel<int> in) -> task<int> {
      auto shy = shy_event(in, 2);
      auto late = sluice::after(1h);
      const bool won = co_await async_select(late, shy) == shy;
      co_return won ? shy.take() : -1;
    }(c));
    for (int i = 0; i < 3; ++i) CHECK(c.send(i));
    CHECK(among.get() == 3002);

    sluice::promise<int> p;
    auto result = p.get_future();
    const auto begin = [](sluice::executor& e, channel<int> in, sluice::promise<int>& out) -> detached {
      auto shy = shy_event(in, 2);
      out.set_value(co_await sluice::await_on(e, shy));
    };
    begin(sluice::default_executor(), c, p);
    for (int i = 0; i < 3; ++i) CHECK(c.send(i));
    CHECK(result.get() == 3002);
  });
}

TEST_CASE("a task resumes on its executor, whoever wakes it, until it moves") {
  test::in_runtime([] {
    loop mine;
    std::atomic<bool> done{false};
    const channel<int> c;
    std::atomic<std::thread::id> home;
    auto f =
        spawn(mine, [](loop& l, channel<int> in, std::atomic<std::thread::id>& here, std::atomic<bool>& end) -> task<int> {
          int away = 0;
          for (int i = 0; i < 100; ++i) {
            away += this_thread_now() != here.load();
            CHECK((co_await recv(in)) == i);
          }
          away += this_thread_now() != here.load();
          co_await sluice::after(1ms);
          away += this_thread_now() != here.load();
          co_await sluice::resume_on(sluice::default_executor());
          away += this_thread_now() == here.load();
          co_await sluice::after(1ms);
          away += this_thread_now() == here.load();
          co_await sluice::resume_on(l);
          away += this_thread_now() != here.load();
          end = true;
          co_return away;
        }(mine, c, home, done));
    std::thread pumps([&] {
      home = this_thread_now();
      mine.pump_until(done);
    });
    for (int i = 0; i < 100; ++i) CHECK(c.send(i));
    CHECK(f.get() == 0);
    pumps.join();
  });
}

TEST_CASE("tasks on the inline executor run in the wake of whoever completes their wait") {
  test::in_runtime([] {
    sluice::inline_executor here;
    const channel<int> c;
    int sum = 0;
    auto f = spawn(here, [](channel<int> in, int& total) -> task<> {
      while (auto v = co_await recv(in)) total += *v;
    }(c, sum));
    for (int i = 1; i <= 10; ++i) {
      CHECK(c.try_send(i));
      CHECK(sum == i * (i + 1) / 2);  // it has run already
    }
    c.close();
    CHECK(f.ready());
    f.get();
  });
}

TEST_CASE("coroutines of others await the same: events, selects, futures, tasks") {
  test::in_runtime([] {
    sluice::promise<std::string> p;
    auto result = p.get_future();
    const channel<int> c;
    const auto begin = [](channel<int> in, sluice::promise<std::string>& out) -> detached {
      std::string seen = std::to_string((co_await recv(in)).value());
      auto a = recv(in);
      auto late = sluice::after(1h);
      if (co_await async_select(a, late) == a) seen += std::to_string(*a.take());
      co_await sluice::after(1ms);
      seen += std::to_string(co_await sluice::go([] { return 3; }));
      seen += std::to_string(co_await []() -> task<int> {
        co_await sluice::after(1ms);
        co_return 4;
      }());
      co_await sluice::resume_on(sluice::default_executor());
      seen += std::to_string(co_await async_select(on(recv(in), [](std::optional<int> v) { return *v; })));
      out.set_value(seen);
    };
    begin(c, p);
    CHECK(c.send(1));
    CHECK(c.send(2));
    CHECK(c.send(5));
    CHECK(result.get() == "12345");
  });
}

TEST_CASE("a coroutine that waits from a plain thread has its timers fired, though every worker sleeps") {
  for (const unsigned workers : test::worker_counts()) {
    sluice::runtime rt(test::with_workers(workers));
    const auto begin = [](sluice::executor& e, std::atomic<int>& n) -> detached {
      for (int i = 0; i < 20; ++i) {
        co_await sluice::await_on(e, sluice::after(std::chrono::milliseconds(1 + i % 3)));
        ++n;
      }
    };
    loop mine;
    std::atomic<int> here{0};
    std::atomic<int> there{0};
    std::atomic<bool> done{false};
    begin(rt.coroutines(), there);
    auto f = spawn(mine, [](std::atomic<int>& n, std::atomic<bool>& end) -> task<> {
      for (int i = 0; i < 20; ++i) {
        co_await sluice::after(1ms);
        ++n;
      }
      end = true;
    }(here, done));
    mine.pump_until(done);
    CHECK(here == 20);
    CHECK(test::eventually([&] { return there == 20; }));
    f.get();
  }
}

namespace {

std::atomic<int> tokens_alive{0};
struct token {
  explicit token(int n) : id(n) {
    ++tokens_alive;
    ++made;
  }
  token(token&& other) noexcept : id(std::exchange(other.id, -1)) { ++tokens_alive; }
  token& operator=(token&&) = delete;
  ~token() {
    --tokens_alive;
    if (id >= 0) ++ended;
  }
  int id;
  static inline std::atomic<int> made{0}, ended{0};  // a value that moves is one value
};

foreign takes_one(sluice::executor& e, channel<token> c, int& got) {
  auto v = co_await sluice::await_on(e, recv(c));
  if (v) ++got;
}
foreign takes_either(sluice::executor& e, channel<token> a, channel<token> b, int& got) {
  auto x = recv(a);
  auto y = recv(b);
  auto late = sluice::after(200us);
  const auto won = co_await sluice::await_on(e, async_select(x, y, late));
  if (won == x || won == y) ++got;
}
foreign offers_one(sluice::executor& e, channel<token> c, int& given) {
  const bool accepted = co_await sluice::await_on(e, send(c, token(1)));  // named: see task.h about g++ 12
  if (accepted) ++given;
}

}  // namespace

TEST_CASE("suspended coroutines are destroyed while others complete their waits: nothing dangles, nothing is lost") {
  test::in_runtime([] {
    for (int round = 0; round < test::scaled(400); ++round) {
      token::made = token::ended = 0;
      loop mine;
      const channel<token> a;
      const channel<token> b(2);
      std::atomic<bool> stop{false};
      std::vector<std::thread> others;
      for (const auto& c : {a, b})
        others.emplace_back([&stop, c] {
          while (!stop) {
            auto out = send(c, token(0));
            auto late = sluice::after(50us);
            select(out, late);
          }
        });
      others.emplace_back([&stop, a] {
        while (!stop) {
          auto in = recv(a);
          auto late = sluice::after(50us);
          select(in, late);
        }
      });
      int got = 0;
      int given = 0;
      {
        std::vector<foreign> all;
        for (int i = 0; i < 30; ++i) {
          all.push_back(takes_one(mine, i % 2 ? a : b, got));
          all.push_back(takes_either(mine, a, b, got));
          all.push_back(offers_one(mine, a, given));
          for (int turn = i % 4; turn > 0; --turn) mine.pump();
          if (i % 3 == 0) all.erase(all.begin() + i % static_cast<int>(all.size()));
        }
      }
      CHECK_FALSE(mine.pump());
      stop = true;
      for (auto& t : others) t.join();
      while (b.try_recv()) {}
      CHECK(token::ended == token::made);
      CHECK(tokens_alive == 0);
    }
  });
}

TEST_CASE("destroyed on a runtime's executor, by a fiber of its only worker") {
  sluice::run(test::with_workers(1), [] {
    const channel<token> c;
    int got = 0;
    for (int round = 0; round < 100; ++round) {
      auto waits = takes_one(sluice::default_executor(), c, got);
      if (round % 2 == 0) CHECK(c.send(token(round)));  // it has won, and is queued
    }
    CHECK(got == 0);
    CHECK(tokens_alive == 0);
    CHECK(c.try_send(token(0)).full());
  });
}

// ---- Three kinds of waiter on the same channels

namespace {

using value = std::unique_ptr<int>;

struct world {
  world(int count, unsigned s) : n(count), received(static_cast<std::size_t>(n)), returned(received.size()), seed(s) {}
  const channel<value>& any(std::mt19937& r) const { return c[r() % 4]; }
  void took(int id) { received[static_cast<std::size_t>(id)].fetch_add(1, std::memory_order_relaxed); }
  void kept(int id) { returned[static_cast<std::size_t>(id)].fetch_add(1, std::memory_order_relaxed); }
  void check() const {
    int wrong = 0;
    for (std::size_t i = 0; i < received.size(); ++i) wrong += received[i] + returned[i] != 1;
    CHECK(wrong == 0);
  }

  const std::array<channel<value>, 4> c{channel<value>(), channel<value>(1), channel<value>(3),
                                        channel<value>(sluice::unbounded)};
  const int n;
  std::vector<std::atomic<int>> received, returned;
  const unsigned seed;
  std::atomic<int> next{0};
};

// Sends until the ids are used up. With probability it also receives; what is refused or cancelled comes back.
void produce(world& w, unsigned who) {
  std::mt19937 r(w.seed + who);
  for (int id; (id = w.next.fetch_add(1)) < w.n;) {
    auto v = std::make_unique<int>(id);
    for (bool open = true; v && open;) {
      if (r() % 2 == 0) {
        open = w.any(r).send(std::move(v));
        continue;
      }
      auto out = send(w.any(r), std::move(v));
      auto in = recv(w.any(r));
      auto late = sluice::after(std::chrono::microseconds(r() % 200));
      const auto won = select(out, in, late);
      if (won == out) open = out.take();
      if (won == in) {
        if (const auto got = in.take()) w.took(**got);
      }
      if (out.value()) v = std::move(*out.value());
    }
    if (v) w.kept(*v);
  }
}

task<> co_produce(world& w, unsigned who) {
  std::mt19937 r(w.seed + who);
  for (int id; (id = w.next.fetch_add(1)) < w.n;) {
    auto v = std::make_unique<int>(id);
    for (bool open = true; v && open;) {
      const unsigned how = r() % 4;
      auto out = send(w.any(r), std::move(v));
      auto in = recv(w.any(r));
      auto late = sluice::after(std::chrono::microseconds(r() % 200));
      try {
        if (how == 0) {
          open = co_await out;
        } else if (how == 1) {
          if (co_await async_select(late, out) == out) open = out.take();
        } else {
          const auto won = co_await async_select(out, in, late);
          if (won == out) open = out.take();
          if (won == in) {
            if (const auto got = in.take()) w.took(**got);
          }
        }
      } catch (const sluice::cancelled&) {  // nothing has happened
      }
      if (out.value()) v = std::move(*out.value());
    }
    if (v) w.kept(*v);
  }
}

void consume(world& w, unsigned who) {
  std::mt19937 r(w.seed + who);
  for (std::size_t open = 4; open > 0;) {
    open = 0;
    for (const auto& c : w.c) {
      auto in = recv(c);
      auto late = sluice::after(std::chrono::microseconds(r() % 100));
      if (select(in, late) == late) {
        ++open;
      } else if (const auto v = in.take()) {
        w.took(**v);
        ++open;
      }
    }
  }
}

task<> co_consume(world& w, unsigned who) {
  std::mt19937 r(w.seed + who);
  std::vector<sluice::recv_event<value>> all;
  for (const auto& c : w.c) all.push_back(recv(c));
  while (!all.empty()) {
    try {
      if (r() % 4 == 0) {
        auto& one = all[r() % all.size()];
        auto late = sluice::after(std::chrono::microseconds(r() % 100));
        if (co_await async_select(one, late) == one) {
          if (const auto v = one.take())
            w.took(**v);
          else
            std::swap(one, all.back()), all.pop_back();
        }
      } else {
        const std::size_t i = co_await async_select(all);
        if (const auto v = all[i].take())
          w.took(**v);
        else
          std::swap(all[i], all.back()), all.pop_back();
      }
    } catch (const sluice::cancelled&) {}
  }
}

void mix(world& w, bool close_early) {
  std::vector<sluice::future<void>> producers;
  std::vector<sluice::future<void>> consumers;
  std::vector<std::thread> sending;
  std::vector<std::thread> receiving;
  for (unsigned i = 0; i < 2; ++i) {
    producers.push_back(sluice::go([&w, i] { produce(w, i); }));
    producers.push_back(spawn(co_produce(w, 10 + i)));
    sending.emplace_back([&w, i] { produce(w, 20 + i); });
    consumers.push_back(sluice::go([&w, i] { consume(w, 30 + i); }));
    consumers.push_back(spawn(co_consume(w, 40 + i)));
    receiving.emplace_back([&w, i] { consume(w, 50 + i); });
  }
  std::atomic<bool> stop{false};
  std::thread cancels([&] {  // the coroutines catch it and go on
    while (!stop) {
      if (consumers[1].valid()) consumers[1].cancel();
      if (producers[1].valid()) producers[1].cancel();
      std::this_thread::sleep_for(20us);
    }
  });
  if (close_early) {
    sluice::this_fiber::sleep_for(std::chrono::microseconds(w.seed % 1000));
    for (const auto& c : w.c) c.close();
  }
  for (auto& f : producers) f.wait();
  for (auto& t : sending) t.join();  // the receivers run on threads of their own as well
  for (const auto& c : w.c) c.close();
  for (auto& f : consumers) f.wait();
  for (auto& t : receiving) t.join();
  stop = true;
  cancels.join();
  for (auto& f : producers) {
    try {
      f.get();
    } catch (const sluice::cancelled&) {  // before it began
    }
  }
  for (auto& f : consumers) {
    try {
      f.get();
    } catch (const sluice::cancelled&) {}
  }
  w.check();
}

}  // namespace

TEST_CASE("fibers, threads and coroutines on the same channels: every value arrives once") {
  test::in_runtime([] {
    world w(test::scaled(20'000), 1);
    mix(w, false);
  });
}

TEST_CASE("closed in the middle: what was not received is back with its sender") {
  test::in_runtime([] {
    for (unsigned round = 0; round < (test::sanitized ? 4U : 30U); ++round) {
      world w(1'000, 100 + 137 * round);
      mix(w, true);
    }
  });
}

TEST_CASE("opposed selects of a thread, a fiber and two coroutines go on") {
  test::in_runtime([] {
    const int n = test::scaled(20'000);
    const channel<int> a;
    const channel<int> b;
    std::atomic<int> sum{0};
    std::atomic<int> done{0};
    const auto count = [&, a, b](bool gave) {
      sum += gave ? 1 : -1;
      if (++done == n) {
        a.close();
        b.close();
      }
    };
    const auto blocking = [count](channel<int> out, channel<int> in) {
      for (;;) {
        auto s = send(out, 1);
        auto r = recv(in);
        if (select(s, r) == s) {
          if (!s.take()) return;
          count(true);
        } else {
          if (!r.take()) return;
          count(false);
        }
      }
    };
    const auto suspending = [](channel<int> out, channel<int> in, std::function<void(bool)> counts) -> task<> {
      for (;;) {
        auto s = send(out, 1);
        auto r = recv(in);
        if (co_await async_select(r, s) == s) {
          if (!s.take()) co_return;
          counts(true);
        } else {
          if (!r.take()) co_return;
          counts(false);
        }
      }
    };
    auto one = spawn(suspending(a, b, count));
    auto two = spawn(suspending(b, a, count));
    auto fiber = sluice::go([=] { blocking(a, b); });
    std::thread thread([=] { blocking(b, a); });
    one.get();
    two.get();
    fiber.get();
    thread.join();
    CHECK(sum == 0);  // each pair counts on both sides
    CHECK(done >= n);
  });
}

namespace {

foreign chooses(loop& on, channel<int> a, channel<int> b) {
  auto either = sluice::choose(recv(a), recv(b));
  const auto v = co_await sluice::await_on(on, either);
  static_cast<void>(v);
}
foreign locks(loop& on, sluice::mutex& m) {
  auto mine = sluice::lock(m);
  const auto held = co_await sluice::await_on(on, mine);
  static_cast<void>(held);
}
foreign waits_for(loop& on, sluice::select_set& set) { co_await sluice::await_on(on, set); }

task<int> first_of(channel<int> c) {
  const auto v = co_await recv(c);
  co_return v.value_or(0);
}
task<> ends_executor_of(sluice::future<int> f, std::unique_ptr<sluice::inline_executor>& e) {
  const int v = co_await f;
  static_cast<void>(v);
  e.reset();
}
task<> waits_an_hour() { co_await sluice::after(1h); }

}  // namespace

TEST_CASE("destroyed when its wait is won: what has won is completed all the same") {
  loop on;
  {
    const channel<int> a, b;
    {
      const foreign suspended = chooses(on, a, b);
      CHECK(a.try_send(1));
    }
    CHECK_FALSE(b.try_send(2));  // the other alternative is withdrawn
  }
  {
    sluice::mutex m;
    m.lock();
    {
      std::optional<foreign> suspended(locks(on, m));
      std::thread other([&] {
        m.lock();
        m.unlock();
      });
      test::let_others_block();
      m.unlock();  // wakes the coroutine, which competes for the lock when it is resumed, or goes
      suspended.reset();
      other.join();
    }
  }
  {
    const channel<int> a, b;
    int handled = 0;
    sluice::select_set set;
    set.add(recv(a), [&](auto) { ++handled; });
    set.add(recv(b), [&](auto) { ++handled; });
    {
      const foreign suspended = waits_for(on, set);
      CHECK(a.try_send(1));
    }
    CHECK_FALSE(b.try_send(2));
    CHECK(set.try_wait());  // what it has won is still to be handled
    CHECK(handled == 1);
  }
}

TEST_CASE("an executor may go when all its tasks are over") {
  const channel<int> c;
  auto e = std::make_unique<sluice::inline_executor>();
  sluice::inline_executor other;
  auto f = spawn(*e, first_of(c));
  auto g = spawn(other, ends_executor_of(std::move(f), e));
  CHECK(c.send(1));
  g.get();
  CHECK(e == nullptr);
}

TEST_CASE("an executor's deadlines outlive the runtime in which it was pumped") {
  loop on;
  sluice::future<void> f;
  sluice::run(test::with_workers(1), [&] {
    f = spawn(on, waits_an_hour());
    while (on.pump()) {}
  });
  CHECK(f.cancel());
  while (on.pump()) {}
  CHECK_THROWS_AS(f.get(), sluice::cancelled);
}

TEST_CASE("timers of tasks on a plain thread: none is lost while workers fall asleep") {
  loop on;
  constexpr int rounds = test::scaled(4000);
  std::atomic<int> left{3};
  std::atomic<bool> all_over{false};
  const auto ticks = [](std::atomic<int>& running, std::atomic<bool>& over, unsigned seed) -> task<> {
    for (int i = 0; i < rounds; ++i) {
      seed = seed * 1664525U + 1013904223U;
      co_await sluice::after(std::chrono::microseconds(20 + (seed >> 16) % 300));
    }
    if (--running == 0) over = true;
  };
  std::vector<sluice::future<void>> all;
  for (unsigned i = 0; i < 3; ++i) all.push_back(spawn(on, ticks(left, all_over, i * 77 + 1)));
  on.pump_until(all_over);
  test::join(all);
}
