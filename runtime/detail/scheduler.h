// scheduler.h - the workers of one runtime, the way in from outside, and who sleeps.
//
// No wake-up is lost: one who brings work from outside publishes it and then looks for sleepers; a worker puts itself on the
// idle list and then looks for work. Both steps are sequentially consistent, so one of the two sees the other. Work that a
// worker readies itself needs no such care: that worker is awake.
//
// Idle workers sleep without a timeout but for their own timers. What busy workers leave behind, and do not get to, is the
// monitor's care (monitor.h).
#pragma once

#include <sluice/base/forked.h>
#include <sluice/runtime/detail/blocking_pool.h>
#include <sluice/runtime/detail/carriers.h>
#include <sluice/runtime/detail/deadlock.h>
#include <sluice/runtime/detail/monitor.h>
#include <sluice/runtime/detail/registry.h>
#include <sluice/runtime/detail/reserve_stack.h>
#include <sluice/runtime/detail/scheduler_list.h>
#include <sluice/runtime/detail/stack_pool.h>
#include <sluice/runtime/detail/worker.h>
#include <sluice/runtime/options.h>
#include <sluice/runtime/stats.h>

#include <concurrentqueue/concurrentqueue.h>

#include <memory>
#include <signal.h>
#include <vector>

namespace sluice::detail {

class scheduler {
 public:
  // std::invalid_argument for a stack size or a number of workers out of range; std::system_error if threads cannot be had.
  explicit scheduler(runtime_options options);
  scheduler(const scheduler&) = delete;
  scheduler& operator=(const scheduler&) = delete;
  ~scheduler();

  // Registers the fiber and makes it ready. The caller keeps it alive until it is dismissed.
  // False: the runtime has ended, or is about to and nothing was left in it.
  bool spawn(fiber& f);
  // One that was not spawned: its future gets std::logic_error.
  static void refuse(fiber& f) noexcept;

  // Cancels every wait, now and from now on, until no fiber is left; then ends the workers. Blocks the calling thread, which
  // must not be one of the workers.
  void shut_down();

  // Where its coroutines run.
  carriers& coroutines() noexcept { return coroutines_; }
  // Where it blocks without holding up its workers.
  blocking_pool& blocking() noexcept { return blocking_; }
  // Something has ended that shut_down() may be waiting for.
  void progress_to_the_end() noexcept {
    retired_while_stopping_.fetch_add(1, std::memory_order_release);
    futex_wake_one(retired_while_stopping_);
  }

  // What a thread had blocked when it made this, with fibers and jobs seen through.
  const sigset_t& program_signals() const noexcept { return program_signals_; }

  // In a child process that fork() has made: this is not to be used any more (forks.h).
  void lose() noexcept { lost_.store(true, std::memory_order_relaxed); }
  bool lost() const noexcept { return lost_.load(std::memory_order_relaxed); }
  // Ends the program if it is lost.
  void check_not_lost(const char* what) const noexcept {
    if (lost()) [[unlikely]]
      end_forked_child(what);
  }

  runtime_stats stats();
  bool traced() const noexcept { return trace_.call != nullptr; }
  // Of f, which the calling fiber or thread is about to make ready.
  [[gnu::cold, gnu::noinline]] void tell_by_caller(trace_event::kind what, const fiber& f) const noexcept;
  listed_scheduler& listed() noexcept { return listed_; }

  const std::shared_ptr<const error_handler>& unobserved_error() const noexcept { return unobserved_error_; }

 private:
  friend class worker;
  friend class fiber;
  friend class carriers;
  friend class monitor;
  friend class snapshot_taker;
  friend struct debugger_access;
  friend class inspection;
  friend class deadlock_watch;
  static constexpr unsigned most_workers = 1024;

  void tell(trace_event::kind what, int worker, const fiber* f, const fiber* by) const noexcept;
  // Whether a worker would find anything to do, now or when its time has come.
  bool has_work() noexcept;
  // Whether somebody wants to know of each wait: since when, or with which locks.
  bool observes_waits() const noexcept { return observes_waits_; }
  void report_leaks();
  void stop_tokens() noexcept;

  // Work from a thread that is none of the workers.
  void inject(fiber& f) noexcept;
  fiber* take_injected() noexcept;
  void wake_idle(worker* which) noexcept;
  // There is something for another worker to do.
  void call_for_help() noexcept;

  // Another worker would only take a processor from one that is awake. Should that be held up, the monitor sees it.
  bool crowded() const noexcept { return worker_count_ - idle_count_.load(std::memory_order_relaxed) >= processors_; }

  // Until then fibers are better off on few workers: nobody is woken to help, and thieves leave more to its worker.
  void begin_to_gather(steady_time until) noexcept { gathers_until_.store(until, std::memory_order_relaxed); }
  bool gathers(steady_time now) const noexcept { return now < gathers_until_.load(std::memory_order_relaxed); }

  worker& next_home() noexcept { return *workers_[next_home_.fetch_add(1, std::memory_order_relaxed) % worker_count_]; }

  // One more worker, which is among the others from its return on. For the one who holds the monitor's post. std::bad_alloc;
  // std::system_error if there is no thread for it.
  worker& add_spare();
  std::size_t workers_made() const noexcept { return made_.load(std::memory_order_acquire); }

  // Who must run a fiber that does not move freely; one that has not run yet counts as having run on `begin`.
  worker& only_runner(fiber& f, worker& begin) noexcept;

  const unsigned worker_count_;
  const unsigned most_workers_;  // with all spares
  const unsigned processors_;    // that the program could use when this was made
  const trace_hook trace_;
  const fiber::moves moves_;  // of fibers that are not pinned
  stack_pool stacks_;
  reserve_stack reserve_;
  registry fibers_;
  std::shared_ptr<const error_handler> unobserved_error_;
  const std::unique_ptr<const std::function<void(const hog_report&)>> on_hog_;  // null if nobody wants to know
  const std::chrono::milliseconds hog_limit_;
  std::shared_ptr<const deadlock_handler> on_deadlock_;
  const int deadlock_exit_status_;
  const std::chrono::milliseconds leak_limit_;
  const bool observes_waits_;
  const std::unique_ptr<const std::function<void(const leak_report&)>> on_leak_;  // null: printed

  moodycamel::ConcurrentQueue<fiber*> injected_;
  run_queue injected_late_;  // for want of memory for the former
  std::atomic<std::uint32_t> injected_count_{0};
  std::atomic<std::uint32_t> injecting_{0};  // threads in inject(): the fiber they made ready may be the last to end

  spinlock idle_lock_;
  std::vector<worker*> idle_;  // guarded by idle_lock_; the last one fell asleep last and is warm
  std::atomic<std::size_t> idle_count_{0};
  std::atomic<std::uint32_t> searching_{0};
  std::atomic<steady_time> gathers_until_{};
  std::atomic<std::uint64_t> wake_ups_{0};
  monitor monitor_;

  const sigset_t program_signals_;
  std::atomic<bool> lost_{false};
  std::atomic<bool> stopping_{false};  // fibers are cancelled
  std::atomic<bool> closed_{false};    // no fiber or task is left, and none may come
  std::atomic<bool> stopped_{false};   // workers end
  std::atomic<std::uint32_t> retired_while_stopping_{0};
  std::atomic<std::size_t> next_home_{0};

  carriers coroutines_{*this};
  blocking_pool blocking_;
  listed_scheduler listed_;

  const std::unique_ptr<std::unique_ptr<worker>[]> workers_;  // the regular ones first
  std::atomic<std::size_t> made_{0};
};

}  // namespace sluice::detail
