// thread_waiter.h - an operating-system thread as a waiter. It needs no runtime: it sleeps on a futex, and it keeps its own
// deadlines, since a thread that sleeps until the earliest of them needs nobody to fire it.
#pragma once

#include <sluice/futures/party.h>
#include <sluice/futures/timer_queue.h>
#include <sluice/futures/wait_queue.h>

#include <sys/types.h>

namespace sluice::detail {

class thread_waiter final : public party, private timer_queue {
 public:
  static thread_waiter& of_this_thread() noexcept;

  timer_queue& timers() noexcept override { return *this; }
  void wake() noexcept override;

  // In a child process that fork() has made: the calling thread is the only one.
  static void forget_others() noexcept;

  // The number by which the kernel knows the thread.
  pid_t id() const noexcept { return id_; }
  // f(thread_waiter&) for each thread that waits without a limit, under a lock: the last to begin comes first.
  template <class F>
  static void for_each_at_rest(F f) {
    const list_lock guard;
    for (thread_waiter* t = first_at_rest; t != nullptr; t = t->next_at_rest_) f(*t);
  }

 private:
  struct list_lock {
    list_lock() noexcept;
    list_lock(const list_lock&) = delete;
    list_lock& operator=(const list_lock&) = delete;
    ~list_lock();
  };
  enum : std::uint32_t { sleeping, at_rest, being_woken, woken };

  thread_waiter() noexcept;
  void park() noexcept override;
  void add(timer_node& node, waiter& w, std::uint32_t index) noexcept override;
  void remove(timer_node& node) noexcept override;
  timer_node* earliest() noexcept;
  void sleep_without_limit() noexcept;

  static thread_waiter* first_at_rest;

  std::atomic<std::uint32_t> state_{woken};
  pid_t id_;
  wait_queue armed_;  // of the current wait: a few at most, and only this thread touches them
  thread_waiter* prev_at_rest_ = nullptr;
  thread_waiter* next_at_rest_ = nullptr;
};

}  // namespace sluice::detail
