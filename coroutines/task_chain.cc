#include <sluice/coroutines/detail/async_wait.h>
#include <sluice/coroutines/task_chain.h>
#include <sluice/futures/cancelled.h>
#include <sluice/futures/shared_state.h>

namespace sluice::detail {

void destroy_frame(void* frame) noexcept { std::coroutine_handle<>::from_address(frame).destroy(); }

void task_chain::begin(executor& e) {
  executor_ = &e;
  links_.home = e.enter(*this) ? &e : nullptr;
  e.post(*this);
}

void task_chain::go_on() noexcept {
  std::coroutine_handle<> next;
  if (stage_ == stage::begun) {
    next = wait_->coroutine();
  } else {
    stage_ = stage::begun;
    if (stop_requested() != none && take_stop()) {
      refuse(std::make_exception_ptr(cancelled{}));
      return finish();
    }
    next = first();
  }
  for (;;) {
    wait_ = nullptr;
    next.resume();
    if (wait_ == nullptr) {
      next = successor_;
      if (next == nullptr) return finish();
    } else if (posted_) {
      return executor_->post(*this);
    } else {
      next = wait_->coroutine();
      if (!carry_out()) return;
    }
  }
}

void task_chain::end(bool failed) noexcept {
  executor* const home = links_.home;
  if (home == nullptr) return;
  auto handler = failed ? home->unobserved_error() : nullptr;
  home->leave(*this);
  if (handler == nullptr) return;
  std::construct_at(&report_, std::move(handler));
  stage_ = stage::reported;
}

void task_chain::report(const std::exception_ptr& error) const noexcept {
  report_unobserved(error, stage_ == stage::reported ? report_.get() : nullptr, "a task");
}

}  // namespace sluice::detail
