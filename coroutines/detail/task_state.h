// task_state.h - a task's result, its chain, and its frame: one piece of memory.
//
//   [ task_state<T> | coroutine frame ... ]
//
// The frame is destroyed when the task ends, and with it what the coroutine was given: whoever sees the result may rely on
// that. The state, which is what the future refers to, stays as long as somebody refers to it, and so does the memory.
#pragma once

#include <sluice/coroutines/task_chain.h>
#include <sluice/futures/future.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>

namespace sluice::detail {

template <class T>
class task_state final : public shared_state<T>, public task_chain {
 public:
  task_state() = default;

  // ---- For the coroutine: its memory.
  static void* allocate(std::size_t frame_size) {
    void* memory;
    if constexpr (alignment > __STDCPP_DEFAULT_NEW_ALIGNMENT__)
      memory = ::operator new(frame_offset() + frame_size, std::align_val_t{alignment});
    else
      memory = ::operator new(frame_offset() + frame_size);
    new (memory) task_state;
    return out_of_sight(static_cast<std::byte*>(memory) + frame_offset());
  }
  static task_state& of_frame(void* frame) noexcept {
    return *std::launder(reinterpret_cast<task_state*>(static_cast<std::byte*>(out_of_sight(frame)) - frame_offset()));
  }
  void* frame() noexcept { return reinterpret_cast<std::byte*>(this) + frame_offset(); }
  std::coroutine_handle<> handle() noexcept { return std::coroutine_handle<>::from_address(frame()); }

  // The frame is gone. If the coroutine could not be made in the first place, so is the rest.
  void frame_gone() noexcept {
    if (stage_ == stage::making) free_memory();
  }

  // ---- For the task that owns it (one reference):
  void own() noexcept { stage_ = stage::made; }
  // Of one that has not begun, or has ended.
  void abandon() noexcept {
    destroy_frame(frame());
    this->release();
  }

  // A task that is awaited is part of the chain of the one who awaits it.
  void follow(std::coroutine_handle<> parent) noexcept { successor_ = parent; }
  std::coroutine_handle<> follower() const noexcept { return successor_; }

  // The owner's reference becomes the future's.
  future<T> spawn(executor& e) {
    this->add_ref();  // the running chain's
    try {
      begin(e);
    } catch (...) {
      this->release();
      throw;
    }
    return make_future(intrusive_ptr<shared_state<T>>::adopt(this));
  }

  bool request_cancel() noexcept override {
    if (this->ready()) return false;
    if (request_stop(once)) wake();
    return true;
  }
  const waiter* computed_by() const noexcept override { return this; }

 private:
  static constexpr std::size_t alignment = std::max(alignof(shared_state<T>), std::size_t{__STDCPP_DEFAULT_NEW_ALIGNMENT__});
  // Clang takes a coroutine's frame for an object of its own, which nothing in front of it can be part of: it would move a
  // write to the state by way of the frame before the state's construction. So it is not shown where a frame comes from.
  static void* out_of_sight(void* p) noexcept {
    asm volatile("" : "+r"(p) : : "memory");
    return p;
  }
  static constexpr std::size_t frame_offset() noexcept {
    return (sizeof(task_state) + alignment - 1) / alignment * alignment;
  }

  ~task_state() override = default;
  void free_memory() noexcept {
    this->~task_state();
    if constexpr (alignment > __STDCPP_DEFAULT_NEW_ALIGNMENT__)
      ::operator delete(static_cast<void*>(this), std::align_val_t{alignment});
    else
      ::operator delete(static_cast<void*>(this));
  }

  void last_reference_gone() noexcept override {
    if (const auto error = this->take_unobserved()) report(error);
    free_memory();
  }

  std::coroutine_handle<> first() noexcept override { return handle(); }
  void refuse(std::exception_ptr why) noexcept override { this->store(std::move(why)); }
  void finish() noexcept override {
    destroy_frame(frame());
    const bool failed = this->holds_error();
    this->announce();
    end(failed);
    this->release();
  }
};

}  // namespace sluice::detail
