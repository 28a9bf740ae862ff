// actors.h - what the fibers of the torture program do.
#pragma once

#include "tests/stress/accounts.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <random>
#include <thread>
#include <utility>
#include <vector>

namespace torture {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using dice = std::minstd_rand;
using parcels = sluice::channel<parcel>;

inline std::chrono::microseconds up_to(dice& r, std::chrono::microseconds most) {
  return std::chrono::microseconds(r() % static_cast<unsigned>(most.count() + 1));
}

inline void burn(clock::duration d) {
  for (const auto end = clock::now() + d; clock::now() < end;) {}
}

// What the fibers of an era share.
struct world {
  explicit world(accounts& a, std::uint32_t s) : book(a), seed(s) {}

  static sluice::channel_options<parcel> room(std::size_t capacity) {
    return {.capacity = capacity, .undelivered = [](parcel&& p) noexcept { p.settle(&accounts::values::undelivered); }};
  }
  const parcels& any(dice& r) const { return all[r() % all.size()]; }
  bool on() const noexcept { return !over.load(std::memory_order_relaxed); }

  accounts& book;
  const std::uint32_t seed;
  std::atomic<bool> over{false};
  const std::array<parcels, 4> all{parcels(room(0)), parcels(room(1)), parcels(room(7)), parcels(room(sluice::unbounded))};
  const sluice::channel<int> never;
  sluice::mutex mutex;
  std::uint64_t under_mutex = 0;
  std::atomic<int> inside{0};
  sluice::semaphore slots{3};
  std::atomic<int> in_slots{0};
};

inline void received(std::optional<parcel> p) {
  if (p) p->settle(&accounts::values::received);
}

inline void producer(world& w, dice r) {
  while (w.on()) {
    outgoing mine(w.book);
    const parcels& to = w.any(r);
    switch (r() % 6) {
      case 0:
        to.send(std::move(mine.value));
        break;
      case 1:
        to.try_send(std::move(mine.value));
        break;
      case 2: {
        auto out = sluice::send(to, std::move(mine.value));
        const take_back unless_sent{out, mine};
        auto late = sluice::after(up_to(r, 500us));
        if (sluice::select(out, late) == out) out.take();
        break;
      }
      case 3: {
        auto out = sluice::send(to, std::move(mine.value));
        const take_back unless_sent{out, mine};
        auto in = sluice::recv(w.any(r));
        auto late = sluice::after(1ms);
        const auto won = sluice::select(in, out, late);
        if (won == out) out.take();
        if (won == in) received(in.take());
        break;
      }
      case 4: {
        std::vector<parcel> several;
        for (int i = 0; i < 5; ++i) several.emplace_back(w.book);
        const auto sent = to.try_send_many(several);
        for (std::size_t i = sent; i < several.size(); ++i) several[i].settle(&accounts::values::kept);
        break;
      }
      default:
        sluice::blocking([to, mine = std::move(mine), mark = ticket(w.book)]() mutable {
          mark.use();
          auto out = sluice::send(to, std::move(mine.value));
          const take_back unless_sent{out, mine};
          auto late = sluice::after(2ms);
          if (sluice::select(out, late) == out) out.take();
        }).get();
    }
  }
}

inline void consumer(world& w, dice r) {
  for (std::size_t open = w.all.size(); open > 0;) {
    switch (r() % 5) {
      case 0: {
        std::vector<parcel> several;
        w.any(r).try_recv_many(several, 8);
        for (auto& p : several) p.settle(&accounts::values::received);
        break;
      }
      case 1:
        sluice::blocking([from = w.any(r), mark = ticket(w.book)]() mutable {
          mark.use();
          auto in = sluice::recv(from);
          auto late = sluice::after(2ms);
          if (sluice::select(in, late) == in) received(in.take());
        }).get();
        break;
      default: {
        std::vector<sluice::recv_event<parcel>> events;
        for (const auto& c : w.all) events.push_back(sluice::recv(c));
        received(events[sluice::select(events)].take());
      }
    }
    open = static_cast<std::size_t>(
        std::count_if(w.all.begin(), w.all.end(), [](const parcels& c) { return !c.closed() || c.size() > 0; }));
  }
}

inline void locker(world& w, dice r) {
  while (w.on()) {
    sluice::this_fiber::yield();  // what follows may never block, so nobody could be killed in it
    auto mine = sluice::lock(w.mutex);
    auto late = sluice::after(r() % 2 ? 50ms : 200us);
    if (sluice::select(mine, late) == mine) {
      const auto held = mine.take();
      w.book.expect(++w.inside == 1);
      ++w.under_mutex;
      ++w.book.locked;
      if (r() % 8 == 0) {
        const sluice::shield counted;
        sluice::this_fiber::yield();
      }
      --w.inside;
    }
    const sluice::permit slot(w.slots);
    w.book.expect(++w.in_slots <= 3);
    {
      const sluice::shield counted;
      sluice::this_fiber::yield();
    }
    --w.in_slots;
  }
}

inline void sleeper(world& w, dice r) {
  while (w.on()) {
    const auto asked = up_to(r, 3ms);
    const auto begin = clock::now();
    sluice::this_fiber::sleep_for(asked);
    w.book.expect(clock::now() - begin >= asked);
  }
}

inline void deadliner(world& w, dice r) {
  while (w.on()) {
    const auto limit = up_to(r, 3ms);
    const auto begin = clock::now();
    bool in_time = true;
    try {
      sluice::with_deadline(limit, [&] {
        if (r() % 2) sluice::with_deadline(1h, [&] { w.never.recv(); });
        auto job = sluice::blocking([never = w.never, mark = ticket(w.book)]() mutable {
          mark.use();
          never.recv();
        });
        if (r() % 2) job.get();
        w.never.recv();
      });
    } catch (const sluice::timed_out&) {
      in_time = false;
    }
    w.book.expect(!in_time && clock::now() - begin >= limit);
  }
}

inline void scoper(world& w, dice r) {
  while (w.on()) {
    std::atomic<int> alive{0};
    const bool fails = r() % 2;
    struct child {
      explicit child(std::atomic<int>& n) : alive(n) { ++alive; }
      child(const child&) = delete;
      child& operator=(const child&) = delete;
      ~child() { --alive; }
      std::atomic<int>& alive;
    };
    sluice::scope s;
    for (unsigned i = 0; i < 3 + r() % 5; ++i)
      s.go([&, nap = up_to(r, 2ms), role = r() % 4] {
        const child here(alive);
        sluice::this_fiber::sleep_for(nap);
        if (role == 0) w.never.recv();
        if (role == 1) sluice::race([&] { sluice::this_fiber::sleep_for(nap); }, [&] { w.never.recv(); });
      });
    s.go([&, fails] {
      const child here(alive);
      if (fails) throw deliberate();
      sluice::this_fiber::sleep_for(1ms);
      s.cancel();
    });
    try {
      s.join();
      w.book.expect(!fails);
    } catch (const deliberate&) {
      w.book.expect(fails);
    } catch (const sluice::cancelled&) {  // this fiber is killed
      w.book.expect(alive == 0);
      s.secondary_errors();
      throw;
    }
    w.book.expect(alive == 0);
  }
}

inline void blocker(world& w, dice r) {
  while (w.on()) {
    const auto kind = r() % 8;
    auto job = sluice::blocking([kind, nap = up_to(r, 3ms), mark = ticket(w.book)]() mutable {
      mark.use();
      if (kind == 0) throw deliberate();
      if (kind == 1) burn(nap);
      if (kind == 2) sluice::this_fiber::sleep_for(nap);
      if (kind == 3) std::this_thread::sleep_for(nap);
    });
    const bool removed = r() % 4 == 0 && job.cancel();
    try {
      job.get();
      if (removed) ++w.book.jobs.refused_but_ran;
      w.book.expect(kind != 0);
    } catch (const deliberate&) {
      w.book.expect(kind == 0 && !removed);
    } catch (const sluice::cancelled&) {
      if (removed) continue;
      const sluice::shield looks_at_its_error;  // though this fiber is killed
      try {
        job.get();
      } catch (const deliberate&) {}
      throw;
    }
  }
}

inline void regional(world& w, dice r) {
  while (w.on()) {
    {
      const sluice::blocking_region slow;
      std::this_thread::sleep_for(up_to(r, 5ms));
    }
    ++w.book.regions;
    sluice::this_fiber::sleep_for(up_to(r, 5ms));
  }
}

inline void hog(world& w, dice r) {
  while (w.on()) {
    burn(5ms + up_to(r, 45ms));
    ++w.book.hogs;
    sluice::this_fiber::sleep_for(up_to(r, 50ms));
  }
}

// Many at once, each over in a moment; some are killed, some fail, and of some nobody looks at the end.
inline void burst(world& w, dice r, unsigned size) {
  while (w.on()) {
    std::vector<sluice::future<void>> fibers;
    for (unsigned i = 0; i < size; ++i) {
      const auto role = r() % 64;
      fibers.push_back(start(w.book, [&w, role] {
        ++w.book.short_fibers;
        if (role < 8) sluice::this_fiber::yield();
        if (role == 8) sluice::this_fiber::sleep_for(100us);
        if (role == 9) throw deliberate();
      }));
      if (role == 10 && fibers.back().cancel()) ++w.book.kills;
      if (role == 11)
        sluice::go([&w] {
          ++w.book.errors_dropped;
          throw deliberate();
        });
    }
    collect(w.book, fibers);
    sluice::this_fiber::sleep_for(up_to(r, 5ms));
  }
}

}  // namespace torture
