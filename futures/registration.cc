#include <sluice/futures/registration.h>
#include <sluice/futures/shield.h>
#include <sluice/futures/wait.h>

namespace sluice::detail {

namespace {

class run_event {
 public:
  using value_type = void;
  explicit run_event(wait_list& l) noexcept : list_(l) {}
  bool poll() const noexcept { return list_.fired(); }
  bool arm(waiter& w, std::uint32_t index) noexcept { return list_.arm(node_, w, index); }
  void disarm() noexcept { list_.disarm(node_); }
  void take() noexcept {}

 private:
  wait_list& list_;
  wait_node node_;
};

}  // namespace

void callback::start() noexcept {
  add_ref();
  if (!state_->waiting().arm(node_, *this, wait_list::early)) wake();
}

// A callback that is won runs in the caller's stack, so who withdraws from there finds itself.
void callback::withdraw() noexcept {
  if (state_->waiting().disarm(node_)) return release();
  if (caller_.load(std::memory_order_acquire) == &party::current()) return;
  run_event over(has_run_);
  const shield whatever_comes;
  wait_one(over);
}

void callback::wake() noexcept {
  caller_.store(&party::current(), std::memory_order_release);
  try {
    call();
  } catch (...) {
    report_unobserved(std::current_exception(), nullptr);
  }
  caller_.store(nullptr, std::memory_order_relaxed);
  has_run_.fire();
  release();
}

}  // namespace sluice::detail
