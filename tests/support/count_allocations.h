// count_allocations.h - counts what the whole program allocates with new. It replaces the global operators, so include it
// in one file of a program only.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace test {

inline std::atomic<long> allocations{0};
inline std::atomic<long> deallocations{0};
inline long live_allocations() { return allocations.load() - deallocations.load(); }

namespace detail {
inline void* counted_alloc(std::size_t size, std::size_t align) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (size == 0) size = 1;
  void* p =
      align <= alignof(std::max_align_t) ? std::malloc(size) : std::aligned_alloc(align, (size + align - 1) / align * align);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}
inline void counted_free(void* p) noexcept {
  if (p != nullptr) deallocations.fetch_add(1, std::memory_order_relaxed);
  std::free(p);
}
}  // namespace detail
}  // namespace test

void* operator new(std::size_t n) { return test::detail::counted_alloc(n, 1); }
void* operator new[](std::size_t n) { return test::detail::counted_alloc(n, 1); }
void* operator new(std::size_t n, std::align_val_t a) { return test::detail::counted_alloc(n, static_cast<std::size_t>(a)); }
void* operator new[](std::size_t n, std::align_val_t a) {
  return test::detail::counted_alloc(n, static_cast<std::size_t>(a));
}
// The C++ library's would come through the first one, ASan's does not.
void* operator new(std::size_t n, const std::nothrow_t&) noexcept {
  try {
    return test::detail::counted_alloc(n, 1);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void operator delete(void* p) noexcept { test::detail::counted_free(p); }
void operator delete[](void* p) noexcept { test::detail::counted_free(p); }
void operator delete(void* p, std::size_t) noexcept { test::detail::counted_free(p); }
void operator delete[](void* p, std::size_t) noexcept { test::detail::counted_free(p); }
void operator delete(void* p, std::align_val_t) noexcept { test::detail::counted_free(p); }
void operator delete[](void* p, std::align_val_t) noexcept { test::detail::counted_free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { test::detail::counted_free(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { test::detail::counted_free(p); }
