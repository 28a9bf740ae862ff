// spin.h - waiting a few instructions for somebody who is about to be done.
#pragma once

#include <thread>

namespace sluice::detail {

inline void cpu_relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#endif
}

// Spins briefly, then gives the core away: on a full machine the one we wait for may be preempted, and only the
// kernel can bring it back.
class spin_wait {
 public:
  void once() noexcept {
    if (turns_ < spins_before_yield) {
      ++turns_;
      cpu_relax();
    } else {
      std::this_thread::yield();
    }
  }

 private:
  static constexpr int spins_before_yield = 64;
  int turns_ = 0;
};

}  // namespace sluice::detail
