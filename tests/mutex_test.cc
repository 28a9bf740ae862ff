// mutex: one at a time, nobody is forgotten, and a lost case leaves nothing behind.
#include "tests/support/harness.h"

#include <array>
#include <memory>
#include <mutex>
#include <random>
#include <vector>

using namespace std::chrono_literals;
using sluice::mutex, sluice::select, sluice::try_select;

namespace {

// Plain data that only the owner of a mutex may touch: TSan sees every pair that the lock does not order.
class guarded {
 public:
  void touch() {
    ok_ = ok_ && !inside_;
    inside_ = true;
    ++count_;
    inside_ = false;
  }
  void touch_and_wait() {
    ok_ = ok_ && !inside_;
    inside_ = true;
    ++count_;
    const sluice::shield whole;
    sluice::this_fiber::yield();
    inside_ = false;
  }
  bool ok() const { return ok_; }
  long count() const { return count_; }

 private:
  bool inside_ = false;
  bool ok_ = true;
  long count_ = 0;
};

struct two_locks {
  std::array<mutex, 2> m;
  std::array<guarded, 2> data;
  std::atomic<long> touched{0};
};

void touch(two_locks& w, std::size_t i, std::mt19937& r) {
  if (r() % 8 == 0)
    w.data[i].touch_and_wait();
  else
    w.data[i].touch();
  ++w.touched;
}

// Random operations on two mutexes. Being cancelled ends one operation, and it holds nothing then.
void contend(two_locks& w, unsigned seed, int rounds) {
  std::mt19937 r(seed);
  for (int n = 0; n < rounds; ++n) {
    const std::size_t i = r() % 2;
    try {
      switch (r() % 8) {
        case 0:
        case 1: {
          const std::scoped_lock held(w.m[i]);
          touch(w, i, r);
          break;
        }
        case 2:
          if (w.m[i].try_lock()) {
            const std::scoped_lock held(std::adopt_lock, w.m[i]);
            touch(w, i, r);
          }
          break;
        case 3: {
          auto mine = sluice::lock(w.m[i]);
          auto late = sluice::after(std::chrono::microseconds(r() % 50));
          if (select(mine, late) == mine) {
            const auto held = mine.take();
            touch(w, i, r);
          }
          break;
        }
        case 4: {  // opposed, depending on the caller
          auto one = sluice::lock(w.m[i]);
          auto other = sluice::lock(w.m[1 - i]);
          const bool first = select(one, other) == one;
          const auto held = first ? one.take() : other.take();
          touch(w, first ? i : 1 - i, r);
          break;
        }
        case 5: {  // won, and dropped
          auto mine = sluice::lock(w.m[i]);
          auto late = sluice::after(std::chrono::microseconds(r() % 20));
          select(mine, late);
          break;
        }
        case 6: {
          const std::scoped_lock both(w.m[i], w.m[1 - i]);
          touch(w, 0, r);
          touch(w, 1, r);
          break;
        }
        case 7: {
          auto one = sluice::lock(w.m[i]);
          auto other = sluice::lock(w.m[1 - i]);
          if (const auto won = try_select(one, other)) {
            const bool first = won == one;
            const auto held = first ? one.take() : other.take();
            touch(w, first ? i : 1 - i, r);
          }
          break;
        }
      }
    } catch (const sluice::cancelled&) {}
  }
}

}  // namespace

TEST_CASE("one at a time, whatever fibers and threads do with two mutexes") {
  test::in_runtime([](unsigned workers) {
    for (int round = 0; round < 4; ++round) {
      two_locks w;
      std::vector<sluice::future<void>> fibers;
      std::vector<std::thread> threads;
      std::atomic<int> begun{0}, left{8};
      for (unsigned i = 0; i < 8; ++i)
        fibers.push_back(sluice::go([&, i] {
          ++begun;
          contend(w, workers * 1000 + i, test::scaled(1'000));
          --left;
        }));
      for (unsigned i = 0; i < 2; ++i)
        threads.emplace_back([&, i] { contend(w, workers * 1000 + 100 + i, test::scaled(1'000)); });
      REQUIRE(test::eventually([&] { return begun == 8; }));
      for (unsigned i = 0; left > 0; ++i) {
        fibers[i % 8].cancel();
        sluice::this_fiber::sleep_for(50us);
      }
      for (auto& f : fibers) {
        f.wait();
        try {
          f.get();
        } catch (const sluice::cancelled&) {  // after its last operation, in ++begun's wait for nothing
        }
      }
      for (auto& t : threads) t.join();
      CHECK(w.data[0].ok());
      CHECK(w.data[1].ok());
      CHECK(w.data[0].count() + w.data[1].count() == w.touched);
      for (mutex& m : w.m) {  // losers kept no lock
        CHECK(m.try_lock());
        m.unlock();
      }
    }
  });
}

TEST_CASE("a case that lost holds no lock and no place") {
  test::in_runtime([] {
    mutex m;
    std::unique_lock held(m);
    auto mine = sluice::lock(m);
    auto soon = sluice::after(1ms);
    CHECK((select(mine, soon) == soon));
    held.unlock();
    CHECK(m.try_lock());  // not handed to the one that gave up
    CHECK_FALSE(m.try_lock());
    m.unlock();
    CHECK(static_cast<bool>(try_select(mine)));
    CHECK_FALSE(m.try_lock());
    auto moved = std::move(mine);
    moved = sluice::lock(m);  // gives back what it had
    CHECK(m.try_lock());
    m.unlock();
  });
}

TEST_CASE("an event that won and is not taken gives the lock back, and so does what it was moved to") {
  mutex m;
  {
    auto mine = sluice::lock(m);
    REQUIRE(mine.poll());
    auto other = std::move(mine);
    CHECK_FALSE(m.try_lock());
  }
  CHECK(m.try_lock());
  m.unlock();
}

TEST_CASE("a fiber that is cancelled while it waits does not hold the lock, and the next one gets it") {
  test::in_runtime([] {
    for (int i = 0; i < test::scaled(500); ++i) {
      mutex m;
      std::unique_lock held(m);
      std::atomic<int> begun{0};
      bool got = false;
      const auto wait = [&] {
        ++begun;
        const std::scoped_lock l(m);
        got = true;
      };
      auto first = sluice::go(wait);
      while (begun < 1) sluice::this_fiber::yield();
      auto second = sluice::go(wait);
      while (begun < 2) sluice::this_fiber::yield();
      first.cancel();
      CHECK_THROWS_AS(first.get(), sluice::cancelled);
      CHECK_FALSE(got);
      held.unlock();
      second.get();
      CHECK(got);
    }
  });
}

TEST_CASE("an owner that never lets go for longer than it takes to lock again does not starve the others") {
  test::in_runtime([] {
    mutex m;
    std::atomic<int> served{0};
    constexpr int waiters = 3;
    const auto wait = [&] {
      const std::scoped_lock mine(m);
      ++served;
    };
    m.lock();
    std::vector<sluice::future<void>> fibers;
    for (int i = 0; i < waiters; ++i) fibers.push_back(sluice::go(wait));
    std::thread thread(wait);
    test::let_others_block();
    long rounds = 0;
    for (; served < waiters + 1 && rounds < 20'000; ++rounds) {
      m.unlock();
      m.lock();
      sluice::this_fiber::sleep_for(10us);  // whoever was woken meanwhile finds it locked
    }
    CHECK(served == waiters + 1);
    m.unlock();
    test::join(fibers);
    thread.join();
  });
}

TEST_CASE("it may be unlocked elsewhere, and destroyed by the next owner at once") {
  test::in_runtime([] {
    for (int i = 0; i < test::scaled(2'000); ++i) {
      auto m = std::make_unique<mutex>();
      mutex& borrowed = *m;
      borrowed.lock();
      auto next = sluice::go([owned = std::move(m)]() mutable {
        owned->lock();
        owned->unlock();
        owned.reset();
      });
      if (i % 2 == 0) sluice::this_fiber::yield();
      if (i % 3 == 0)
        std::thread([&] { borrowed.unlock(); }).join();
      else
        borrowed.unlock();
      next.get();
    }
  });
}

TEST_CASE("a default is taken only if there was a moment at which no lock was free") {
  test::in_runtime([] {
    std::array<mutex, 2> m;
    std::atomic<bool> stop{false};
    const auto move = [&] {  // holds one of two, so one is free at any moment
      for (std::size_t i = 0; !stop; i = 1 - i) {
        const std::scoped_lock held(m[i]);
        if (i == 0) sluice::this_fiber::yield();
      }
    };
    auto fiber = sluice::go(move);
    test::tally ok;
    const auto look = [&] {
      for (int i = 0; i < test::scaled(20'000); ++i) {
        auto first = sluice::lock(m[0]);
        auto second = sluice::lock(m[1]);
        ok.expect(static_cast<bool>(try_select(first, second)));
      }
    };
    std::thread(look).join();
    stop = true;
    fiber.get();
    CHECK(ok.failures() == 0);
  });
}
