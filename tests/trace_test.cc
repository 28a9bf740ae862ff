// What a hook is told: for each fiber, its steps in their order; for each worker, its sleeps.
#include "tests/support/harness.h"

#include <map>
#include <mutex>
#include <string>

using namespace std::chrono_literals;
using sluice::trace_event;

namespace {

struct told {
  trace_event::kind what;
  int worker;
  std::uint64_t fiber;
  std::string name;
  std::uint64_t by;
};

class recorder {
 public:
  sluice::trace_hook hook() { return {&record, this}; }
  std::vector<told> all() {
    const std::lock_guard guard(mutex_);
    return told_;
  }

 private:
  static void record(void* self, const trace_event& e) noexcept {
    auto& r = *static_cast<recorder*>(self);
    const std::lock_guard guard(r.mutex_);
    r.told_.push_back({e.what, e.worker, e.fiber, e.name, e.by});
  }
  std::mutex mutex_;
  std::vector<told> told_;
};

sluice::runtime_options traced(unsigned workers, recorder& r) {
  auto options = test::with_workers(workers);
  options.trace = r.hook();
  return options;
}

// Whether `next` may follow `last` in the life of one fiber.
bool may_follow(trace_event::kind last, trace_event::kind next) {
  switch (next) {
    case trace_event::spawned:
      return false;
    case trace_event::began:
      return last == trace_event::spawned || last == trace_event::stolen;
    case trace_event::parked:
    case trace_event::yielded:
    case trace_event::ended:
      return last == trace_event::began || last == trace_event::resumed;
    case trace_event::woken:
      return last == trace_event::parked;
    case trace_event::resumed:
      return last == trace_event::woken || last == trace_event::yielded || last == trace_event::stolen;
    case trace_event::stolen:
      return last == trace_event::spawned || last == trace_event::woken || last == trace_event::yielded ||
             last == trace_event::stolen;
    default:
      return false;
  }
}

}  // namespace

TEST_CASE("each fiber's steps are told, in their order") {
  for (const unsigned n : test::worker_counts()) {
    recorder seen;
    sluice::run(traced(n, seen), [] {
      std::vector<sluice::future<void>> all;
      const sluice::channel<int> c;
      const sluice::channel<int> quiet;
      for (int i = 0; i < 20; ++i) {
        all.push_back(sluice::go([=] {
          for (int k = 0; k < 20; ++k) {
            c.send(k);
            sluice::this_fiber::yield();
          }
        }));
        all.push_back(sluice::go(sluice::launch{.pinned = i % 2 == 0}, [=] {
          for (int k = 0; k < 20; ++k) {
            c.recv();
            if (k % 10 == 0) sluice::this_fiber::sleep_for(1ms);
          }
        }));
      }
      for (int i = 0; i < 20; ++i) {
        auto f = sluice::go([=] { quiet.recv(); });
        if (i % 2 == 0) f.cancel();  // perhaps before it has begun; the others are cancelled by the runtime's end
      }
      test::join(all);
    });
    std::map<std::uint64_t, trace_event::kind> last;
    std::map<int, trace_event::kind> last_of_worker;
    long wrong = 0;
    for (const told& e : seen.all()) {
      if (e.what == trace_event::worker_held_up) {  // on a busy machine
        wrong += e.fiber != 0 || e.worker < 0;
      } else if (e.what == trace_event::worker_parked || e.what == trace_event::worker_resumed) {
        wrong += e.fiber != 0 || e.worker < 0;
        const auto [it, first] = last_of_worker.try_emplace(e.worker, e.what);
        wrong += !first && it->second == e.what;
        it->second = e.what;
      } else if (e.what == trace_event::spawned) {
        wrong += !last.emplace(e.fiber, e.what).second;
      } else {
        const auto it = last.find(e.fiber);
        if (it == last.end() || !may_follow(it->second, e.what)) {
          ++wrong;
        } else {
          it->second = e.what;
        }
      }
    }
    CHECK(wrong == 0);
    CHECK(last.size() == 61);
    for (const auto& one : last) CHECK(one.second == trace_event::ended);
  }
}

TEST_CASE("who started and who woke a fiber is told, and where") {
  recorder seen;
  std::string main_number, waiter_number;
  sluice::run(traced(1, seen), [&] {
    main_number = sluice::this_fiber::name();
    const sluice::channel<int> c;
    auto f = sluice::go(sluice::launch{.name = "waiter"}, [&] { c.recv(); });
    sluice::this_fiber::yield();
    c.send(1);
    f.get();
  });
  const auto all = seen.all();
  const auto find = [&](trace_event::kind what, const std::string& name) {
    for (const told& e : all)
      if (e.what == what && e.name == name) return e;
    FAIL("not told: " << static_cast<int>(what) << " of " << name);
    return told{};
  };
  const told main = find(trace_event::spawned, "main");
  CHECK(main.worker == trace_event::no_worker);
  CHECK(main.by == 0);
  const told spawned = find(trace_event::spawned, "waiter");
  CHECK(spawned.by == main.fiber);
  CHECK(spawned.worker == 0);
  const told woken = find(trace_event::woken, "waiter");
  CHECK(woken.fiber == spawned.fiber);
  CHECK(woken.by == main.fiber);
  CHECK(find(trace_event::woken, "main").by == spawned.fiber);
  CHECK(find(trace_event::yielded, "main").worker == 0);
}

namespace {

// Ends the wait of the fiber "edge" after it was told to park, and before it is parked.
struct pusher {
  recorder seen;
  const sluice::channel<int> c;
  std::atomic<bool> at_the_edge{false}, pushed{false};

  static void call(void* self, const trace_event& e) noexcept {
    auto& p = *static_cast<pusher*>(self);
    const auto record = p.seen.hook();
    record.call(record.context, e);
    if (e.what != trace_event::parked || e.name != std::string("edge")) return;
    p.at_the_edge = true;
    while (!p.pushed) std::this_thread::yield();
  }
};

}  // namespace

TEST_CASE("a wait that ends just before its fiber sleeps is told like any other") {
  for (const unsigned n : test::worker_counts()) {
    pusher p;
    auto options = test::with_workers(n);
    options.trace = {&pusher::call, &p};
    std::thread other([&] {
      while (!p.at_the_edge) std::this_thread::yield();
      p.c.send(1);
      p.pushed = true;
    });
    {
      sluice::runtime rt(options);
      rt.go(sluice::launch{.name = "edge"}, [&] { p.c.recv(); }).get();
    }
    other.join();
    std::vector<trace_event::kind> steps;
    for (const told& e : p.seen.all()) {
      if (e.name != "edge" || e.what == trace_event::stolen) continue;
      steps.push_back(e.what);
      if (e.what == trace_event::woken) CHECK(e.by == e.fiber);
    }
    CHECK(steps == std::vector{trace_event::spawned, trace_event::began, trace_event::parked, trace_event::woken,
                               trace_event::resumed, trace_event::ended});
  }
}

TEST_CASE("a worker that is held up is told, and the spare that comes for it") {
  for (const unsigned n : test::worker_counts()) {
    recorder seen;
    sluice::run(traced(n, seen), [&] {
      std::vector<sluice::future<void>> hogs;
      std::atomic<unsigned> begun{0};
      std::atomic<bool> stop{false};
      for (unsigned i = 0; i < n; ++i)
        hogs.push_back(sluice::go([&] {
          ++begun;
          while (!stop) {}
        }));
      while (begun < n) sluice::this_fiber::sleep_for(1ms);  // somebody runs this beside the hogs
      sluice::go([] {}).get();
      stop = true;
      test::join(hogs);
    });
    bool held_up = false, spare = false;
    for (const told& e : seen.all()) {
      held_up |= e.what == trace_event::worker_held_up && e.worker >= 0 && e.fiber == 0;
      spare |= e.what == trace_event::worker_resumed && e.worker >= static_cast<int>(n);
    }
    CHECK(held_up);
    CHECK(spare);
  }
}

TEST_CASE("steals and sleeps are told") {
  for (const unsigned n : test::worker_counts()) {
    recorder seen;
    sluice::runtime rt(traced(n, seen));
    const auto count = [&](trace_event::kind what) {
      long found = 0;
      for (const told& e : seen.all()) found += e.what == what;
      return found;
    };
    REQUIRE(test::eventually([&] { return count(trace_event::worker_parked) >= static_cast<long>(n); }));
    rt.go([&] {
        if (n < 2) return;
        std::atomic<bool> done{false};
        auto left_behind = sluice::go([&] { done = true; });
        while (!done) {}
        left_behind.get();
      }).get();
    CHECK(count(trace_event::worker_resumed) >= 1);
    CHECK(static_cast<std::uint64_t>(count(trace_event::stolen)) == rt.stats().steals);
    if (n >= 2) CHECK(count(trace_event::stolen) >= 1);
  }
}
