// value_queue.h - the values inside a channel: a circle of blocks, first in, first out.
//
// Bounded: one block, allocated whole. Unbounded: a block is added when the circle is full, by the caller, who allocates
// it outside the channel's lock; blocks are reused, and go with the queue.
// Not synchronized. Invariant: the values are the slots from (head_, head_at_) to (tail_, tail_at_), going round.
#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace sluice::detail {

template <class T>
class value_queue {
 public:
  class block {
   public:
    // std::length_error if `slots` of them cannot be counted, std::bad_alloc if they cannot be had.
    static block* make(std::size_t slots) {
      constexpr std::size_t most = (std::numeric_limits<std::ptrdiff_t>::max() - first_slot) / sizeof(T);
      if (slots > most) throw std::length_error("sluice: a channel cannot have a capacity of " + std::to_string(slots));
      return new (::operator new(first_slot + slots * sizeof(T), alignment)) block(slots);
    }
    static void destroy(block* b) noexcept { ::operator delete(static_cast<void*>(b), alignment); }

    T* slot(std::size_t i) noexcept {
      return std::launder(reinterpret_cast<T*>(reinterpret_cast<std::byte*>(this) + first_slot + i * sizeof(T)));
    }
    block* next = this;
    const std::size_t slots;

   private:
    explicit block(std::size_t n) noexcept : slots(n) {}
    static constexpr std::size_t align = alignof(T) > alignof(block*) ? alignof(T) : alignof(block*);
    static constexpr std::align_val_t alignment{align};
    static constexpr std::size_t first_slot = (2 * sizeof(void*) + align - 1) / align * align;
  };

  explicit value_queue(std::size_t slots) : head_(slots > 0 ? block::make(slots) : nullptr), tail_(head_) {
    static_assert(sizeof(block) <= 2 * sizeof(void*));
  }
  value_queue(const value_queue&) = delete;
  value_queue& operator=(const value_queue&) = delete;
  ~value_queue() {
    while (size_ > 0) drop();
    if (head_ == nullptr) return;
    block* b = head_->next;
    while (b != head_) block::destroy(std::exchange(b, b->next));
    block::destroy(head_);
  }

  std::size_t size() const noexcept { return size_; }

  // Unbounded queues only: there is no slot for another value until a block is added.
  bool wants_block() const noexcept { return tail_at_ == tail_->slots && tail_->next == head_; }
  std::size_t next_block_slots() const noexcept { return tail_->slots < most_block_slots ? tail_->slots * 2 : tail_->slots; }
  void add(block* b) noexcept {
    b->next = tail_->next;
    tail_->next = b;
  }

  // Requires a free slot.
  void push(T&& value) noexcept {
    if (tail_at_ == tail_->slots) {
      tail_ = tail_->next;
      tail_at_ = 0;
    }
    std::construct_at(tail_->slot(tail_at_++), std::move(value));
    ++size_;
  }

  // Requires a value.
  void pop(std::optional<T>& into) noexcept {
    into.emplace(std::move(front()));
    drop();
  }
  T& front() noexcept { return *head_->slot(head_at_); }
  void drop() noexcept {
    std::destroy_at(&front());
    if (--size_ == 0) {  // start again at a block's first slot: it is warm
      head_ = tail_;
      head_at_ = tail_at_ = 0;
    } else if (++head_at_ == head_->slots) {
      head_ = head_->next;
      head_at_ = 0;
    }
  }

 private:
  static constexpr std::size_t most_block_slots = 1024;

  block* head_;
  block* tail_;
  std::size_t head_at_ = 0;
  std::size_t tail_at_ = 0;
  std::size_t size_ = 0;
};

}  // namespace sluice::detail
