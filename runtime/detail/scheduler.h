// scheduler.h - the workers of one runtime, the way in from outside, and who sleeps.
//
// No wake-up is lost: one who brings work from outside publishes it and then looks for sleepers; a worker puts itself on the
// idle list and then looks for work. Both steps are sequentially consistent, so one of the two sees the other. Work that a
// worker readies itself needs no such care: that worker is awake.
//
// Idle workers sleep without a timeout but for their own timers. While a busy worker leaves something behind (a fiber that
// is ready, a timer), one of the idle, the watcher, looks up every few milliseconds for what that worker does not get to.
// There is a watcher then: a worker sees to it whenever it leaves something behind, also when it stops being the watcher
// itself because there is work. Who gives the task up because all are idle looks at idle_count_ after it has cleared
// watcher_; a worker that became busy has lowered idle_count_ before it looks at watcher_ (all sequentially consistent).
#pragma once

#include <sluice/runtime/detail/carriers.h>
#include <sluice/runtime/detail/registry.h>
#include <sluice/runtime/detail/reserve_stack.h>
#include <sluice/runtime/detail/worker.h>
#include <sluice/runtime/options.h>
#include <sluice/runtime/stats.h>

#include <concurrentqueue/concurrentqueue.h>

#include <memory>
#include <thread>
#include <vector>

namespace sluice::detail {

using error_handler = std::function<void(std::exception_ptr)>;

class scheduler {
 public:
  // std::invalid_argument for a stack size or a number of workers out of range; std::system_error if threads cannot be had.
  explicit scheduler(runtime_options options);
  scheduler(const scheduler&) = delete;
  scheduler& operator=(const scheduler&) = delete;
  ~scheduler();

  // Registers the fiber and makes it ready. The caller keeps it alive until it is dismissed.
  void spawn(fiber& f);

  // Cancels every wait, now and from now on, until no fiber is left; then ends the workers. Blocks the calling thread, which
  // must not be one of the workers.
  void shut_down();

  // Where its coroutines run.
  carriers& coroutines() noexcept { return coroutines_; }

  runtime_stats stats();
  bool traced() const noexcept { return trace_.call != nullptr; }
  // Of f, which the calling fiber or thread is about to make ready.
  [[gnu::cold, gnu::noinline]] void tell_by_caller(trace_event::kind what, const fiber& f) const noexcept;

  const std::shared_ptr<const error_handler>& unobserved_error() const noexcept { return unobserved_error_; }

 private:
  friend class worker;
  friend class fiber;
  friend class carriers;
  static constexpr unsigned most_workers = 1024;

  void tell(trace_event::kind what, int worker, const fiber* f, const fiber* by) const noexcept;
  void stop_tokens() noexcept;

  // Work from a thread that is none of the workers.
  void inject(fiber& f) noexcept;
  fiber* take_injected() noexcept;
  void wake_idle(worker* which) noexcept;
  void wake_one_if_idle() noexcept;

  // For a worker that goes on and leaves something behind.
  void ensure_watcher() noexcept {
    if (idle_count_.load(std::memory_order_relaxed) != 0 && watcher_.load(std::memory_order_seq_cst) == nullptr)
      summon_watcher();
  }
  void summon_watcher() noexcept;
  // For an idle worker: whether it is the watcher now.
  bool keeps_watch(worker& w) noexcept;
  bool all_idle() const noexcept { return idle_count_.load(std::memory_order_seq_cst) == worker_count_; }

  const unsigned worker_count_;
  const trace_hook trace_;
  stack_pool stacks_;
  reserve_stack reserve_;
  registry fibers_;
  std::shared_ptr<const error_handler> unobserved_error_;

  moodycamel::ConcurrentQueue<fiber*> injected_;
  run_queue injected_late_;  // for want of memory for the former
  std::atomic<std::uint32_t> injected_count_{0};
  std::atomic<std::uint32_t> injecting_{0};  // threads in inject(): the fiber they made ready may be the last to end

  spinlock idle_lock_;
  std::vector<worker*> idle_;  // guarded by idle_lock_; the last one fell asleep last and is warm
  std::atomic<std::size_t> idle_count_{0};
  std::atomic<std::uint32_t> searching_{0};
  std::atomic<worker*> watcher_{nullptr};
  std::atomic<std::uint64_t> wake_ups_{0};

  std::atomic<bool> stopping_{false};  // fibers are cancelled
  std::atomic<bool> stopped_{false};   // workers end
  std::atomic<std::uint32_t> retired_while_stopping_{0};
  std::atomic<std::size_t> next_home_{0};

  carriers coroutines_{*this};

  std::vector<std::unique_ptr<worker>> workers_;
  std::vector<std::thread> threads_;
};

}  // namespace sluice::detail
