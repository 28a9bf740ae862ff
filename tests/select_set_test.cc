// select_set: many sources awaited over and over; each event to its own handler, nothing taken before somebody wants it.
#include "tests/event_conformance.h"

#include <algorithm>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;
using sluice::after, sluice::channel, sluice::done, sluice::every, sluice::recv, sluice::select_set, sluice::send;

namespace {

const auto ignore = [](auto&&...) {};

struct set_of_one_receive {
  static constexpr bool always_ready = false, never_ready = false, broadcast = false;
  channel<int> ch{3};
  int handled = 0;
  auto make() {
    select_set set;
    set.add(recv(ch), [this](std::optional<int> v) { handled += v == 42 ? 1 : 1000; });
    return set;
  }
  void supply() { CHECK(ch.send(42)); }
  void release() { CHECK(ch.send(42)); }
  bool untouched() { return ch.send(0) && ch.size() == 1 && ch.try_recv(); }
};

}  // namespace

TEST_CASE_TEMPLATE("a select_set keeps the laws of events", Source, set_of_one_receive) {
  test::in_runtime([] { test::event_laws<Source>::check_all(); });
  test::in_thread([] { test::event_laws<Source>::check_all(); });
}

TEST_CASE("each event reaches its own handler, values and errors apart") {
  test::in_runtime([] {
    channel<int> numbers(4), failing(4);
    sluice::promise<std::string> fine, broken;
    sluice::promise<void> nothing;
    auto f = fine.get_future(), b = broken.get_future();
    auto n = nothing.get_future();
    std::vector<std::string> seen;
    const auto error_text = [](std::exception_ptr e) -> std::string {
      try {
        std::rethrow_exception(e);
      } catch (const std::exception& x) {
        return x.what();
      }
    };
    select_set set;
    set.add(
        recv(numbers), [&](std::optional<int> v) { seen.push_back(v ? std::to_string(*v) : "end"); },
        [&](std::exception_ptr) { seen.push_back("wrong"); });
    set.add(
        recv(failing), [&](std::optional<int> v) { seen.push_back(v ? "f" + std::to_string(*v) : "wrong"); },
        [&](std::exception_ptr e) { seen.push_back(error_text(e)); });
    set.add(
        done(f), [&](std::string s) { seen.push_back(s); }, [&](std::exception_ptr) { seen.push_back("wrong"); });
    set.add(
        done(b), [&](const std::string&) { seen.push_back("wrong"); },
        [&](std::exception_ptr e) { seen.push_back(error_text(e)); });
    set.add(
        done(n), [&] { seen.push_back("void"); }, [&](std::exception_ptr) { seen.push_back("wrong"); });
    CHECK(numbers.send(1));
    CHECK(failing.send(2));
    numbers.close();
    failing.close(std::make_exception_ptr(std::runtime_error("closed with an error")));
    fine.set_value("fine");
    broken.set_exception(std::make_exception_ptr(std::runtime_error("broken")));
    nothing.set_value();
    while (set.wait()) {}
    std::sort(seen.begin(), seen.end());
    CHECK(seen == std::vector<std::string>{"1", "broken", "closed with an error", "end", "f2", "fine", "void"});
    CHECK(set.size() == 0);
  });
}

TEST_CASE("ready sources take turns, in the order in which they became ready") {
  test::in_runtime([] {
    std::vector<channel<int>> sources;
    for (int i = 0; i < 3; ++i) sources.emplace_back(100);
    std::vector<int> order;
    select_set set;
    for (int i = 0; i < 3; ++i)
      set.add(recv(sources[static_cast<std::size_t>(i)]), [&order, i](auto) { order.push_back(i); });
    CHECK_FALSE(set.wait_for(1ms));  // all are armed and silent
    for (const int i : {2, 0, 1})
      for (int k = 0; k < 10; ++k) CHECK(sources[static_cast<std::size_t>(i)].send(k));
    for (int k = 0; k < 30; ++k) REQUIRE(set.wait());
    for (std::size_t k = 0; k < 30; ++k) CHECK(order[k] == std::vector<int>{2, 0, 1}[k % 3]);
  });
}

TEST_CASE("nothing is taken before the set is waited for") {
  test::in_runtime([] {
    channel<int> rendezvous, buffered(1), other(1);
    select_set set;
    const auto key = set.add(recv(rendezvous), ignore);
    const auto in_buffer = set.add(recv(buffered), ignore);
    set.add(recv(other), ignore);
    CHECK(other.send(0));
    CHECK(set.wait());  // now the other two are armed
    CHECK_FALSE(set.wait_for(1ms));
    CHECK_FALSE(rendezvous.try_send(1));  // nobody waits at the moment
    CHECK(buffered.try_send(1));
    CHECK(buffered.size() == 1);
    CHECK(set.remove(key));
    CHECK(set.remove(in_buffer));
    CHECK(buffered.try_recv());  // still there
    CHECK_FALSE(rendezvous.try_send(1));
  });
}

TEST_CASE("what did not win keeps its place at its source") {
  test::in_runtime([] {
    channel<int> contested, busy(1);
    std::vector<int> got;
    select_set set;
    set.add(recv(contested), [&](std::optional<int> v) { got.push_back(*v); });
    set.add(recv(busy), [&](std::optional<int> v) { got.push_back(*v); });
    CHECK_FALSE(set.wait_for(1ms));  // armed: first in the line
    auto second = sluice::go([=] { return contested.recv(); });
    test::let_others_block();
    CHECK(busy.send(1));
    CHECK(set.wait());  // lost for `contested`, which keeps its place
    auto sender = sluice::go([=] {
      sluice::this_fiber::sleep_for(5ms);
      CHECK(contested.send(2));
      CHECK(contested.send(3));
    });
    CHECK(set.wait());
    CHECK(got == std::vector{1, 2});
    CHECK(second.get() == 3);
    sender.get();
  });
}

TEST_CASE("added and removed at any time, also in handlers") {
  test::in_runtime([] {
    channel<int> a(8), b(8), late(8);
    select_set set;
    select_set::key ka, kb;
    int a_count = 0, b_count = 0, late_count = 0;
    ka = set.add(recv(a), [&](auto) {
      ++a_count;
      CHECK(set.remove(kb));
      CHECK(set.remove(ka));
      CHECK_FALSE(set.remove(ka));
      CHECK(set.size() == 0);
      set.add(recv(late), [&](auto) { ++late_count; });
    });
    kb = set.add(recv(b), [&](auto) { ++b_count; });
    CHECK(ka != kb);
    CHECK(set.size() == 2);
    CHECK(a.send(1));
    CHECK(a.send(2));
    CHECK(set.wait());
    CHECK(b.send(1));
    CHECK(late.send(1));
    CHECK(set.wait());
    CHECK_FALSE(set.wait_for(1ms));
    CHECK(set.size() == 1);
    CHECK(a_count == 1);
    CHECK(b_count == 0);
    CHECK(late_count == 1);
    CHECK(a.size() == 1);
    CHECK(b.size() == 1);
    set.clear();
    CHECK_FALSE(set.wait());
    CHECK_FALSE(set.remove({}));
  });
}

TEST_CASE("clear inside a handler; a key is not used again") {
  test::in_runtime([] {
    channel<int> a(8);
    select_set set;
    const auto first = set.add(recv(a), [&](auto) { set.clear(); });
    set.add(recv(a), [&](auto) { set.clear(); });
    CHECK(a.send(1));
    CHECK(set.wait());
    CHECK(set.size() == 0);
    const auto again = set.add(recv(a), ignore);
    CHECK(again != first);
    CHECK_FALSE(set.remove(first));
    CHECK(set.remove(again));
  });
}

TEST_CASE("an exception of a handler leaves wait(), and the set is whole") {
  test::in_runtime([] {
    channel<int> a(8);
    select_set set;
    int good = 0;
    set.add(recv(a), [&](std::optional<int> v) {
      if (v == 1) throw std::runtime_error("from the handler");
      ++good;
    });
    CHECK(a.send(1));
    CHECK(a.send(2));
    CHECK_THROWS_WITH_AS(set.wait(), "from the handler", std::runtime_error);
    CHECK(set.size() == 1);
    CHECK(set.wait());
    CHECK(good == 1);
  });
}

TEST_CASE("waiting for a set inside one of its handlers is an error") {
  test::in_runtime([] {
    channel<int> a(8);
    select_set set;
    set.add(recv(a), [&](auto) { set.wait(); });
    CHECK(a.send(1));
    CHECK_THROWS_AS(set.wait(), std::logic_error);
    CHECK_THROWS_AS(set.take(), std::logic_error);
  });
}

TEST_CASE("a set is an event") {
  test::in_runtime([] {
    channel<int> a(1), plain(1);
    select_set set;
    int handled = 0;
    const auto key = set.add(recv(a), [&](auto) { ++handled; });
    auto late = after(1ms);
    CHECK((sluice::select(set, late) == late));
    CHECK(a.send(1));
    auto direct = recv(plain);
    CHECK((sluice::select(direct, set) == set));
    CHECK(handled == 0);
    CHECK_FALSE(set.remove(key));  // it has won
    set.take();
    CHECK(handled == 1);
    CHECK(plain.send(7));
    CHECK((sluice::select(set, direct) == direct));
    CHECK(direct.take() == 7);
    CHECK(a.send(2));
    CHECK(sluice::try_select(set) == set);
    set.take();
    CHECK(handled == 2);
    CHECK_FALSE(static_cast<bool>(sluice::try_select(set)));
  });
}

TEST_CASE("a set within a set, with deadlines in both") {
  const auto check = [] {
    channel<int> a, b;
    int inner_handled = 0, outer_handled = 0, ticks = 0, inner_ticks = 0;
    select_set inner, outer;
    inner.add(recv(a), [&](auto) { ++inner_handled; });
    inner.add(every(2ms), [&](auto) { ++inner_ticks; });
    outer.add(std::move(inner), ignore);
    outer.add(recv(b), [&](auto) { ++outer_handled; });
    outer.add(every(3ms), [&](auto) { ++ticks; });
    std::thread partner([=] {
      for (int i = 0; i < 20; ++i) {
        CHECK(a.send(i));
        CHECK(b.send(i));
      }
    });
    while (inner_handled < 20 || outer_handled < 20 || ticks < 3 || inner_ticks < 3) REQUIRE(outer.wait());
    partner.join();
    CHECK(inner_handled == 20);
    CHECK(outer_handled == 20);
  };
  test::in_runtime(check);
  test::in_thread(check);
}

TEST_CASE("timers in a set, also when another thread takes the set over") {
  select_set set;
  int ticks = 0, once = 0;
  set.add(every(1ms), [&](std::uint64_t) { ++ticks; });
  set.add(after(2ms), [&] { ++once; });
  const auto some = [&] {
    const int until = ticks + 3;
    while (ticks < until) REQUIRE(set.wait());
  };
  test::in_thread(some);
  test::in_thread(some);
  test::in_runtime(some);
  test::in_runtime([&] {
    while (once == 0) REQUIRE(set.wait());
  });
  CHECK(once == 1);
  CHECK(set.size() == 1);
}

TEST_CASE("many deadlines fire in their order, each once") {
  test::in_runtime([] {
    const auto start = std::chrono::steady_clock::now();
    constexpr int n = 200;
    std::vector<int> order;
    select_set set;
    std::vector<select_set::key> keys;
    for (int i = 0; i < n; ++i) {
      const int rank = i * 67 % n;
      keys.push_back(set.add(sluice::at(start + rank * 50us), [&order, rank] { order.push_back(rank); }));
    }
    set.wait_until(start - 1s);  // at most one, which is due
    int removed = 0;
    for (int i = 0; i < n; i += 3) removed += set.remove(keys[static_cast<std::size_t>(i)]) ? 1 : 0;
    while (set.wait()) {}
    CHECK(static_cast<int>(order.size()) == n - removed);
    // Deadlines that pass within one tick of the clock may come in any order.
    for (std::size_t i = 1; i < order.size(); ++i) CHECK(order[i] >= order[i - 1] - 50);
  });
}

TEST_CASE("a timer that was used in a runtime that has ended") {
  auto tick = every(1ms);
  test::in_runtime([&] {
    auto nothing = sluice::never();
    CHECK((sluice::select(tick, nothing) == tick));
    tick.take();
  });
  select_set set;
  const auto key = set.add(std::move(tick), ignore);
  CHECK(set.remove(key));
}

TEST_CASE("what an event does when it is polled may change the set") {
  test::in_runtime([] {
    channel<int> a, b(1);
    select_set set;
    const auto other = set.add(recv(a), ignore);
    select_set::key self;
    int begun = 0;
    self = set.add(sluice::guard([&] {
                     ++begun;
                     CHECK(set.remove(other));
                     CHECK(set.remove(self));
                     CHECK_FALSE(set.remove(self));
                     CHECK_THROWS_AS(set.wait(), std::logic_error);
                     return recv(b);
                   }),
                   ignore);
    set.add(sluice::guard([&]() -> sluice::recv_event<int> { throw std::runtime_error("no event"); }), ignore);
    CHECK_THROWS_WITH_AS(set.wait_for(1ms), "no event", std::runtime_error);
    CHECK(begun == 1);
    CHECK(set.size() == 1);
  });
}

namespace {

// Counts what is done to it.
struct counted_event {
  struct counts {
    int armed = 0, disarmed = 0;
  };
  using value_type = void;
  bool poll() const { return *ready; }
  bool arm(sluice::waiter&, std::uint32_t) noexcept {
    ++seen->armed;
    return true;
  }
  void disarm() noexcept { ++seen->disarmed; }
  void take() { *ready = false; }
  counts* seen;
  bool* ready;
};

}  // namespace

TEST_CASE("only what was armed is disarmed") {
  counted_event::counts seen;
  bool ready = true;
  select_set set;
  const auto key = set.add(counted_event{&seen, &ready}, ignore);
  CHECK(set.try_wait());
  CHECK(set.remove(key));
  CHECK(seen.disarmed == 0);
  const auto again = set.add(counted_event{&seen, &ready}, ignore);
  CHECK_FALSE(set.wait_for(1ms));
  CHECK(set.remove(again));
  CHECK(seen.armed == 1);
  CHECK(seen.disarmed == 1);
}

TEST_CASE("cancelled while it waits: everything stays, and goes on") {
  test::in_runtime([] {
    channel<int> a;
    sluice::promise<void> begun;
    auto has_begun = begun.get_future();
    select_set set;
    int handled = 0;
    set.add(recv(a), [&](auto) { ++handled; });
    auto waiting = sluice::go([&] {
      begun.set_value();
      set.wait();
    });
    has_begun.get();
    test::let_others_block();
    waiting.cancel();
    CHECK_THROWS_AS(waiting.get(), sluice::cancelled);
    CHECK(handled == 0);
    auto sender = sluice::go([=] { CHECK(a.send(1)); });
    CHECK(set.wait());
    CHECK(handled == 1);
    sender.get();
  });
}

TEST_CASE("destroyed with events pending: nobody is left behind") {
  test::in_runtime([] {
    channel<int> a, b(1);
    CHECK(b.send(0));
    sluice::promise<int> p;
    auto f = p.get_future();
    {
      select_set set;
      set.add(recv(a), ignore);
      set.add(send(b, 1), ignore);
      set.add(done(f), ignore);
      CHECK_FALSE(set.wait_for(1ms));
      CHECK(f.waiters() == 1);
    }
    CHECK(f.waiters() == 0);
    CHECK_FALSE(a.try_send(1));
    CHECK(b.try_recv());
    CHECK_FALSE(b.try_recv());
    p.set_value(1);
  });
}

TEST_CASE("two cases of one party never complete each other, in whatever set they are") {
  test::in_runtime([] {
    channel<int> c;
    select_set both;
    both.add(send(c, 1), ignore);
    both.add(recv(c), ignore);
    CHECK_FALSE(both.wait_for(1ms));
    CHECK_FALSE(both.wait_for(1ms));
    select_set sends;
    sends.add(send(c, 2), ignore);
    auto r = recv(c);
    auto late = after(1ms);
    CHECK((sluice::select(sends, r, late) == late));
    select_set receives;
    receives.add(recv(c), ignore);
    auto late_too = after(1ms);
    CHECK((sluice::select(receives, sends, late_too) == late_too));
  });
}

TEST_CASE("a receive that its own set's send has passed over hears of the value") {
  channel<int> c(1);
  int got = 0;
  select_set set;
  set.add(recv(c), [&](std::optional<int> v) { got = *v; });
  set.add(send(c, 7), ignore);
  sluice::party& self = sluice::party::current();
  self.open();
  CHECK_FALSE(set.arm(self, 0));  // room: done alone. The receive is armed by then, and stays so
  CHECK(self.await() == 0);
  CHECK(set.complete());
  set.take();
  CHECK(set.try_wait());
  CHECK(got == 7);
}

TEST_CASE("opposed sets make progress and agree") {
  test::in_runtime([] {
    constexpr int rounds = test::scaled(4000);
    channel<int> a, b;
    // One party sends on a and receives from b, the other the other way round; whatever happens, it happens to both.
    const auto party = [](channel<int> out, channel<int> in, int n) {
      long balance = 0;
      for (int i = 0; i < n; ++i) {
        select_set set;
        set.add(send(out, i), [&](bool sent) { balance += sent ? 1 : 0; });
        set.add(recv(in), [&](std::optional<int> v) { balance -= v ? 1 : 0; });
        set.wait();
      }
      return balance;
    };
    auto left = sluice::go([=] { return party(a, b, rounds); });
    auto right = sluice::go([=] { return party(b, a, rounds); });
    CHECK(left.get() + right.get() == 0);
  });
}

TEST_CASE("every value arrives once: sets against sets, selects, threads, timeouts and cancels") {
  test::in_runtime([](unsigned workers) {
    constexpr int channels = 4, producers = 4, per_producer = test::scaled(6000);
    std::vector<channel<int>> pipes;
    for (int i = 0; i < channels; ++i) pipes.emplace_back(static_cast<std::size_t>(i % 3));
    std::atomic<long> sum{0}, count{0};
    test::tally bad;
    const auto note = [&](std::optional<int> v) {
      if (v) {
        sum += *v;
        ++count;
      }
    };
    // Sends what it is told, through a set that lives on; a lost wait keeps its value.
    const auto produce = [&](int id, bool many_sets) {
      for (int i = 0; i < per_producer;) {
        select_set set;
        bool sent = false;
        for (int k = 0; k < channels; ++k)
          if (!sent)
            set.add(send(pipes[static_cast<std::size_t>((id + k) % channels)], i), [&](bool ok) {
              bad.expect(ok && !sent);
              sent = true;
            });
        while (!sent) {
          if (many_sets && i % 7 == 0) {
            auto late = after(50us);
            if (sluice::select(set, late) == set) set.take();
          } else {
            set.wait();
          }
        }
        ++i;
      }
    };
    const auto consume = [&](bool limited) {
      select_set set;
      for (auto& c : pipes) set.add(recv(c), note);
      while (set.size() > 0) {
        if (limited)
          set.wait_for(30us);
        else
          set.wait();
      }
    };
    std::vector<sluice::future<void>> senders, receivers;
    std::atomic<bool> cancels_over{false};
    for (int p = 0; p < producers; ++p) senders.push_back(sluice::go([&, p] { produce(p, p % 2 == 0); }));
    for (int c = 0; c < 2; ++c) receivers.push_back(sluice::go([&, c] { consume(c == 1); }));
    // One that is cancelled again and again, in the middle of a wait of its set.
    auto hunted = sluice::go([&] {
      select_set set;
      for (auto& c : pipes) set.add(recv(c), note);
      while (set.size() > 0) {
        try {
          set.wait();
        } catch (const sluice::cancelled&) {
          if (cancels_over) return;
        }
      }
    });
    auto plain = sluice::go([&] {
      auto r0 = recv(pipes[0]);
      auto r1 = recv(pipes[1]);
      for (;;) {
        std::optional<int> v = sluice::select(r0, r1) == r0 ? r0.take() : r1.take();
        if (!v) return;
        note(v);
      }
    });
    std::thread thread([&] { consume(workers == 2); });
    auto hunter = sluice::go([&] {
      while (!cancels_over) {
        hunted.cancel();
        sluice::this_fiber::sleep_for(100us);
      }
    });
    test::join(senders);
    cancels_over = true;
    hunter.get();
    for (auto& c : pipes) c.close();
    test::join(receivers);
    plain.get();
    try {
      hunted.get();
    } catch (const sluice::cancelled&) {}
    thread.join();
    CHECK(bad.failures() == 0);
    CHECK(count == static_cast<long>(producers) * per_producer);
    CHECK(sum == static_cast<long>(producers) * per_producer * (per_producer - 1) / 2);
  });
}
