#include <sluice/base/check.h>
#include <sluice/coroutines/coroutine_waiter.h>
#include <sluice/coroutines/detail/async_wait.h>
#include <sluice/coroutines/executor.h>

#include <utility>

namespace sluice {

detail::timer_queue& coroutine_waiter::timers() noexcept { return executor_->timers(); }
void coroutine_waiter::wake() noexcept { executor_->post(*this); }

void coroutine_waiter::let_committer_go() const noexcept {
  for (detail::spin_wait spin; committing_.load(std::memory_order_acquire);) spin.once();
}

bool coroutine_waiter::carry_out() noexcept {
  for (;;) {
    wait_->arm(*this);
    committing_.store(true, std::memory_order_relaxed);  // before `parked`, which publishes it
    const bool sleeps = commit_park(true);
    if (sleeps) {
      committing_.store(false, std::memory_order_release);
      return false;
    }
    committing_.store(false, std::memory_order_relaxed);
    if (wait_->settle(decided_for())) return true;
  }
}

void coroutine_waiter::resume() noexcept {
  let_committer_go();
  if (wait_ != nullptr && !std::exchange(posted_, false))
    if (!wait_->settle(decided_for()) && !carry_out()) return;
  go_on();
}

// If the wait is won already, its winner is about to post this, or has; when it is found, the winner is done with it.
void coroutine_waiter::withdraw_wait() noexcept {
  let_committer_go();
  if (!claim_own(cancelled_index))
    for (detail::spin_wait spin; !executor_->withdraw(*this);) spin.once();
  wait_->settle(decided_for());
}

}  // namespace sluice
