#include <sluice/base/census.h>
#include <sluice/base/forked.h>
#include <sluice/base/spinlock.h>
#include <sluice/futures/thread_waiter.h>

#include <sys/syscall.h>
#include <unistd.h>

#include <exception>

namespace sluice::detail {

namespace {

std::uint64_t fresh_seed() noexcept {
  static std::atomic<std::uint64_t> next{0};
  return next.fetch_add(0x9E3779B97F4A7C15ULL, std::memory_order_relaxed);
}

spinlock list;  // guards the list of those at rest

pid_t id_of_this_thread() noexcept { return static_cast<pid_t>(syscall(SYS_gettid)); }

}  // namespace

thread_waiter* thread_waiter::first_at_rest = nullptr;
thread_waiter::list_lock::list_lock() noexcept { list.lock(); }
thread_waiter::list_lock::~list_lock() { list.unlock(); }

thread_waiter::thread_waiter() noexcept : party(fresh_seed()), id_(id_of_this_thread()) {}

void thread_waiter::forget_others() noexcept {
  list.unlock();  // one of them may have had it
  first_at_rest = nullptr;
  of_this_thread().id_ = id_of_this_thread();
}

[[gnu::noinline]] thread_waiter& thread_waiter::of_this_thread() noexcept {
  static thread_local thread_waiter self;
  thread_waiter* address = &self;
  asm volatile("" : "+r"(address));  // as in current_party_slot()
  return *address;
}

// The thread goes on only after this has said that it does not rest any more (census.h).
void thread_waiter::wake() noexcept {
  if (state_.exchange(being_woken, std::memory_order_acq_rel) == at_rest) census::is_woken();
  state_.store(woken, std::memory_order_release);
  // The thread may run on and even end before this call: at worst an unknown futex is woken for nothing.
  futex_wake_one(state_);
}

void thread_waiter::park() noexcept {
  state_.store(sleeping, std::memory_order_relaxed);
  if (!commit_park(!is_shielded() && std::uncaught_exceptions() == 0)) return;
  while (timer_node* const first = earliest()) {
    const std::uint32_t state = state_.load(std::memory_order_acquire);
    if (state == woken) return;
    futex_wait(state_, state, first->deadline);
    if (std::chrono::steady_clock::now() < first->deadline) continue;
    wait_queue::unlink(*first);
    if (first->try_win()) return;
  }
  sleep_without_limit();
}

void thread_waiter::sleep_without_limit() noexcept {
  end_if_left_alone();
  {
    const list_lock guard;
    next_at_rest_ = first_at_rest;
    if (first_at_rest != nullptr) first_at_rest->prev_at_rest_ = this;
    first_at_rest = this;
  }
  std::uint32_t state = sleeping;
  if (state_.compare_exchange_strong(state, at_rest, std::memory_order_acq_rel)) census::rests();
  while ((state = state_.load(std::memory_order_acquire)) != woken)
    futex_wait(state_, state, state == at_rest ? census::look_for_deadlock() : steady_time::max());
  const list_lock guard;
  (prev_at_rest_ == nullptr ? first_at_rest : prev_at_rest_->next_at_rest_) = next_at_rest_;
  if (next_at_rest_ != nullptr) next_at_rest_->prev_at_rest_ = prev_at_rest_;
  prev_at_rest_ = nullptr;
}

void thread_waiter::add(timer_node& node, waiter& w, std::uint32_t index) noexcept {
  node.queue = this;
  armed_.push(node, w, index);
}

void thread_waiter::remove(timer_node& node) noexcept {
  if (node.linked()) wait_queue::unlink(node);
}

timer_node* thread_waiter::earliest() noexcept {
  timer_node* first = nullptr;
  armed_.for_each([&first](wait_node& node) {
    auto& timer = static_cast<timer_node&>(node);
    if (first == nullptr || timer.deadline < first->deadline) first = &timer;
  });
  return first;
}

}  // namespace sluice::detail
