// intrusive_ptr.h - shared ownership of an object that counts its own references.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace sluice::detail {

// Born with one reference, which belongs to the intrusive_ptr that adopts it; or with more, each for somebody who releases
// it.
class ref_counted {
 public:
  explicit ref_counted(std::uint32_t references = 1) noexcept : refs_(references) {}
  ref_counted(const ref_counted&) = delete;
  ref_counted& operator=(const ref_counted&) = delete;

  void add_ref() noexcept { refs_.fetch_add(1, std::memory_order_relaxed); }
  // As many as there were at some moment.
  std::uint32_t ref_count() const noexcept { return refs_.load(std::memory_order_relaxed); }
  // Who has the only reference need not count down: nobody else could make another one of it.
  void release() noexcept {
    if (refs_.load(std::memory_order_acquire) == 1 || refs_.fetch_sub(1, std::memory_order_acq_rel) == 1)
      last_reference_gone();
  }

 protected:
  virtual ~ref_counted() = default;
  virtual void last_reference_gone() noexcept { delete this; }

 private:
  std::atomic<std::uint32_t> refs_;
};

template <class T>
class intrusive_ptr {
 public:
  intrusive_ptr() = default;
  static intrusive_ptr adopt(T* object) noexcept {
    intrusive_ptr p;
    p.object_ = object;
    return p;
  }
  static intrusive_ptr share(T* object) noexcept {
    if (object != nullptr) object->add_ref();
    return adopt(object);
  }
  intrusive_ptr(const intrusive_ptr& other) noexcept : object_(other.object_) {
    if (object_ != nullptr) object_->add_ref();
  }
  intrusive_ptr(intrusive_ptr&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  intrusive_ptr& operator=(intrusive_ptr other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~intrusive_ptr() {
    if (object_ != nullptr) object_->release();
  }

  // Gives the reference away.
  T* leave() noexcept { return std::exchange(object_, nullptr); }

  T* get() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  T* operator->() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }

 private:
  T* object_ = nullptr;
};

// Borrowed, or shared: which of the two is in the pointer's lowest bit, so it takes one word.
template <class T>
class maybe_shared {
 public:
  explicit maybe_shared(T* borrowed) noexcept : word_(reinterpret_cast<std::uintptr_t>(borrowed)) {}
  explicit maybe_shared(intrusive_ptr<T> kept) noexcept : word_(reinterpret_cast<std::uintptr_t>(kept.leave())) {
    if (word_ != 0) word_ |= shared;
  }
  maybe_shared(const maybe_shared& other) noexcept : word_(other.word_) {
    if (word_ & shared) get()->add_ref();
  }
  maybe_shared(maybe_shared&& other) noexcept : word_(other.word_ & shared ? std::exchange(other.word_, 0) : other.word_) {}
  maybe_shared& operator=(maybe_shared other) noexcept {
    std::swap(word_, other.word_);
    return *this;
  }
  ~maybe_shared() {
    if (word_ & shared) get()->release();
  }

  T* get() const noexcept { return reinterpret_cast<T*>(word_ & ~shared); }
  T* operator->() const noexcept { return get(); }
  explicit operator bool() const noexcept { return word_ != 0; }

 private:
  static constexpr std::uintptr_t shared = 1;
  std::uintptr_t word_;
};

}  // namespace sluice::detail
