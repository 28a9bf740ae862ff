// worker.h - a thread that runs fibers.
//
// A fiber that suspends switches straight to its successor; the worker's own loop runs only when there is none. What must
// happen to a fiber once it is off its stack (commit its wait, queue it again, retire it) is done by whoever runs next, in
// finish_switch().
//
// Who runs next: the slot holds the fiber that was readied last, most often the partner of the one that is about to wait:
// their data is warm, and no other worker needs to be woken for it. After slot_turns of these in a row the queue has its
// turn. Every so often the worker looks at the clock and at what came from outside.
//
// Stealing: a thief takes only what has waited for a while (steal_age): a partner that will be run within the next
// microsecond is worth more here, warm, than on another core.
//
// No thread-local is read across a switch: after one, the worker is found through the fiber, in which the switcher left it.
#pragma once

#include <sluice/runtime/detail/fiber.h>
#include <sluice/runtime/detail/frame_pool.h>
#include <sluice/runtime/detail/run_queue.h>
#include <sluice/runtime/detail/signals.h>
#include <sluice/runtime/stats.h>
#include <sluice/runtime/trace.h>
#include <sluice/timers/wheel.h>

#include <atomic>
#include <vector>

namespace sluice::detail {

class alignas(64) worker {
 public:
  worker(scheduler& s, std::size_t index);

  // Of the calling thread; null if it is none.
  static worker* current() noexcept;

  scheduler& owner() const noexcept { return scheduler_; }
  std::size_t index() const noexcept { return index_; }
  timer_wheel& wheel() noexcept { return wheel_; }
  frame_pool& frames() noexcept { return frames_; }

  // The thread's body; returns when the scheduler stops.
  void loop();

  enum class then : std::uint8_t { nothing, commit_park, queue_again, retire };
  // On fiber `f` of this worker: runs others, until somebody resumes f.
  void suspend(fiber& f, then what) noexcept;
  // False if there was nobody else to run.
  bool yield(fiber& f) noexcept;

  // On this worker's thread.
  void make_ready(fiber& f) noexcept;
  // From anywhere: for a fiber whose home this is.
  void make_pinned_ready(fiber& f) noexcept;

  worker_stats stats() const noexcept;
  bool traced() const noexcept { return traced_; }
  // `f` may be null.
  [[gnu::cold, gnu::noinline]] void tell(trace_event::kind what, const fiber* f, const fiber* by = nullptr) const noexcept;

 private:
  friend class scheduler;
  static constexpr int slot_turns = 16;

  fiber* pick_next() noexcept;
  void look_around() noexcept;
  static void fire(timer_wheel& wheel, steady_time now) noexcept;
  void leave_for(fiber& f, fiber* next, then what) noexcept;
  void leave(fiber& f, fiber* next, then what) noexcept;
  [[gnu::cold, gnu::noinline]] void leave_and_tell(fiber& f, fiber* next, then what) noexcept;
  void switch_to(execution& from, fiber* next, bool from_retires) noexcept;
  void finish_switch(execution& entered) noexcept;
  bool prepare(fiber& f) noexcept;
  void give_stack(fiber& f, const stack& s) noexcept;
  void take_stack(fiber& f) noexcept;
  void retire(fiber& f) noexcept;
  [[noreturn]] static void fiber_main(void* f) noexcept;

  fiber* search();
  fiber* steal(steady_time now) noexcept;
  bool sleep();

  scheduler& scheduler_;
  const std::size_t index_;
  run_queue queue_;
  run_queue pinned_;
  std::atomic<fiber*> slot_{nullptr};  // filled by this worker only, emptied by it or by a thief
  // Written by this worker only, read by anybody:
  std::atomic<std::uint64_t> switches_{0};
  std::atomic<std::uint64_t> steals_{0};
  std::atomic<fiber*> running_{nullptr};
  timer_wheel wheel_;

  // This thread's own:
  frame_pool frames_;
  execution loop_;
  execution* left_ = nullptr;
  fiber* leaving_ = nullptr;
  then then_ = then::nothing;
  const bool traced_;
  std::uint32_t tick_ = 0;
  int slot_run_ = 0;
  bool searching_ = false;
  bool was_watcher_ = false;  // and is busy now: another must be
  std::uint64_t last_wake_ = 0;
  exception_state* exceptions_ = nullptr;  // the thread's, found once
  party** current_party_ = nullptr;        // likewise

  // What a thief saw of each victim the last time it looked.
  struct sighting {
    steady_time when{};
    std::uint32_t taken = 0, waiting = 0;
    std::uint64_t switches = 0;
    fiber* in_slot = nullptr;
  };
  std::vector<sighting> sightings_;
  signal_stack for_overflows_;

  // Sleeping, guarded by the scheduler's idle lock:
  bool idle_ = false;
  enum : std::uint32_t { woken_up = 1, woken_to_watch = 2 };
  std::atomic<std::uint32_t> woken_{0};
  steady_time::duration watch_interval_{};
};

}  // namespace sluice::detail
