// The events of sync/ keep the laws of every event, in a fiber and in a plain thread.
#include "tests/event_conformance.h"

#include <cstddef>
#include <mutex>
#include <stop_token>

namespace {

struct source_traits {
  static constexpr bool always_ready = false;
  static constexpr bool never_ready = false;
  static constexpr bool broadcast = false;
};

struct lock_held : source_traits {
  sluice::mutex m;
  std::unique_lock<sluice::mutex> held{m};
  auto make() { return sluice::lock(m); }
  void supply() { held.unlock(); }
  void release() { held.unlock(); }
  bool untouched() {
    held.unlock();
    return held.try_lock();
  }
  bool valid(std::unique_lock<sluice::mutex> taken) {
    held = std::move(taken);
    return held.owns_lock() && held.mutex() == &m;
  }
};

struct lock_free : source_traits {
  static constexpr bool always_ready = true;
  sluice::mutex m;
  auto make() { return sluice::lock(m); }
  void supply() {}
  bool valid(const std::unique_lock<sluice::mutex>& taken) { return taken.owns_lock(); }
};

template <std::size_t Count>
struct permits : source_traits {
  sluice::semaphore s{Count - 1};
  auto make() { return sluice::acquire(s, Count); }
  void supply() { s.release(); }
  void release() { s.release(); }
  bool untouched() {
    s.release();
    const bool ours = s.try_acquire(Count);  // somebody left behind would have them
    if (ours) s.release(Count - 1);
    return ours;
  }
  bool valid(sluice::permit taken) {
    const bool all = taken.count() == Count;
    taken.forget();
    s.release(Count - 1);
    return all;
  }
};

struct notification : source_traits {
  static constexpr bool broadcast = true;
  sluice::condition c;
  sluice::notified_event before = sluice::notified(c);
  auto make() { return before; }
  void supply() { c.notify_all(); }
  void release() { c.notify_all(); }
  bool untouched() { return true; }  // the condition's destructor looks
};

struct group_busy : source_traits {
  static constexpr bool broadcast = true;
  sluice::wait_group g;
  group_busy() { g.add(); }
  auto make() { return sluice::idle(g); }
  void supply() { g.done(); }
  void release() { g.done(); }
  bool untouched() { return true; }
};
struct group_idle : source_traits {
  static constexpr bool always_ready = true;
  sluice::wait_group g;
  auto make() { return sluice::idle(g); }
  void supply() {}
};

struct latch_shut : source_traits {
  static constexpr bool broadcast = true;
  sluice::latch l{2};
  auto make() { return sluice::opened(l); }
  void supply() { l.count_down(2); }
  void release() { l.count_down(2); }
  bool untouched() { return !l.try_wait(); }
};

struct once_called : source_traits {
  static constexpr bool broadcast = true;
  sluice::once o;
  auto make() { return sluice::done(o); }
  void supply() {
    o.call([] {});
  }
  void release() { supply(); }
  bool untouched() { return !o.called(); }
};

struct stop_requested : source_traits {
  static constexpr bool broadcast = true;
  std::stop_source s;
  auto make() { return sluice::stopped(s.get_token()); }
  void supply() { CHECK(s.request_stop()); }
  void release() { supply(); }
  bool untouched() { return true; }
};
struct stop_impossible : source_traits {
  static constexpr bool never_ready = true;
  auto make() { return sluice::stopped({}); }
  bool untouched() { return true; }
};
struct stopped_before : source_traits {
  static constexpr bool always_ready = true;
  std::stop_source s;
  stopped_before() { s.request_stop(); }
  auto make() { return sluice::stopped(s.get_token()); }
  void supply() {}
};

}  // namespace

// Else two looks could take "not ready twice" for "not ready in between" (P8).
TEST_CASE("what was ready and is not any more looks different from before") {
  sluice::mutex m;
  const std::scoped_lock held(m);
  auto mine = sluice::lock(m);
  const auto locked = mine.look();
  m.unlock();
  m.lock();
  CHECK(mine.look() != locked);

  sluice::semaphore s(1);
  auto two = sluice::acquire(s, 2);
  const auto one_there = two.look();
  s.release();
  CHECK(s.try_acquire());
  CHECK(two.look() != one_there);
  {
    auto three = sluice::acquire(s, 3);
    auto one = sluice::acquire(s);
    test::probe_waiter w;
    REQUIRE(three.arm(w, 0));
    const auto behind = one.look();
    CHECK((behind & 1) == 0);
    three.disarm();
    REQUIRE(three.arm(w, 0));
    CHECK(one.look() != behind);
    three.disarm();
  }

  sluice::wait_group g;
  g.add();
  auto quiet = sluice::idle(g);
  const auto busy = quiet.look();
  g.done();
  g.add();
  CHECK(quiet.look() != busy);
}

TEST_CASE_TEMPLATE_DEFINE("every event of sync keeps the laws", Source, laws) {
  test::in_runtime([] { test::event_laws<Source>::check_all(); });
  test::in_thread([] { test::event_laws<Source>::check_all(); });
}
TEST_CASE_TEMPLATE_INVOKE(laws, lock_held, lock_free, permits<1>, permits<3>, notification, group_busy, group_idle,
                          latch_shut, once_called, stop_requested, stop_impossible, stopped_before);
