// executor.h - where coroutines go on.
//
// A task resumes on the executor that it was spawned on, until it moves itself (resume_on). Without one it is that of the
// runtime (runtime/). An executor of your own queues what it is given, and resumes it when and where it likes:
//
//   class loop : public executor {
//     void post(coroutine_waiter& c) noexcept override { queue_.push(c); ring(); }
//     bool withdraw(coroutine_waiter& c) noexcept override { return queue_.remove(c); }
//    public:
//     void run_some() { while (auto* c = queue_.pop()) c->resume(); }
//    private:
//     coroutine_queue queue_;
//   };
//
// Contract: each coroutine that is posted is resumed once; after resume() has been called, or another thread may have called
//   it, the coroutine_waiter is not touched any more. The executor outlives what is to be resumed on it.
// Threads: post() is called from any fiber or thread, by whoever completes a wait, with no lock held. It must neither wait
//   nor throw nor allocate.
#pragma once

#include <sluice/coroutines/coroutine_waiter.h>
#include <sluice/futures/timer_queue.h>

#include <exception>
#include <functional>
#include <memory>

namespace sluice {

namespace detail {
class task_chain;
}

class executor {
 public:
  // Sees to it that c.resume() is called.
  virtual void post(coroutine_waiter& c) noexcept = 0;

  // Takes back what was posted and not resumed yet; false if it is not here. Only coroutines that are no tasks and are
  // destroyed while they wait need this.
  virtual bool withdraw(coroutine_waiter& c) noexcept = 0;

  // Where coroutines that resume here keep their deadlines. Default: with the default runtime, which never ends.
  virtual detail::timer_queue& timers() noexcept;

 protected:
  executor() = default;
  executor(const executor&) = delete;
  executor& operator=(const executor&) = delete;
  ~executor() = default;

 private:
  friend class detail::task_chain;
  // For a runtime, whose end ends its tasks. enter: a task begins its life here; leave: it is over. If enter() says false
  // it is not told, and the executor may be gone by then.
  virtual bool enter(detail::task_chain&) { return false; }
  virtual void leave(detail::task_chain&) noexcept {}
  // Null: standard error.
  virtual std::shared_ptr<const std::function<void(std::exception_ptr)>> unobserved_error() const noexcept {
    return nullptr;
  }
};

// That of the calling fiber's runtime; on a plain thread that of the default runtime.
executor& default_executor();

// Resumes a coroutine at once, on the stack of whoever completes its wait: a send() returns only when the receiver waits
// again or is done. Fast, and dangerous: what the coroutine does is done in the middle of somebody else's operation (a
// worker that fires timers, a fiber with a small stack), it must not block, and coroutines that wake each other nest. A
// coroutine here that is no task must not be destroyed while somebody may complete its wait.
class inline_executor final : public executor {
 public:
  void post(coroutine_waiter& c) noexcept override { c.resume(); }
  bool withdraw(coroutine_waiter&) noexcept override { return false; }
};

}  // namespace sluice
