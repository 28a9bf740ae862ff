#include <sluice/base/forked.h>
#include <sluice/futures/thread_waiter.h>

#include <exception>

namespace sluice::detail {

namespace {

std::uint64_t fresh_seed() noexcept {
  static std::atomic<std::uint64_t> next{0};
  return next.fetch_add(0x9E3779B97F4A7C15ULL, std::memory_order_relaxed);
}

}  // namespace

thread_waiter::thread_waiter() noexcept : party(fresh_seed()) {}

[[gnu::noinline]] thread_waiter& thread_waiter::of_this_thread() noexcept {
  asm volatile("");
  static thread_local thread_waiter self;
  return self;
}

void thread_waiter::wake() noexcept {
  woken_.store(1, std::memory_order_release);
  // The thread may run on and even end before this call: at worst an unknown futex is woken for nothing.
  futex_wake_one(woken_);
}

void thread_waiter::park() noexcept {
  woken_.store(0, std::memory_order_relaxed);
  if (!commit_park(!is_shielded() && std::uncaught_exceptions() == 0)) return;
  if (earliest() == nullptr) end_if_left_alone();
  while (woken_.load(std::memory_order_acquire) == 0) {
    timer_node* const first = earliest();
    futex_wait(woken_, 0, first != nullptr ? first->deadline : steady_time::max());
    if (first == nullptr || std::chrono::steady_clock::now() < first->deadline) continue;
    wait_queue::unlink(*first);
    if (first->try_win()) return;
  }
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
