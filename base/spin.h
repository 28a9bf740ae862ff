// spin.h - waiting a few instructions for somebody who is about to be done.
#pragma once

#include <sluice/base/contention.h>

#include <atomic>
#include <thread>

namespace sluice::detail {

inline void cpu_relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#endif
}

// Looks again after a pause that doubles, then gives the core away: on a full machine the one we wait for may be preempted,
// and only the kernel can bring it back. The pause is for those who have the lock: each look takes the cache line from them,
// and with pauses they get through several operations before it moves (T. E. Anderson, "The Performance of Spin Lock
// Alternatives for Shared-Memory Multiprocessors", 1990).
class spin_wait {
 public:
  void once() noexcept {
    if (pauses_ <= most_pauses) {
      for (int i = 0; i < pauses_; ++i) cpu_relax();
      pauses_ *= 2;
    } else {
      std::this_thread::yield();
    }
  }

 private:
  static constexpr int first_pauses = 16, most_pauses = 64;
  int pauses_ = first_pauses;
};

// Sets a bit that is a lock, for a word that is more besides: the word before, in which the bit was not set.
template <class W>
W lock_bit(std::atomic<W>& word, W bit) noexcept {
  for (;;) {
    const W before = word.fetch_or(bit, std::memory_order_acquire);
    if (!(before & bit)) return before;
    note_contention();
    for (spin_wait spin; word.load(std::memory_order_relaxed) & bit;) spin.once();
  }
}

}  // namespace sluice::detail
