// run_queue.h - fibers that are ready, first in, first out; without a bound and without allocation.
//
// Threads: all members from any thread. A lock rather than a lock-free ring: it costs 2 ns more for an operation, has no
// overflow, and lets a thief take half in one step.
#pragma once

#include <sluice/base/spinlock.h>
#include <sluice/runtime/detail/fiber.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>

namespace sluice::detail {

class run_queue {
 public:
  // Readable without the lock, as a hint.
  std::uint32_t size() const noexcept { return size_.load(std::memory_order_relaxed); }
  // How many have been taken out since the beginning: tells a thief how long the first one has waited.
  std::uint32_t taken() const noexcept { return taken_.load(std::memory_order_relaxed); }

  void push(fiber& f) noexcept {
    const std::lock_guard guard(lock_);
    append(f);
  }

  fiber* pop() noexcept {
    if (size() == 0) return nullptr;
    const std::lock_guard guard(lock_);
    return size() > 0 ? &remove_first() : nullptr;
  }

  // Takes the first and puts f behind the others, in one step; null, and f stays out, if there is nobody.
  fiber* exchange(fiber& f) noexcept {
    if (size() == 0) return nullptr;
    const std::lock_guard guard(lock_);
    if (size() == 0) return nullptr;
    append(f);
    return &remove_first();
  }

  // f(const fiber&) for each, under the lock.
  template <class F>
  void visit(F f) {
    const std::lock_guard guard(lock_);
    for (const fiber* each = first_; each != nullptr; each = each->next_ready_) f(*each);
  }

  // Moves the older half of what is here, at least one and at most `most`, to `thief`; returns the first of them instead
  // of queueing it.
  fiber* steal_half(run_queue& thief, std::uint32_t most) noexcept {
    fiber* first = nullptr;
    fiber* loot = nullptr;
    {
      const std::lock_guard guard(lock_);
      if (size() == 0) return nullptr;
      std::uint32_t n = std::min((size() + 1) / 2, most);
      first = &remove_first();
      fiber** last = &loot;
      while (--n > 0) {
        fiber& f = remove_first();
        *last = &f;
        last = &f.next_ready_;
      }
      *last = nullptr;
    }
    if (loot == nullptr) return first;
    const std::lock_guard guard(thief.lock_);
    for (fiber* f = loot; f != nullptr;) {
      fiber* const next = f->next_ready_;
      thief.append(*f);
      f = next;
    }
    return first;
  }

 private:
  void append(fiber& f) noexcept {
    f.next_ready_ = nullptr;
    (first_ == nullptr ? first_ : last_->next_ready_) = &f;
    last_ = &f;
    size_.store(size() + 1, std::memory_order_relaxed);
  }
  fiber& remove_first() noexcept {
    fiber& f = *first_;
    first_ = f.next_ready_;
    size_.store(size() - 1, std::memory_order_relaxed);
    taken_.store(taken() + 1, std::memory_order_relaxed);
    return f;
  }

  spinlock lock_;
  fiber* first_ = nullptr;
  fiber* last_ = nullptr;
  std::atomic<std::uint32_t> size_{0};
  std::atomic<std::uint32_t> taken_{0};
};

}  // namespace sluice::detail
