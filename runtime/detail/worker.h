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
// microsecond is worth more here, warm, than on another core. If workers meet in locks all the time (contention_meter.h), it
// takes only what has waited for much longer, for a while: each fiber goes where it is woken, and soon they are on one.
//
// A spare is a worker that stands in for another one that is held up (monitor.h); it never sleeps: with nothing to do, or
// when it is called back, it leaves what it has to the others.
//
// No thread-local is read across a switch: after one, the worker is found through the fiber, in which the switcher left it.
#pragma once

#include <sluice/runtime/detail/contention_meter.h>
#include <sluice/runtime/detail/fiber.h>
#include <sluice/runtime/detail/frame_pool.h>
#include <sluice/runtime/detail/run_queue.h>
#include <sluice/runtime/detail/signals.h>
#include <sluice/runtime/detail/stack_pool.h>
#include <sluice/runtime/stats.h>
#include <sluice/runtime/trace.h>
#include <sluice/timers/wheel.h>

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <thread>
#include <vector>

namespace sluice::detail {

class alignas(64) worker {
 public:
  worker(scheduler& s, std::size_t index);

  // Of the calling thread; null if it is none.
  static worker* current() noexcept;
  // The calling thread is none any more.
  static void forget_thread() noexcept;

  scheduler& owner() const noexcept { return scheduler_; }
  std::size_t index() const noexcept { return index_; }
  timer_wheel& wheel() noexcept { return wheel_; }
  frame_pool& frames() noexcept { return frames_; }

  // Starts its thread. std::system_error if there is none to be had.
  void start();
  // Waits for its end, if it has been started. The scheduler has stopped.
  void join();

  enum class then : std::uint8_t { nothing, let_go, commit_park, queue_again, retire };
  // On fiber `f` of this worker: runs others, until somebody resumes f.
  void suspend(fiber& f, then what) noexcept;
  // False if there was nobody else to run.
  bool yield(fiber& f) noexcept;

  // The fiber that runs is about to block the thread. False if it was so already.
  bool begin_region() noexcept;
  void end_region() noexcept { region_.store(no_region, std::memory_order_release); }

  // On this worker's thread.
  void make_ready(fiber& f) noexcept;
  // The same for one that has never run: nothing of it is warm, so it does not take the place of one that is next.
  void make_new_ready(fiber& f) noexcept;
  // From anywhere: for a fiber that this worker must run.
  void make_pinned_ready(fiber& f) noexcept;

  worker_stats stats() const noexcept;
  bool traced() const noexcept { return traced_; }
  // `f` may be null.
  [[gnu::cold, gnu::noinline]] void tell(trace_event::kind what, const fiber* f, const fiber* by = nullptr) const noexcept;

 private:
  friend class scheduler;
  friend class monitor;
  friend class snapshot_taker;
  friend struct debugger_access;
  friend struct running_stack_access;
  friend class deadlock_watch;
  static constexpr int slot_turns = 16;

  fiber* pick_next(fiber* yielding = nullptr) noexcept;
  void enqueue(fiber& f) noexcept;
  void look_around() noexcept;
  static void fire(timer_wheel& wheel, steady_time now) noexcept;
  void fire_in_order(steady_time now) noexcept;
  void leave_for(fiber& f, fiber* next, then what) noexcept;
  void leave(fiber& f, fiber* next, then what) noexcept;
  [[gnu::cold, gnu::noinline]] void leave_and_tell(fiber& f, fiber* next, then what) noexcept;
  void switch_to(execution& from, fiber* next, bool from_retires) noexcept;
  void finish_switch(execution& entered) noexcept;
  void adopt_thread() noexcept;
  static void set_current(worker* w) noexcept;
  bool prepare(fiber& f) noexcept;
  void give_stack(fiber& f, const stack& s) noexcept;
  void take_stack(fiber& f) noexcept;
  void retire(fiber& f) noexcept;
  [[noreturn]] static void fiber_main(void* f) noexcept;

  void run_thread();
  void loop();
  fiber* search();
  fiber* steal(steady_time now) noexcept;
  fiber* steal_from(worker& victim, steady_time now) noexcept;
  bool sleep();
  void leave_all_to_others() noexcept;
  // A hint, from any thread: something is ready here.
  bool has_ready() const noexcept { return queue_.size() > 0 || slot_.load(std::memory_order_relaxed) != nullptr; }
  // Anything at all, now or later. Of a worker that is asleep, it is no hint but so.
  bool has_work() noexcept { return has_ready() || pinned_.size() > 0 || !wheel_.empty(); }

  scheduler& scheduler_;
  const std::size_t index_;
  const bool spare_;
  run_queue queue_;
  run_queue pinned_;                   // also what always_migrate sends here: nobody else may run it
  std::atomic<fiber*> slot_{nullptr};  // filled by this worker only, emptied by it or by a thief
  // Written by this worker only, read by anybody:
  std::atomic<std::uint64_t> switches_{0};
  std::atomic<std::uint64_t> steals_{0};
  std::atomic<fiber*> running_{nullptr};
  timer_wheel wheel_;

  // This thread's own:
  frame_pool frames_;
  stack_magazine stacks_;
  execution loop_;
  std::atomic<execution*> left_{nullptr};  // while a switch is on its way: what it leaves. Read in signal handlers
  fiber* leaving_ = nullptr;
  then then_ = then::nothing;
  const bool traced_;
  std::uint32_t tick_ = 0;
  int slot_run_ = 0;
  bool searching_ = false;
  bool yielded_ = false;
  bool in_order_ = false;  // those that are readied now run in that order: none takes another's place in the slot
  bool called_back_ = false;
  std::uint64_t last_wake_ = 0;
  contention_meter contention_;
  exception_state* exceptions_ = nullptr;                    // the thread's, found once
  party** current_party_ = nullptr;                          // likewise
  int* error_number_ = nullptr;                              // likewise: errno
  const std::atomic<std::uint32_t>* found_taken_ = nullptr;  // likewise: see contention.h

  // What a thief saw of each victim the last time it looked.
  struct sighting {
    steady_time when{};
    std::uint32_t taken = 0, waiting = 0;
    std::uint64_t switches = 0;
    fiber* in_slot = nullptr;
  };
  std::vector<sighting> sightings_;
  signal_stack for_signals_;

  bool idle_ = false;  // guarded by the scheduler's idle lock
  std::atomic<std::uint32_t> woken_{0};

  // For the monitor:
  std::atomic<std::uint64_t> region_{no_region};  // the value of switches_ when its fiber began a blocking region
  std::atomic<bool> at_work_{false};              // a spare that is not on the bench
  std::atomic<bool> held_up_{false};              // written by the monitor: what is ready here may be taken at once
  static constexpr std::uint64_t no_region = ~std::uint64_t{0};
  struct {
    std::uint64_t switches = 0;
    steady_time since{};
    std::chrono::nanoseconds processor_time{};
    bool reported = false;
  } watched_;  // the monitor's own: when it first saw the fiber that runs now, and how long the thread had run then
  clockid_t processor_clock_{};
  std::atomic<pid_t> thread_id_{0};  // while its thread runs
  std::thread thread_;
};

}  // namespace sluice::detail
