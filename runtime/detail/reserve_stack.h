// reserve_stack.h - where a fiber that cannot have a stack meets its end.
//
// Its error must arrive, and the destructors of what it captured must run: user code, which may wait, so it needs a stack of
// its own. There is one of these for a scheduler, had in time; fibers that need it take turns.
//
// Threads: all members may be called from any thread.
#pragma once

#include <sluice/base/spinlock.h>
#include <sluice/runtime/detail/run_queue.h>
#include <sluice/runtime/detail/stack.h>

#include <exception>
#include <mutex>
#include <utility>

namespace sluice::detail {

class reserve_stack {
 public:
  // Throws no_stack.
  reserve_stack(std::size_t size, stack_guards guards) : memory_(map_stack(size, guards)) {
    if (!memory_) throw no_stack{};
  }
  reserve_stack(const reserve_stack&) = delete;
  reserve_stack& operator=(const reserve_stack&) = delete;
  ~reserve_stack() { unmap_stack(memory_); }

  const stack& memory() const noexcept { return memory_; }
  // The error, made in time as well.
  const std::exception_ptr& error() const noexcept { return error_; }
  bool is(const stack& s) const noexcept { return s.bottom == memory_.bottom; }

  // True: it is f's. False: f stands in line, and will come out of hand_on().
  bool lend_to(fiber& f) noexcept {
    const std::lock_guard guard(lock_);
    if (lent_) waiting_.push(f);
    return !std::exchange(lent_, true);
  }
  // The one who has it has left it. Whose it is next; null if nobody wants it.
  fiber* hand_on() noexcept {
    const std::lock_guard guard(lock_);
    fiber* const next = waiting_.pop();
    lent_ = next != nullptr;
    return next;
  }

 private:
  const stack memory_;
  const std::exception_ptr error_ = std::make_exception_ptr(no_stack{});
  spinlock lock_;
  bool lent_ = false;
  run_queue waiting_;
};

}  // namespace sluice::detail
