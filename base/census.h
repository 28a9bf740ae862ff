// census.h - how many threads of this process can go on only if another thread wakes them. When that is true of all of them,
// and no timer runs, nothing will ever happen again: what the detection of deadlocks stands on.
//
// A thread that *rests* has said so when whoever is to wake it could already do so, and it does nothing more but look for
// a deadlock; and whoever wakes it says so before the thread can go on. So a thread that is not counted as resting may be at
// rest, for a few instructions, but never the other way round. Nobody rests who gets up by himself, when a time comes.
// Workers are counted while they are awake too: as long as one is, there is no need to look any further.
// The word: version (24 bits, one for each change) | workers awake (20) | threads at rest (20)
#pragma once

#include <sluice/base/futex.h>

#include <atomic>
#include <cstdint>

namespace sluice::detail {

class census {
 public:
  // By a worker's thread: there is one more, or one less, that is awake.
  static void worker_begins() noexcept { change(awake); }
  static void worker_ends() noexcept { change(0 - awake); }
  static void worker_rests() noexcept { change(resting - awake); }
  static void worker_is_woken() noexcept { change(awake - resting); }
  // Any other thread.
  static void rests() noexcept { change(resting); }
  static void is_woken() noexcept { change(0 - resting); }

  // In a child process that fork() has made: there is only the calling thread, which is not counted.
  static void begin_anew() noexcept { word_.store(0, std::memory_order_relaxed); }

  struct count {
    std::uint64_t word;
    bool any_worker_awake() const noexcept { return (word / awake & field) != 0; }
    std::uint64_t at_rest() const noexcept { return word & field; }
    friend bool operator==(const count&, const count&) = default;
  };
  static count now() noexcept { return {word_.load(std::memory_order_seq_cst)}; }

  // To be called by a thread at rest, when it has said so and before it sleeps: reports a deadlock if there is one. Returns
  // when it should be called again if nothing has happened until then.
  static steady_time look_for_deadlock() noexcept {
    auto* const look = look_.load(std::memory_order_acquire);
    return look != nullptr ? look() : steady_time::max();
  }
  using look = steady_time() noexcept;
  static void set_look(look* f) noexcept { look_.store(f, std::memory_order_release); }

 private:
  static constexpr std::uint64_t resting = 1, awake = resting << 20, version = awake << 20, field = awake - 1;
  static void change(std::uint64_t by) noexcept { word_.fetch_add(version + by, std::memory_order_seq_cst); }

  alignas(64) static inline std::atomic<std::uint64_t> word_{0};
  static inline std::atomic<look*> look_{nullptr};
};

}  // namespace sluice::detail
