// tsan.h - edges that ThreadSanitizer cannot see by itself; empty without it.
#pragma once

#if defined(__SANITIZE_THREAD__)
#define SLUICE_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SLUICE_TSAN 1
#endif
#endif
#if defined(SLUICE_TSAN)
#include <pthread.h>
#include <sanitizer/tsan_interface.h>
#endif

namespace sluice::detail {

inline void happens_before([[maybe_unused]] void* what) noexcept {
#if defined(SLUICE_TSAN)
  __tsan_release(what);
#endif
}
inline void happens_after([[maybe_unused]] void* what) noexcept {
#if defined(SLUICE_TSAN)
  __tsan_acquire(what);
#endif
}

// What a fiber did on a thread comes before what others do there later. To rely on that is a race, since fibers move; so
// only who knows that it is on the right thread asks for the edge.
inline void leaves_thread() noexcept {
#if defined(SLUICE_TSAN)
  __tsan_release(reinterpret_cast<void*>(pthread_self()));
#endif
}
inline void follows_on_thread() noexcept {
#if defined(SLUICE_TSAN)
  __tsan_acquire(reinterpret_cast<void*>(pthread_self()));
#endif
}

}  // namespace sluice::detail
