#include <sluice/base/forked.h>
#include <sluice/futures/thread_waiter.h>
#include <sluice/runtime/detail/blocking_pool.h>
#include <sluice/runtime/detail/deadlock.h>
#include <sluice/runtime/detail/forks.h>
#include <sluice/runtime/detail/scheduler_list.h>
#include <sluice/runtime/detail/spawned.h>
#include <sluice/runtime/detail/worker.h>
#include <sluice/runtime/signals.h>

#include <pthread.h>
#include <signal.h>

namespace sluice::detail {

namespace {

void in_child() {
  const sigset_t signals = program_signals();
  lose_schedulers();
  unlock_scheduler_list();
  forget_lasting_scheduler();
  worker::forget_thread();
  blocking_pool::forget_thread();
  thread_waiter::forget_others();
  watch_for_deadlocks_anew();
  is_forked_child.store(true, std::memory_order_relaxed);
  pthread_sigmask(SIG_SETMASK, &signals, nullptr);
}

}  // namespace

void watch_forks() noexcept {
  static std::atomic<bool> seen{false};
  if (!seen.exchange(true, std::memory_order_relaxed)) pthread_atfork(lock_scheduler_list, unlock_scheduler_list, in_child);
}

}  // namespace sluice::detail
