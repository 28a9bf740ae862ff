// stack_pool.h - stacks of one size, kept for the next fiber, and given out still warm.
//
// Each worker has a magazine of its own; a pool fills and empties those by the dozen. The pool has its memory in chunks of a
// few megabytes, each with a guard below every stack. What was given back last goes out first.
//
// Idle stacks give their pages back: whatever the pool had left over during the whole of a period, beyond a few that it
// always keeps, nobody has needed for that long. A chunk of which all stacks are idle is unmapped; of another, the idle
// stacks are emptied. So a program that takes and gives a thousand all the time pays nothing, and a burst of a million is
// forgotten a few seconds later; the heap, where its fibers were, is then asked to do the same. This is done in slices of
// about 150 us, by workers that have nothing else to do, and by those that bring stacks back.
//
// Threads: a pool's members from any, a magazine belongs to its worker.
// Lock: lock_ guards the chunks and the counts; no system call is made under it.
#pragma once

#include <sluice/base/futex.h>
#include <sluice/base/spinlock.h>
#include <sluice/runtime/detail/prefetch.h>
#include <sluice/runtime/detail/stack.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::detail {

// Stacks in a row. Bit i stands for the i-th; guarded, but for the row, by the pool's lock.
struct stack_chunk {
  stack_chunk* prev = nullptr;  // in the list it is in
  stack_chunk* next = nullptr;
  stack_row row;
  std::uint32_t here = 0;  // the pool has it
  std::uint32_t used = 0;  // since its pages last went back

  std::uint32_t idle() const noexcept { return here & used; }
};

class stack_pool {
 public:
  stack_pool(std::size_t stack_size, stack_guards guards) noexcept;
  stack_pool(const stack_pool&) = delete;
  stack_pool& operator=(const stack_pool&) = delete;
  // Every stack must be back.
  ~stack_pool();

  std::size_t stack_size() const noexcept { return size_; }
  stack_guards guards() const noexcept { return guards_; }

  // Fills the first part of `room` with as many as it has at hand, one at least; 0 if there is no memory, or it cannot be
  // guarded.
  std::size_t get(std::span<stack> room) noexcept;
  void put(std::span<const stack> some) noexcept;

  // Gives back a slice of what nobody has needed for a period. Returns when there may be more to do: for one of several
  // callers soon, for the others in a while; steady_time::max() if there is nothing left over.
  steady_time tidy(steady_time now) noexcept;

  struct figures {
    std::size_t out = 0;   // with fibers and in magazines
    std::size_t idle = 0;  // here, with pages of their own
  };
  figures counted() noexcept;

  static constexpr std::size_t always_kept = 256;

 private:
  static constexpr std::size_t chunks_per_slice = 16;
  static constexpr std::size_t worth_a_heap = 20'000;  // stacks given back: some 7 MiB of fibers
  // First in, last out.
  class chunk_list {
   public:
    bool empty() const noexcept { return first_ == nullptr; }
    stack_chunk* first() const noexcept { return first_; }
    stack_chunk* last() const noexcept { return last_; }
    void push(stack_chunk& c) noexcept;
    void remove(stack_chunk& c) noexcept;

   private:
    stack_chunk* first_ = nullptr;
    stack_chunk* last_ = nullptr;
  };
  struct emptying {
    stack_chunk* chunk;
    std::uint32_t which;
  };

  stack_chunk* new_chunk() noexcept;
  std::size_t take(stack_chunk& c, std::uint32_t which, std::span<stack> room) noexcept;
  chunk_list* list_of(const stack_chunk& c) noexcept;
  void update(stack_chunk& c, std::uint32_t here, std::uint32_t used) noexcept;
  std::size_t pick_slice(std::span<emptying> slice) noexcept;
  void give_back(std::span<const emptying> slice) noexcept;
  std::uint32_t all() const noexcept { return ~std::uint32_t{0} >> (32 - per_chunk_); }

  const std::size_t size_;
  const stack_guards guards_;
  const std::uint32_t per_chunk_;
  spinlock lock_;
  chunk_list warm_;  // with idle stacks
  chunk_list cold_;  // with others that are here
  std::size_t out_ = 0;
  std::size_t idle_ = 0;
  std::size_t least_idle_ = 0;  // in this period
  std::size_t surplus_ = 0;     // of the last one, yet to be given back
  std::size_t given_back_ = 0;  // since the heap was
  steady_time period_end_{};
  bool tidying_ = false;
};

// Not synchronized. What it has left goes back to the pool with it.
class stack_magazine {
 public:
  explicit stack_magazine(stack_pool& pool) noexcept : pool_(pool) {}
  stack_magazine(const stack_magazine&) = delete;
  stack_magazine& operator=(const stack_magazine&) = delete;
  ~stack_magazine() { pool_.put(std::span(stacks_).first(count_)); }

  // Empty if there is none to be had.
  stack get() noexcept {
    if (count_ == 0) count_ = pool_.get(std::span(stacks_).first(batch));
    if (count_ == 0) return {};
    if (--count_ > 0)
      prefetch(stacks_[count_ - 1].top() - first_frames, first_frames);  // a stack may have been idle for long
    return stacks_[count_];
  }
  void put(const stack& s) noexcept {
    if (count_ == stacks_.size()) unload();
    stacks_[count_++] = s;
  }

 private:
  static constexpr std::size_t batch = 32;
  static constexpr std::size_t first_frames = 640;  // of a fiber up to its first wait
  void unload() noexcept;

  stack_pool& pool_;
  std::size_t count_ = 0;
  std::array<stack, 2 * batch> stacks_;  // the last one is the warmest
};

}  // namespace sluice::detail
