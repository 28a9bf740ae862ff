// monitor.h - sees to it that what is ready gets to run though workers are held up.
//
// A worker is held up while its fiber does not come back to the scheduler: it computes on and on, or it sits in a call that
// blocks its thread. The monitor then sends in a spare worker, so that as many as the runtime was given go on.
//
// Spares are threads of their own. One of them holds the post of monitor: it looks at the workers every few milliseconds
// while something is left behind that a worker might not get to, and when it is needed it hands the post to another spare
// and goes to work itself: from the look to the first fiber there is no thread to wake. The others wait on the bench, at no
// cost but their memory; they are made when they are first needed. A spare at work comes back when it finds nothing to do,
// or when those that were held up are back and it is one too many.
//
// A thread that is only kept off its processor by others is not held up: more threads would not help it. What counts is
// processor time, or that the thread sleeps.
//
// Invariants
//   M1  while a worker that is not idle has left something behind (a fiber that is ready, a timer), the monitor is awake. A
//       worker calls notice() when it leaves something; the monitor falls asleep only when all workers are idle, and looks
//       at idle_count_ after it has said so, while a worker that became busy has lowered idle_count_ before it looks whether
//       the monitor is awake (all sequentially consistent).
//   M2  somebody always holds the post: who leaves it has a successor, or stays. So the last spare never works.
//   M3  the wheel of a spare on the bench is the monitor's to fire.
// In the census (census.h) a spare is awake while it works or looks around, and rests else: that it gets up by itself makes
// no difference, since it only finds what there is. Lock: lock_ guards the bench. Nothing else is locked under it.
#pragma once

#include <sluice/base/futex.h>
#include <sluice/base/spinlock.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::detail {

class scheduler;
class worker;

class monitor {
 public:
  monitor(scheduler& s, unsigned most_spares);

  // For a worker that goes on and leaves something behind.
  void notice() noexcept {
    if (state_.load(std::memory_order_seq_cst) == asleep) rouse();
  }
  // For whoever brings something while no worker is idle.
  void notice_arrival() noexcept {
    if (any_held_up_.load(std::memory_order_seq_cst))
      hurry();
    else
      notice();
  }
  // The calling worker will be held up from now on.
  void region_begins(worker& w) noexcept;

  // Makes the first spare, which takes the post. std::system_error if there is no thread for it, std::bad_alloc.
  void start();
  // For a spare that is new or was taken back: waits, and keeps watch when it is its turn. True: it is to work. False: the
  // scheduler has stopped.
  bool stand_by(worker& spare) noexcept;
  // The spare has left its work, and will stand by again.
  void take_back(worker& spare) noexcept;
  // For a spare at work: whether it is one too many. Who is told so goes.
  bool calls_back() noexcept;
  // The scheduler has stopped: ends the spares that are here.
  void stop() noexcept;

  unsigned spares_at_work() const noexcept { return at_work_.load(std::memory_order_relaxed); }

 private:
  enum : std::uint32_t { asleep, awake, hurried };
  struct outlook {
    worker* hog = nullptr;  // to be reported
    bool spare_needed = false;
    bool something_waits = false;
    steady_time next_timer = steady_time::max();
  };

  void rouse() noexcept;
  void hurry() noexcept;
  bool keep_watch(worker& self) noexcept;
  outlook look(steady_time now) noexcept;
  bool is_held_up(worker& w, steady_time now) noexcept;
  bool is_new_hog(worker& w, steady_time now) const noexcept;
  void report(worker& hog, steady_time now) noexcept;
  bool hand_over(worker& self) noexcept;
  void appoint(worker& spare) noexcept;
  bool all_idle() const noexcept;

  scheduler& scheduler_;
  const unsigned most_;
  std::atomic<std::uint32_t> state_{awake};
  std::atomic<bool> any_held_up_{false};
  std::atomic<unsigned> at_work_{0};
  std::atomic<unsigned> too_many_{0};
  std::atomic<worker*> post_{nullptr};
  spinlock lock_;
  std::vector<worker*> bench_;
};

}  // namespace sluice::detail
