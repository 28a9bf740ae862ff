// condition: no notification is lost, and whatever ends a wait, the lock is held again.
#include "tests/support/harness.h"
#include "tests/support/probe_waiter.h"

#include <deque>
#include <memory>
#include <mutex>
#include <numeric>
#include <random>
#include <system_error>
#include <vector>

using namespace std::chrono_literals;
using sluice::condition, sluice::mutex, sluice::select;

namespace {

// A bounded queue as in the textbook; its plain data is the proof that the lock is held after each wait.
class bounded_queue {
 public:
  explicit bounded_queue(std::size_t room) : room_(room) {}

  void push(int v) {
    std::unique_lock lock(m_);
    not_full_.wait(lock, [&] { return values_.size() < room_; });
    values_.push_back(v);
    lock.unlock();
    not_empty_.notify_one();
  }
  int pop() {
    std::unique_lock lock(m_);
    not_empty_.wait(lock, [&] { return !values_.empty(); });
    return take_first();
  }
  // The same, but gives up now and then.
  int pop_impatiently(std::mt19937& r) {
    for (;;) {
      auto late = sluice::after(std::chrono::microseconds(r() % 100));
      for (std::unique_lock lock(m_);; lock.lock()) {
        if (!values_.empty()) return take_first();
        auto news = sluice::notified(not_empty_);
        lock.unlock();
        if (select(news, late) == late) break;
      }
    }
  }

 private:
  int take_first() {
    const int v = values_.front();
    values_.pop_front();
    not_full_.notify_one();
    return v;
  }
  const std::size_t room_;
  mutex m_;
  condition not_empty_, not_full_;
  std::deque<int> values_;
};

}  // namespace

TEST_CASE("every value arrives, whoever waits how: one lost notification would hang this") {
  test::in_runtime([](unsigned workers) {
    for (const std::size_t room : {1U, 3U}) {
      bounded_queue q(room);
      const int each = test::scaled(4'000);
      constexpr int pairs = 3;
      std::atomic<long> sum{0};
      std::vector<sluice::future<void>> fibers;
      std::vector<std::thread> threads;
      const auto produce = [&] {
        for (int i = 1; i <= each; ++i) q.push(i);
      };
      const auto consume = [&] {
        for (int i = 0; i < each; ++i) sum += q.pop();
      };
      const auto consume_impatiently = [&] {
        std::mt19937 r(workers);
        for (int i = 0; i < each; ++i) sum += q.pop_impatiently(r);
      };
      fibers.push_back(sluice::go(produce));
      fibers.push_back(sluice::go(produce));
      fibers.push_back(sluice::go(consume));
      fibers.push_back(sluice::go(consume_impatiently));
      threads.emplace_back(produce);
      threads.emplace_back(consume);
      test::join(fibers);
      for (auto& t : threads) t.join();
      CHECK(sum == pairs * (static_cast<long>(each) * (each + 1) / 2));
    }
  });
}

TEST_CASE("turns: each side notifies one, and waits for its own") {
  test::in_runtime([] {
    mutex m;
    condition c;
    int turn = 0;
    const int rounds = test::scaled(4'000);
    const auto play = [&](int me) {
      std::unique_lock lock(m);
      for (int i = 0; i < rounds; ++i) {
        c.wait(lock, [&] { return turn == me; });
        turn = 1 - me;
        c.notify_one();
      }
    };
    auto fiber = sluice::go([&] { play(0); });
    play(1);
    fiber.get();
    std::thread thread([&] { play(0); });
    play(1);
    thread.join();
  });
}

TEST_CASE("notify_all wakes all who wait, notify_one the one who came first") {
  test::in_runtime([] {
    mutex m;
    condition c;
    std::vector<int> woken;
    int waiting = 0;
    int allowed = 0;
    std::vector<sluice::future<void>> fibers;
    constexpr int n = 8;
    for (int i = 0; i < n; ++i) {
      fibers.push_back(sluice::go([&, i] {
        std::unique_lock lock(m);
        ++waiting;
        c.wait(lock, [&] { return allowed > static_cast<int>(woken.size()); });
        woken.push_back(i);
      }));
      REQUIRE(test::eventually([&] {
        const std::scoped_lock lock(m);
        return waiting == i + 1;
      }));
    }
    for (int k = 1; k <= n / 2; ++k) {
      {
        const std::scoped_lock lock(m);
        allowed = k;
      }
      c.notify_one();
      REQUIRE(test::eventually([&] {
        const std::scoped_lock lock(m);
        return static_cast<int>(woken.size()) == k;
      }));
      CHECK(woken.back() == k - 1);
    }
    {
      const std::scoped_lock lock(m);
      allowed = n;
    }
    c.notify_all();
    test::join(fibers);
    CHECK(woken.size() == n);
  });
}

TEST_CASE("a cancelled wait has the lock again, even if it must wait for it, and the notification goes to another") {
  test::in_runtime([] {
    for (int i = 0; i < test::scaled(200); ++i) {
      mutex m;
      condition c;
      int waiting = 0;
      bool held_after = false;
      std::unique_lock lock(m);
      auto f = sluice::go([&] {
        std::unique_lock own(m);
        ++waiting;
        try {
          c.wait(own);
        } catch (const sluice::cancelled&) {
          held_after = own.owns_lock() && !m.try_lock();
          throw;
        }
      });
      auto other = sluice::go([&] {
        std::unique_lock own(m);
        ++waiting;
        c.wait(own);
      });
      lock.unlock();
      REQUIRE(test::eventually([&] {
        lock.lock();
        const bool both = waiting == 2;
        if (!both) lock.unlock();
        return both;
      }));
      f.cancel();
      f.cancel();  // nor is the wait for the lock cut short
      sluice::this_fiber::yield();
      CHECK_FALSE(f.ready());
      lock.unlock();
      CHECK_THROWS_AS(f.get(), sluice::cancelled);
      CHECK(held_after);
      c.notify_one();
      other.get();
      CHECK(m.try_lock());
      m.unlock();
    }
  });
}

TEST_CASE("notified, but told to stop before it has the lock: the wait is not undone, the next one is cancelled") {
  test::in_runtime([] {
    mutex m;
    condition c;
    bool waiting = false;
    bool locked_again = false;
    auto f = sluice::go([&] {
      std::unique_lock own(m);
      waiting = true;
      c.wait(own);
      locked_again = own.owns_lock();
      c.wait(own);
    });
    std::unique_lock lock(m, std::defer_lock);
    REQUIRE(test::eventually([&] {
      lock.lock();
      const bool there = waiting;
      if (!there) lock.unlock();
      return there;
    }));
    c.notify_one();
    test::let_others_block();  // in the queue of the mutex now
    f.cancel();
    sluice::this_fiber::yield();
    CHECK_FALSE(f.ready());
    lock.unlock();
    CHECK_THROWS_AS(f.get(), sluice::cancelled);
    CHECK(locked_again);
  });
}

TEST_CASE("an event counts what comes after it was made, armed or not") {
  condition c;
  c.notify_one();
  auto before = sluice::notified(c);
  CHECK_FALSE(before.poll());
  c.notify_one();  // nobody is in the queue
  auto after = sluice::notified(c);
  CHECK(before.poll());
  CHECK_FALSE(after.poll());
  before.take();
  CHECK_FALSE(before.poll());
}

TEST_CASE("who has stopped waiting does not use up a notification") {
  condition c;
  auto first = sluice::notified(c);
  auto second = sluice::notified(c);
  test::probe_waiter gone;
  test::probe_waiter waits;
  REQUIRE(first.arm(gone, 0));
  REQUIRE(second.arm(waits, 1));
  REQUIRE(gone.lose());
  c.notify_one();
  CHECK(waits.decided_for() == 1U);
  first.disarm();
}

TEST_CASE("wait wants the lock") {
  mutex m;
  condition c;
  std::unique_lock lock(m, std::defer_lock);
  CHECK_THROWS_AS(c.wait(lock), std::system_error);
  c.notify_all();
}

TEST_CASE("it may be destroyed when all are notified, though they are still on their way") {
  test::in_runtime([] {
    for (int i = 0; i < test::scaled(1'000); ++i) {
      mutex m;
      auto c = std::make_unique<condition>();
      int waiting = 0;
      std::vector<sluice::future<void>> fibers;
      for (int k = 0; k < 3; ++k)
        fibers.push_back(sluice::go([&] {
          std::unique_lock lock(m);
          ++waiting;
          c->wait(lock);
        }));
      for (bool all = false; !all;) {
        std::unique_lock lock(m);
        all = waiting == 3;
        if (all) {
          c->notify_all();
          c.reset();
        } else {
          lock.unlock();
          sluice::this_fiber::yield();
        }
      }
      test::join(fibers);
    }
  });
}
