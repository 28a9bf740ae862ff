// semaphore: permits are conserved, nobody is starved, and a lost case leaves nothing behind.
#include "tests/support/harness.h"
#include "tests/support/probe_waiter.h"

#include <memory>
#include <random>
#include <stdexcept>
#include <vector>

using namespace std::chrono_literals;
using sluice::permit, sluice::select, sluice::semaphore, sluice::try_select;

namespace {

struct counted_room {
  explicit counted_room(int n) : limit(n) {}
  void enter(std::size_t n) { ok.expect(inside.fetch_add(static_cast<int>(n)) + static_cast<int>(n) <= limit); }
  void leave(std::size_t n) { inside.fetch_sub(static_cast<int>(n)); }
  const int limit;
  std::atomic<int> inside{0};
  test::tally ok;
};

// Random operations, for up to three permits at a time. Being cancelled ends one operation, and it holds nothing then.
void contend(semaphore& s, counted_room& room, unsigned seed, int rounds) {
  std::mt19937 r(seed);
  const auto use = [&](std::size_t n) {
    room.enter(n);
    if (r() % 4 == 0) {
      const sluice::shield whole;
      sluice::this_fiber::yield();
    }
    room.leave(n);
  };
  for (int i = 0; i < rounds; ++i) {
    const std::size_t n = 1 + r() % 3;
    try {
      switch (r() % 6) {
        case 0: {
          const permit held(s, n);
          use(n);
          break;
        }
        case 1:
          s.acquire(n);
          use(n);
          s.release(n);
          break;
        case 2:
          if (s.try_acquire(n)) {
            use(n);
            s.release(n);
          }
          break;
        case 3: {
          auto mine = sluice::acquire(s, n);
          auto late = sluice::after(std::chrono::microseconds(r() % 50));
          if (select(mine, late) == mine) {
            const permit held = mine.take();
            use(held.count());
          }
          break;
        }
        case 4: {  // won, and dropped
          auto mine = sluice::acquire(s, n);
          auto late = sluice::after(std::chrono::microseconds(r() % 20));
          select(mine, late);
          break;
        }
        case 5: {  // two cases on one semaphore
          auto few = sluice::acquire(s, 1);
          auto many = sluice::acquire(s, 3);
          permit held = select(few, many) == few ? few.take() : many.take();
          use(held.count());
          held.release();
          break;
        }
      }
    } catch (const sluice::cancelled&) {}
  }
}

}  // namespace

TEST_CASE("never more inside than there are permits, and all are back at the end") {
  test::in_runtime([](unsigned workers) {
    for (int round = 0; round < 4; ++round) {
      semaphore s(4);
      counted_room room(4);
      std::vector<sluice::future<void>> fibers;
      std::vector<std::thread> threads;
      std::atomic<int> begun{0}, left{8};
      for (unsigned i = 0; i < 8; ++i)
        fibers.push_back(sluice::go([&, i] {
          ++begun;
          contend(s, room, workers * 1000 + i, test::scaled(2'000));
          --left;
        }));
      for (unsigned i = 0; i < 2; ++i)
        threads.emplace_back([&, i] { contend(s, room, workers * 1000 + 100 + i, test::scaled(2'000)); });
      REQUIRE(test::eventually([&] { return begun == 8; }));
      for (unsigned i = 0; left > 0; ++i) {
        fibers[i % 8].cancel();
        sluice::this_fiber::sleep_for(50us);
      }
      test::join(fibers);
      for (auto& t : threads) t.join();
      CHECK(room.ok.failures() == 0);
      CHECK(s.available() == 4);
      CHECK(s.try_acquire(4));  // nobody is left in line
    }
  });
}

TEST_CASE("first come, first served: few do not overtake many, and go on when many give up") {
  test::in_runtime([] {
    semaphore s(2);
    const permit one(s);
    auto many = sluice::acquire(s, 2);
    test::probe_waiter first;
    REQUIRE(many.arm(first, 0));
    CHECK(s.available() == 1);
    CHECK_FALSE(s.try_acquire());
    auto few = sluice::go([&] { const permit held(s); });
    test::let_others_block();
    CHECK_FALSE(few.ready());
    many.disarm();
    few.get();
    CHECK(s.available() == 1);
  });
}

TEST_CASE("many get theirs though few come and go all the time") {
  test::in_runtime([] {
    semaphore s(3);
    std::atomic<bool> served{false};
    std::vector<sluice::future<void>> few;
    for (int i = 0; i < 4; ++i)
      few.push_back(sluice::go([&] {
        while (!served) {
          const permit held(s);
          sluice::this_fiber::yield();
        }
      }));
    for (int i = 0; i < test::scaled(200); ++i) const permit all(s, 3);
    served = true;
    test::join(few);
    CHECK(s.available() == 3);
  });
}

TEST_CASE("a case that lost holds no permit and no place; one that won and is dropped gives back") {
  semaphore s(0);
  auto mine = sluice::acquire(s);
  auto soon = sluice::after(1ms);
  CHECK((select(mine, soon) == soon));
  s.release();
  CHECK(s.available() == 1);
  {
    auto won = sluice::acquire(s);
    REQUIRE(won.poll());
    auto moved = std::move(won);
    CHECK(s.available() == 0);
    moved = sluice::acquire(s);
    CHECK(s.available() == 1);
    REQUIRE(moved.poll());
  }
  CHECK(s.available() == 1);
}

TEST_CASE("a permit is given back once: early, late, moved, or never") {
  semaphore s(3);
  {
    permit one(s);
    permit two(s, 2);
    CHECK(s.available() == 0);
    one.release();
    one.release();
    CHECK(s.available() == 1);
    permit moved = std::move(two);
    one = std::move(moved);
    CHECK(one.count() == 2);
    CHECK(s.available() == 1);
  }
  CHECK(s.available() == 3);
  permit(s, 2).forget();
  CHECK(s.available() == 1);
  CHECK(s.try_acquire(0));
  const permit none(s, 0);
}

TEST_CASE("errors say what is wrong, and change nothing") {
  constexpr auto max = semaphore::max();
  CHECK_THROWS_WITH_AS(semaphore(max + 1), "sluice: 4294967296 permits are more than a semaphore can have",
                       std::invalid_argument);
  semaphore s(max - 1);
  CHECK_THROWS_WITH_AS(s.release(2), "sluice: release(2) of a semaphore that has 4294967294 permits: more than it can have",
                       std::overflow_error);
  CHECK_THROWS_AS(s.acquire(max + 1), std::invalid_argument);
  CHECK_THROWS_AS(sluice::acquire(s, max + 1), std::invalid_argument);
  CHECK_FALSE(s.try_acquire(max));
  CHECK_FALSE(s.try_acquire(max + 1));
  s.release();
  CHECK(s.try_acquire(max));
  CHECK(s.available() == 0);
}

TEST_CASE("whoever gets the last permit may destroy the semaphore") {
  test::in_runtime([] {
    for (int i = 0; i < test::scaled(2'000); ++i) {
      auto owned = std::make_unique<semaphore>(0);
      semaphore& s = *owned;
      auto waits = sluice::go([owned = std::move(owned)]() mutable {
        owned->acquire(2);
        owned.reset();
      });
      if (i % 2 == 0) sluice::this_fiber::yield();
      s.release();
      if (i % 3 == 0)
        std::thread([&] { s.release(); }).join();
      else
        s.release();
      waits.get();
    }
  });
}
