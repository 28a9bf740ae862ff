#include <sluice/futures/fired_event.h>
#include <sluice/futures/registration.h>
#include <sluice/futures/shield.h>
#include <sluice/futures/wait.h>

#include <string>

namespace sluice::detail {

namespace {

const char withdrawn = 0;  // its address is nobody's

}  // namespace

void callback::start() noexcept {
  add_ref();
  if (!state_->waiting().arm(node_, *this, wait_list::early)) wake();
}

// Of one that is won and has not begun, the winner finds that it is withdrawn. One that has begun runs on the caller's
// stack, so who withdraws it from there finds itself.
void callback::withdraw() noexcept {
  if (state_->waiting().disarm(node_)) return release();
  const void* caller = nullptr;
  if (caller_.compare_exchange_strong(caller, &withdrawn, std::memory_order_acq_rel) || caller == &party::current()) return;
  fired_event over(has_run_);
  const shield whatever_comes;
  wait_one(over);
}

void callback::wake() noexcept {
  const void* nobody = nullptr;
  if (caller_.compare_exchange_strong(nobody, &party::current(), std::memory_order_acq_rel)) {
    try {
      call();
    } catch (...) {
      const std::string whose = std::string("a callback of on_ready, called by ") + party::current().introduce().text;
      report_unobserved(std::current_exception(), whose.c_str());
    }
    caller_.store(&has_run_, std::memory_order_relaxed);  // none that withdraws
    has_run_.fire();
  }
  release();
}

}  // namespace sluice::detail
