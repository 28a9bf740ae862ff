// carriers.h - the runtime's executor: coroutines run on fibers, the carriers, one after the other.
//
// A coroutine that calls something that blocks blocks its carrier, which is a fiber, never a worker; and another carrier
// goes on with the rest. A carrier that finds nothing to do waits; several coroutines in a row need no switch.
//
// Invariants, with lock_ held
//   E1  ready_ not empty  =>  a carrier is coming that has not looked yet, or there was none to be had and those that are
//       there will look again. Who takes a coroutine and leaves others sends for the next one first.
//   E2  as long as there are tasks, there is a carrier (but for the very first: the spare one).
// Lock: lock_ guards the queue, the idle carriers and the spare; tasks_lock_ the list of tasks. Under both only claims
//   happen; nobody is woken.
// End: tasks are cancelled with the fibers. Carriers wait where nothing cancels them, and end when no task is left.
#pragma once

#include <sluice/base/spinlock.h>
#include <sluice/coroutines/task_chain.h>
#include <sluice/coroutines/executor.h>
#include <sluice/futures/wait_queue.h>
#include <sluice/runtime/detail/fiber.h>

#include <atomic>
#include <cstdint>
#include <mutex>

namespace sluice::detail {

class carrier;

class carriers final : public executor {
 public:
  explicit carriers(scheduler& s) noexcept : scheduler_(s), remote_timers_(s) {}
  ~carriers();

  void post(coroutine_waiter& c) noexcept override;
  bool withdraw(coroutine_waiter& c) noexcept override;
  timer_queue& timers() noexcept override;
  // Those of a party that is no fiber of this runtime.
  timer_queue& remote() noexcept { return remote_timers_; }

  // From now on post() finds a carrier. Throws std::bad_alloc.
  void prepare();

  // Cancels every wait of the tasks, now and from now on; carriers end when no task is left.
  void stop() noexcept;
  bool has_tasks() const noexcept { return tasks() != 0; }
  std::size_t tasks() const noexcept { return task_count_.load(std::memory_order_seq_cst); }
  // f(const task_chain&) for each task that is not over, under the lock of the list.
  template <class F>
  void visit_tasks(F f) {
    const std::lock_guard guard(tasks_lock_);
    tasks_.for_each(f);
  }
  // Whoever posted what has run may still be in post().
  void wait_for_posters() const noexcept;

 private:
  friend class carrier;

  bool enter(task_chain& t) override;
  void leave(task_chain& t) noexcept override;
  std::shared_ptr<const std::function<void(std::exception_ptr)>> unobserved_error() const noexcept override;

  // For a carrier: what to run next; null: end.
  coroutine_waiter* take(carrier& self) noexcept;
  void let_others_go_first(carrier& self) noexcept;

  // Somebody who was sent for under the lock, and is to be set going after it.
  struct summoned {
    wait_node* idle = nullptr;
    carrier* fresh = nullptr;
  };
  summoned summon() noexcept;
  void set_going(const summoned& who) noexcept;
  void dismiss_idle() noexcept;
  void refill() noexcept;
  bool done() const noexcept { return stopping_.load(std::memory_order_seq_cst) && !has_tasks(); }

  // Where a party that is no fiber of this runtime keeps its deadlines: with a worker, who is told.
  class remote_timers final : public timer_queue {
   public:
    explicit remote_timers(scheduler& s) noexcept : scheduler_(s) {}
    void add(timer_node& node, waiter& w, std::uint32_t index) noexcept override;
    void remove(timer_node& node) noexcept override { node.queue->remove(node); }

   private:
    scheduler& scheduler_;
  };

  scheduler& scheduler_;
  remote_timers remote_timers_;

  spinlock lock_;
  coroutine_queue ready_;
  wait_queue idle_;
  std::size_t idle_count_ = 0;
  carrier* spare_ = nullptr;
  std::size_t coming_ = 0;  // sent for, or let others go first
  std::atomic<bool> wants_spare_{true};

  spinlock tasks_lock_;
  task_list tasks_;
  std::atomic<std::size_t> task_count_{0};
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint32_t> posting_{0};
};

}  // namespace sluice::detail
