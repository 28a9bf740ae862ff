// Nothing lost, nothing twice, when waits are composed at random and cut short by clocks and cancels; and events that stay
// armed on a proxy while their owner comes and goes.
#include "tests/support/harness.h"

#include <sluice/futures/proxy_waiter.h>

#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using sluice::channel, sluice::choose, sluice::guard, sluice::recv, sluice::select, sluice::send, sluice::try_select,
    sluice::with_nack, sluice::wrap;

namespace {

struct result {
  enum { sent, refused, received, closed, timeout } what;
  int id = 0;
};

// What became of each value: offered once; accepted from its sender, and received, equally often.
class book {
 public:
  explicit book(int n) : n_(n), accepted_(static_cast<std::size_t>(n)), received_(static_cast<std::size_t>(n)) {}

  std::optional<int> next() {
    const int id = next_.fetch_add(1);
    return id < n_ ? std::optional(id) : std::nullopt;
  }
  void note(const result& r, int offered) {
    if (r.what == result::sent) ++accepted_[static_cast<std::size_t>(offered)];
    if (r.what == result::received) ++received_[static_cast<std::size_t>(r.id)];
  }
  void check() {
    int wrong = 0;
    int exchanged = 0;
    for (std::size_t i = 0; i < accepted_.size(); ++i) {
      wrong += accepted_[i] > 1 || accepted_[i] != received_[i];
      exchanged += accepted_[i];
    }
    CHECK(wrong == 0);
    CHECK(exchanged > 0);
  }

 private:
  const int n_;
  std::atomic<int> next_{0};
  std::vector<std::atomic<int>> accepted_;
  std::vector<std::atomic<int>> received_;
};

auto offer(const channel<int>& c, int id) {
  return wrap(send(c, id), [](bool ok) { return result{ok ? result::sent : result::refused}; });
}
auto demand(const channel<int>& c) {
  return wrap(recv(c), [](std::optional<int> v) { return v ? result{result::received, *v} : result{result::closed}; });
}
auto clock(std::mt19937& r) {
  return wrap(sluice::after(std::chrono::microseconds(r() % 150)), [] { return result{result::timeout}; });
}

template <class E>
result sync(E e) {
  select(e);
  return e.take();
}

struct world {
  explicit world(int n) : values(n) {}
  const std::array<channel<int>, 3> c{channel<int>(), channel<int>(), channel<int>(1)};
  book values;
  std::atomic<int> parties{0}, begun{0}, lost{0}, happened{0};
  const channel<int>& any(std::mt19937& r) const { return c[r() % c.size()]; }
};

// One composed wait that offers `id` and may take another.
result wait_somehow(world& w, std::mt19937& r, int id) {
  switch (r() % 8) {
    case 0:
      return sync(choose(offer(w.any(r), id), demand(w.any(r)), clock(r)));
    case 1:
      return sync(choose(choose(demand(w.any(r)), offer(w.any(r), id)), choose(demand(w.any(r)), clock(r))));
    case 2: {  // half of it in the select, and twice on one channel
      const channel<int>& c = w.any(r);
      auto e = choose(choose(demand(c), clock(r)), offer(c, id));
      auto other = demand(c);
      return select(e, other) == e ? e.take() : other.take();
    }
    case 3: {
      std::vector<decltype(demand(w.c[0]))> all;
      for (const auto& ch : w.c) all.push_back(demand(ch));
      auto any = wrap(choose(std::move(all)), [](std::pair<std::size_t, result> p) { return p.second; });
      return sync(choose(clock(r), std::move(any)));
    }
    case 4: {
      auto e = choose(demand(w.any(r)), offer(w.any(r), id));
      return try_select(e) ? e.take() : result{result::timeout};
    }
    case 5: {  // of each request that has begun, either it happened or its nack has fired
      std::optional<sluice::nack_event> nack;
      auto e = with_nack([&](sluice::nack_event n) {
        ++w.begun;
        nack.emplace(std::move(n));
        return offer(w.any(r), id);
      });
      const auto settle = [&](bool won) {
        if (!nack) return;
        if (won) ++w.happened;
        if (nack->poll()) ++w.lost;
      };
      auto other = choose(demand(w.any(r)), clock(r));
      try {
        const bool won = select(e, other) == e;
        settle(won);
        return won ? e.take() : other.take();
      } catch (...) {
        settle(false);
        throw;
      }
    }
    case 6: {
      auto e = choose(guard([&] { return choose(demand(w.any(r)), clock(r)); }), guard([&] { return offer(w.any(r), id); }));
      return sync(std::move(e));
    }
    default: {
      result got{result::timeout};
      select(sluice::on(choose(offer(w.any(r), id), demand(w.any(r))), [&](result x) { got = x; }),
             sluice::on(clock(r), [](result) {}));
      return got;
    }
  }
}

void party(world& w, unsigned seed) {
  std::mt19937 r(seed);
  ++w.parties;
  while (const auto id = w.values.next()) {
    try {
      w.values.note(wait_somehow(w, r, *id), *id);
    } catch (const sluice::cancelled&) {}
  }
}

void drain(world& w) {
  for (const auto& ch : w.c) {
    ch.close();
    for (const int id : ch) w.values.note({result::received, id}, -1);
  }
}

}  // namespace

TEST_CASE("composed waits at random, in fibers and threads: each value is accepted and received once, or neither") {
  test::in_runtime([] {
    world w(test::scaled(60'000));
    std::vector<sluice::future<void>> fibers;
    for (unsigned i = 0; i < 4; ++i) fibers.push_back(sluice::go([&w, i] { party(w, i); }));
    const channel<int> ended(2);
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 2; ++i)
      threads.emplace_back([&, i] {
        party(w, 10 + i);
        ended.send(0);
      });
    test::join(fibers);
    for (std::size_t i = 0; i < threads.size(); ++i) ended.recv();
    for (auto& t : threads) t.join();
    drain(w);
    w.values.check();
    CHECK(w.begun == w.lost + w.happened);
  });
}

TEST_CASE("the same while they are cancelled again and again") {
  test::in_runtime([] {
    world w(test::scaled(30'000));
    std::vector<sluice::future<void>> fibers;
    for (unsigned i = 0; i < 4; ++i) fibers.push_back(sluice::go([&w, i] { party(w, 20 + i); }));
    CHECK(test::eventually([&] { return w.parties == 4; }));
    for (bool more = true; more; sluice::this_fiber::yield()) {
      more = false;
      for (auto& f : fibers) more |= f.cancel();
    }
    for (auto& f : fibers) {
      f.get();
    }
    drain(w);
    w.values.check();
    CHECK(w.begun == w.lost + w.happened);
  });
}

namespace {

// The least that keeps events armed between waits: they are armed on a proxy, which is attached while its owner waits.
template <class E>
class kept_armed final : public sluice::detail::proxy_waiter {
 public:
  using value_type = std::size_t;
  explicit kept_armed(std::vector<E> members) : members_(std::move(members)), missed_(members_.size(), true) {}
  kept_armed(kept_armed&&) noexcept { std::abort(); }  // for the concept; it is armed for as long as it lives
  ~kept_armed() {
    for (auto& e : members_) e.disarm();
  }
  E& operator[](std::size_t i) { return members_[i]; }

  bool poll() {
    for (std::size_t i = 0; done_ == nobody && i < members_.size(); ++i)
      if (is_missed(i) && members_[i].poll()) done_ = static_cast<std::uint32_t>(i);
    return done_ != nobody;
  }
  bool arm(sluice::waiter& w, std::uint32_t index) noexcept {
    attach(w, index);
    for (std::uint32_t i = 0; i < members_.size(); ++i)
      if (take_missed(i) && !members_[i].arm(*this, i)) {
        miss(i);
        return false;
      }
    return true;
  }
  void disarm() noexcept { detach(); }
  bool complete() {
    const std::uint32_t i = winner();
    detach();
    miss(i);
    if (sluice::detail::complete(members_[i])) done_ = i;
    return done_ != nobody;
  }
  std::size_t take() { return std::exchange(done_, nobody); }

 private:
  void missed(std::uint32_t event) noexcept override { missed_[event] = true; }
  void miss(std::size_t i) {
    lock_.lock();
    missed_[i] = true;
    lock_.unlock();
  }
  bool take_missed(std::size_t i) {
    lock_.lock();
    const bool was = std::exchange(missed_[i], false);
    lock_.unlock();
    return was;
  }
  bool is_missed(std::size_t i) {
    lock_.lock();
    const bool is = missed_[i];
    lock_.unlock();
    return is;
  }

  std::vector<E> members_;
  std::vector<char> missed_;
  std::uint32_t done_ = nobody;
};

}  // namespace

TEST_CASE("chooses that stay armed between waits, and are armed again for what they missed, take every value once") {
  test::in_runtime([] {
    const int n = test::scaled(40'000);
    std::array<channel<int>, 4> c{channel<int>(), channel<int>(1), channel<int>(), channel<int>(2)};
    std::vector<sluice::future<void>> senders;
    std::vector<std::atomic<int>> received(static_cast<std::size_t>(n));
    std::atomic<int> next{0};
    for (int k = 0; k < 3; ++k)
      senders.push_back(sluice::go([&, k] {
        std::mt19937 r(static_cast<unsigned>(k));
        for (int id = 0; (id = next.fetch_add(1)) < n;) {
          if (id % 5 == 0) {
            auto either = choose(send(c[r() % 4], id), choose(send(c[r() % 4], id), send(c[r() % 4], id)));
            select(either);
            static_cast<void>(either.take());
          } else {
            c[r() % 4].send(id);
          }
        }
      }));
    const auto two = [&](std::size_t i) { return choose(recv(c[i]), choose(recv(c[i + 1]), recv(c[i]))); };
    const auto serve = [&] {
      std::vector<decltype(two(0))> members;
      for (const std::size_t i : {0U, 2U}) members.push_back(two(i));
      kept_armed set(std::move(members));
      std::mt19937 r(7);
      for (int ended = 0; ended < 20;) {  // each look at a closed channel counts
        auto soon = sluice::after(std::chrono::microseconds(r() % 50));
        if (select(soon, set) == soon) {
          sluice::this_fiber::yield();
          continue;
        }
        if (const auto v = set[set.take()].take())
          ++received[static_cast<std::size_t>(*v)];
        else
          ++ended;
      }
    };
    std::array<sluice::future<void>, 2> servers{sluice::go(serve), sluice::go(serve)};
    test::join(senders);
    for (auto& ch : c) ch.close();
    for (auto& f : servers) f.get();
    for (auto& ch : c)
      for (const int id : ch) ++received[static_cast<std::size_t>(id)];
    int wrong = 0;
    for (const auto& times : received) wrong += times != 1;
    CHECK(wrong == 0);
  });
}

TEST_CASE("a choose in a select_set sends once, also to one that it missed") {
  test::in_runtime([] {
    channel<std::string> out;
    channel<int> in;
    sluice::select_set set;
    int sent = 0;
    int received = 0;
    set.add(choose(wrap(send(out, std::string("a value that is too long for the small string")),
                        [](bool ok) { return ok ? -1 : -2; }),
                   wrap(recv(in), [](std::optional<int> v) { return *v; })),
            [&](int v) { v == -1 ? ++sent : received += v; });
    CHECK_FALSE(set.wait_for(1ms));  // both are armed
    auto give = sluice::go([&] { in.send(5); });
    auto take = sluice::go([&] { return out.recv(); });
    test::let_others_block();  // both partners have met the set while nobody waited for it
    CHECK(set.wait_for(30s));
    CHECK(set.wait_for(30s));
    give.get();
    CHECK(take.get()->size() > 20);
    CHECK(sent == 1);
    CHECK(received == 5);
    auto late = sluice::after(2ms);
    auto again = recv(out);
    auto on_its_own = sluice::go([&] { return select(again, late) == late; });
    CHECK_FALSE(set.wait_for(20ms));
    CHECK(on_its_own.get());  // there is nobody who would send
    CHECK(set.size() == 1);
  });
}

TEST_CASE("a request in a select_set is open until it is removed") {
  test::in_runtime([] {
    std::optional<sluice::nack_event> nack;
    int begun = 0;
    channel<int> c(1);
    sluice::select_set set;
    const auto key = set.add(choose(wrap(with_nack([&](sluice::nack_event n) {
                                           ++begun;
                                           nack.emplace(std::move(n));
                                           return sluice::never();
                                         }),
                                         [] { return 0; })),
                             [](int) {});
    set.add(recv(c), [](std::optional<int>) {});
    for (int i = 0; i < 3; ++i) {
      c.send(i);
      CHECK(set.wait());
      CHECK_FALSE(set.wait_for(1ms));
    }
    CHECK(begun == 1);
    CHECK_FALSE(nack->poll());
    CHECK(set.remove(key));
    CHECK(nack->poll());
  });
}

TEST_CASE("a choose in a select_set waits again for what it missed, beside what it still waits for") {
  test::in_runtime([] {
    const channel<int> a;
    const channel<int> b;
    int got = 0;
    sluice::select_set set;
    set.add(choose(recv(a), choose(recv(b), recv(a))), [&](std::optional<int> v) { got += *v; });
    for (int i = 0; i < 5; ++i) {
      CHECK_FALSE(set.wait_for(1ms));                 // armed
      CHECK_FALSE(static_cast<bool>(a.try_send(1)));  // missed: nobody waits for the set
      auto partner = sluice::go([&] {
        test::let_others_block();
        a.send(10);
        test::let_others_block();
        b.send(100);
      });
      CHECK(set.wait_for(30s));
      CHECK(set.wait_for(30s));
      partner.get();
    }
    CHECK(got == 5 * 110);
  });
}
