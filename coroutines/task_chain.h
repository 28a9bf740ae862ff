// task_chain.h - a spawned task and the tasks that it awaits: one after the other they are one party, with one waiter.
//
// The chain is carried along by a loop, go_on(): a coroutine that awaits a task, or ends, says in successor_ who is next,
// and returns to the loop. So the stack does not grow, whatever the compiler makes of tail calls.
#pragma once

#include <sluice/coroutines/detail/async_wait.h>
#include <sluice/coroutines/executor.h>

#include <exception>
#include <functional>
#include <memory>
#include <new>

namespace sluice::detail {

class task_chain : public coroutine_waiter {
 public:
  // ---- By awaiters, in the coroutine that is about to suspend:
  void wait_for(async_wait& wait, std::coroutine_handle<> self) noexcept {
    wait.lies_in(self);
    wait_ = &wait;
  }
  void move_to(executor& e, async_wait& place, std::coroutine_handle<> self) noexcept {
    wait_for(place, self);
    executor_ = &e;
    posted_ = true;
  }
  // What the innermost task waits for; nothing if it runs. Requires that it cannot go on meanwhile.
  void describe_wait(wait_listener& l) const noexcept {
    if (is_waiting() && wait_ != nullptr) wait_->describe(l);
  }
  // Null: the chain is over.
  void switch_to(std::coroutine_handle<> next) noexcept { successor_ = next; }

 protected:
  task_chain() noexcept : coroutine_waiter(nullptr), links_{} {}
  ~task_chain() {
    if (stage_ == stage::reported) std::destroy_at(&report_);
  }

  // Gives it to its executor. Throws what enter() throws; nothing has happened then.
  void begin(executor& e);
  // The last steps, when the result is there: `failed` if it is an error.
  void end(bool failed) noexcept;
  // An error that nobody has looked at.
  void report(const std::exception_ptr& error) const noexcept;

  virtual std::coroutine_handle<> first() noexcept = 0;
  virtual void refuse(std::exception_ptr why) noexcept = 0;
  // Destroys the frame, announces the result, calls end(), and lets go of the memory.
  virtual void finish() noexcept = 0;

 private:
  friend class task_list;
  void go_on() noexcept final;

  struct links {
    executor* home;  // where it was spawned
    task_chain* prev;
    task_chain* next;
  };
  union {
    links links_;                                  // until end(); guarded by the list that the home keeps
    std::shared_ptr<const error_handler> report_;  // after it, if stage_ says so
  };
};

// Destroys a coroutine. Not inline: the compiler must not see that somebody who makes a task also destroys it and then put
// the frame on the maker's stack, where no task_state is in front of it.
void destroy_frame(void* frame) noexcept;

// The tasks of a runtime that are not over. Not synchronized.
class task_list {
 public:
  void add(task_chain& t) noexcept {
    t.links_.prev = nullptr;
    t.links_.next = first_;
    if (first_ != nullptr) first_->links_.prev = &t;
    first_ = &t;
  }
  void remove(task_chain& t) noexcept {
    (t.links_.prev == nullptr ? first_ : t.links_.prev->links_.next) = t.links_.next;
    if (t.links_.next != nullptr) t.links_.next->links_.prev = t.links_.prev;
  }
  template <class F>
  void for_each(F f) noexcept {
    for (task_chain* t = first_; t != nullptr; t = t->links_.next) f(*t);
  }

 private:
  task_chain* first_ = nullptr;
};

}  // namespace sluice::detail
