// thread_waiter.h - an operating-system thread as a waiter. It needs no runtime: it sleeps on a futex, and it keeps its own
// deadlines, since a thread that sleeps until the earliest of them needs nobody to fire it.
#pragma once

#include <sluice/futures/party.h>
#include <sluice/futures/timer_queue.h>
#include <sluice/futures/wait_queue.h>

namespace sluice::detail {

class thread_waiter final : public party, private timer_queue {
 public:
  static thread_waiter& of_this_thread() noexcept;

  timer_queue& timers() noexcept override { return *this; }
  void wake() noexcept override;

 private:
  thread_waiter() noexcept;
  void park() noexcept override;
  void add(timer_node& node, waiter& w, std::uint32_t index) noexcept override;
  void remove(timer_node& node) noexcept override;
  timer_node* earliest() noexcept;

  std::atomic<std::uint32_t> woken_{0};
  wait_queue armed_;  // of the current wait: a few at most, and only this thread touches them
};

}  // namespace sluice::detail
