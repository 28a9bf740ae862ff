// guarded_word.h - the state of a mutex, semaphore, ... in one word: what is free, whether anybody waits, and a short lock
// for the queue of those who do.
//
//   bit 0 guard: somebody works on the queue | 1 queued: the queue is not empty | 2.. what the word counts
//
// Invariant: while the guard is held, nobody else changes the word. So a step that leaves the queue alone is one
//   compare-and-swap of a word without the guard, and whoever holds the guard unlocks with a plain store that publishes the
//   new word, the last touch of the object: another who sees the new word may destroy it.
// Orders: lock() and step() acquire, unlock() and step() release. look() is sequentially consistent for the snapshot of
//   try_select (P8).
#pragma once

#include <sluice/base/spin.h>

#include <atomic>
#include <cstdint>

namespace sluice::detail {

class guarded_word {
 public:
  static constexpr std::uint64_t guard = 1, queued = 2, first_free = 4;

  explicit guarded_word(std::uint64_t bits) noexcept : word_(bits) {}

  // Replaces the word by next(word) in one step, if may(word). False: it may not.
  template <class May, class Next>
  bool step(May may, Next next) noexcept {
    std::uint64_t w = word_.load(std::memory_order_relaxed);
    for (spin_wait spin; may(w);) {
      if (w & guard) {
        spin.once();
        w = word_.load(std::memory_order_relaxed);
      } else if (word_.compare_exchange_weak(w, next(w), std::memory_order_acq_rel, std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  // Takes the guard; the word without it.
  std::uint64_t lock() noexcept { return lock_bit(word_, guard); }
  void unlock(std::uint64_t word) noexcept { word_.store(word, std::memory_order_release); }

  std::uint64_t load() const noexcept { return word_.load(std::memory_order_acquire); }
  std::uint64_t look() const noexcept { return word_.load(std::memory_order_seq_cst); }

 private:
  std::atomic<std::uint64_t> word_;
};

// What the word counts, for those that count: up to `most`, and above it a version, which makes "nothing has happened since"
// a comparison.
struct counted {
  static constexpr std::uint64_t one = guarded_word::first_free, most = (std::uint64_t{1} << 32) - 1, version = one << 32;
  static constexpr std::uint64_t count(std::uint64_t word) noexcept { return word / one & most; }
};

}  // namespace sluice::detail
