// sanitizers.h - what ASan and TSan must be told about fibers; empty without them.
//
// TSan switches with the no-sync flag: a switch orders nothing between two fibers, so a race that only our scheduling
// hides is still reported. The edges that are real (a wake happens before the resume) are announced one by one.
#pragma once

#include <sluice/base/tsan.h>

#include <cerrno>
#include <cstddef>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLUICE_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define SLUICE_ASAN 1
#endif

#if defined(SLUICE_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif
#if defined(SLUICE_TSAN)
#define SLUICE_NO_TSAN __attribute__((no_sanitize("thread")))
extern "C" {
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
void AnnotateIgnoreSyncBegin(const char* file, int line);
void AnnotateIgnoreSyncEnd(const char* file, int line);
void AnnotateBenignRaceSized(const char* file, int line, const volatile void* memory, long size, const char* why);
}
#else
#define SLUICE_NO_TSAN
#endif

namespace sluice::detail {

// Instrumented frames are several times larger.
#if defined(SLUICE_ASAN) || defined(SLUICE_TSAN)
inline constexpr std::size_t stack_scale = 8;
inline constexpr bool sanitized = true;
#else
inline constexpr std::size_t stack_scale = 1;
inline constexpr bool sanitized = false;
#endif

// One execution context as the sanitizers see it.
class sanitizer_context {
 public:
#if defined(SLUICE_TSAN)
  SLUICE_NO_TSAN void adopt_thread() noexcept { tsan_ = __tsan_get_current_fiber(); }
  SLUICE_NO_TSAN void create() noexcept { tsan_ = __tsan_create_fiber(0); }
  SLUICE_NO_TSAN void destroy() noexcept { __tsan_destroy_fiber(tsan_); }
#else
  void adopt_thread() noexcept {}
  void create() noexcept {}
  void destroy() noexcept {}
#endif

#if defined(SLUICE_ASAN)
  void set_stack(const void* bottom, std::size_t size) noexcept {
    bottom_ = bottom;
    size_ = size;
  }
#else
  void set_stack(const void*, std::size_t) noexcept {}
#endif

  // Just before the switch, on `from`; `last`: from never runs again.
  SLUICE_NO_TSAN static void leave([[maybe_unused]] sanitizer_context& from, [[maybe_unused]] const sanitizer_context& to,
                                   [[maybe_unused]] bool last) noexcept {
#if defined(SLUICE_ASAN)
    __sanitizer_start_switch_fiber(last ? nullptr : &from.fake_stack_, to.bottom_, to.size_);
#endif
#if defined(SLUICE_TSAN)
    __tsan_switch_to_fiber(to.tsan_, __tsan_switch_to_fiber_no_sync);
#endif
  }

  // Just after the switch, on the context that was entered. `from`, if given, is a thread's context that was left and
  // learns its stack.
  void enter([[maybe_unused]] sanitizer_context* from) noexcept {
#if defined(SLUICE_ASAN)
    const void* bottom = nullptr;
    std::size_t size = 0;
    __sanitizer_finish_switch_fiber(fake_stack_, &bottom, &size);
    if (from != nullptr) from->set_stack(bottom, size);
#endif
  }

 private:
#if defined(SLUICE_ASAN)
  void* fake_stack_ = nullptr;
  const void* bottom_ = nullptr;
  std::size_t size_ = 0;
#endif
#if defined(SLUICE_TSAN)
  void* tsan_ = nullptr;
#endif
};

// While a fiber is inside the scheduler it works on what belongs to its worker: the worker's thread orders those accesses,
// and TSan, told that switches order nothing, cannot see that. Nor may the scheduler's own locks and queues order what two
// fibers do: a race that only our scheduling hides is a race. So inside, TSan sees neither accesses nor synchronization;
// happens_before() and happens_after() stand outside. User code is never inside.
inline void enter_scheduler() noexcept {
#if defined(SLUICE_TSAN)
  AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
  AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  AnnotateIgnoreSyncBegin(__FILE__, __LINE__);
#endif
}
inline void leave_scheduler() noexcept {
#if defined(SLUICE_TSAN)
  AnnotateIgnoreSyncEnd(__FILE__, __LINE__);
  AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
  AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
#endif
}
// The fibers of one thread use its errno in turn.
inline void share_errno() noexcept {
#if defined(SLUICE_TSAN)
  AnnotateBenignRaceSized(__FILE__, __LINE__, &errno, sizeof errno, "errno");
#endif
}
struct in_scheduler {
  in_scheduler() noexcept { enter_scheduler(); }
  in_scheduler(const in_scheduler&) = delete;
  in_scheduler& operator=(const in_scheduler&) = delete;
  ~in_scheduler() { leave_scheduler(); }
};
struct outside_scheduler {
  outside_scheduler() noexcept { leave_scheduler(); }
  outside_scheduler(const outside_scheduler&) = delete;
  outside_scheduler& operator=(const outside_scheduler&) = delete;
  ~outside_scheduler() { enter_scheduler(); }
};

// Pointers on parked stacks keep their objects alive in the eyes of LeakSanitizer.
inline void register_root([[maybe_unused]] const void* begin, [[maybe_unused]] std::size_t size) noexcept {
#if defined(SLUICE_ASAN)
  __lsan_register_root_region(begin, size);
#endif
}
inline void unregister_root([[maybe_unused]] const void* begin, [[maybe_unused]] std::size_t size) noexcept {
#if defined(SLUICE_ASAN)
  __lsan_unregister_root_region(begin, size);
#endif
}
// The frames that a finished fiber left on its stack are not out of bounds for the next one.
inline void unpoison_stack([[maybe_unused]] const void* bottom, [[maybe_unused]] std::size_t size) noexcept {
#if defined(SLUICE_ASAN)
  __asan_unpoison_memory_region(bottom, size);
#endif
}

}  // namespace sluice::detail
