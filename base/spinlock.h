// spinlock.h - one exchange to lock, one store to unlock; for critical sections of a few dozen instructions.
#pragma once

#include <sluice/base/spin.h>

#include <atomic>

namespace sluice::detail {

class spinlock {
 public:
  void lock() noexcept {
    while (locked_.exchange(true, std::memory_order_acquire)) {
      for (spin_wait spin; locked_.load(std::memory_order_relaxed);) spin.once();
    }
  }
  bool try_lock() noexcept { return !locked_.exchange(true, std::memory_order_acquire); }
  void unlock() noexcept { locked_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> locked_{false};
};

}  // namespace sluice::detail
