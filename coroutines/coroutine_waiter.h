// coroutine_waiter.h - a coroutine as a waiter: it suspends instead of parking, and its executor resumes it.
//
// Nobody waits inside the coroutine. An awaiter notes what is to be waited for and suspends; then, off the coroutine's
// frame, carry_out() arms the events and commits the wait, and resume(), when somebody has won it, settles it; only then
// does the coroutine run again.
//
// Invariant: after a commit that succeeded the committer touches nothing but committing_, which it clears as its last step;
//   resume() waits for that (docs/protocol.md: the committer must be done before the fiber runs).
// Threads: post() may queue it from anywhere; one thread at a time resumes it.
#pragma once

#include <sluice/futures/waiter.h>

#include <atomic>
#include <coroutine>

namespace sluice {

class executor;

namespace detail {
class async_wait;
}

class coroutine_waiter : public waiter {
 public:
  // For executors: goes on with the coroutine until it waits again or ends. Once for each post().
  void resume() noexcept;

  detail::timer_queue& timers() noexcept final;
  void wake() noexcept final;

 protected:
  explicit coroutine_waiter(executor* e) noexcept : executor_(e) {}
  ~coroutine_waiter() = default;

  // Runs the coroutine; its wait, if there was one, is over.
  virtual void go_on() noexcept = 0;

  // Arms wait_ and commits. True: it is over already, and settled. False: the coroutine sleeps; hands off.
  bool carry_out() noexcept;

  // Ends the wait that the coroutine is suspended in, for one that is destroyed. On return nobody knows of it.
  void withdraw_wait() noexcept;

 private:
  friend class coroutine_queue;
  void let_committer_go() const noexcept;

  std::atomic<bool> committing_{false};

 protected:
  // A task's: its frame is being made | it has an owner | it runs | it is over, and its error has somebody to go to.
  enum class stage : std::uint8_t { making, made, begun, reported };
  stage stage_ = stage::making;
  bool posted_ = false;  // by itself, to executor_: there is nothing to settle
  executor* executor_;
  detail::async_wait* wait_ = nullptr;  // that it is suspended in
  union {
    coroutine_waiter* next_ = nullptr;   // while it is queued; guarded by the queue
    std::coroutine_handle<> successor_;  // of a task: who runs next in the chain, while it runs
  };
};

// Coroutines that are ready, first in, first out, for executors. Not synchronized; allocates nothing.
class coroutine_queue {
 public:
  void push(coroutine_waiter& c) noexcept {
    c.next_ = nullptr;
    (first_ == nullptr ? first_ : last_->next_) = &c;
    last_ = &c;
  }
  coroutine_waiter* pop() noexcept {
    coroutine_waiter* const c = first_;
    if (c != nullptr) first_ = c->next_;
    return c;
  }
  bool empty() const noexcept { return first_ == nullptr; }
  // O(n): coroutines are rarely destroyed between their wake-up and their resumption.
  bool remove(coroutine_waiter& c) noexcept {
    for (coroutine_waiter *before = nullptr, *each = first_; each != nullptr; before = each, each = each->next_) {
      if (each != &c) continue;
      (before == nullptr ? first_ : before->next_) = c.next_;
      if (last_ == &c) last_ = before;
      return true;
    }
    return false;
  }

 private:
  coroutine_waiter* first_ = nullptr;
  coroutine_waiter* last_ = nullptr;
};

}  // namespace sluice
