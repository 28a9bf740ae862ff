// channel_word.h - a channel's lock, and all that can be said of it without the lock, in one word.
//
//   bit 0 locked | 1 a receive may be ready | 2 a send may be ready | 3 closed | 4.. version, one more at each unlock
//
// The ready bits may over-report (a queued waiter whose wait is decided still counts), never under-report: they are
// computed anew at each unlock, from what the lock guards. The version makes "nothing has happened since" a comparison.
// Orders: lock acquires, unlock releases. look() is sequentially consistent for the snapshot of try_select (P8).
#pragma once

#include <sluice/base/spin.h>

#include <atomic>
#include <cstdint>

namespace sluice::detail {

class channel_word {
 public:
  static constexpr std::uint64_t locked = 1, recv_ready = 2, send_ready = 4, closed = 8, version = 16;

  explicit channel_word(std::uint64_t bits) noexcept : word_(bits) {}

  void lock() noexcept { lock_bit(word_, locked); }
  // `bits`: some of recv_ready, send_ready, closed.
  void unlock(std::uint64_t bits) noexcept {
    const std::uint64_t before = word_.load(std::memory_order_relaxed);
    word_.store(((before & ~(version - 1)) + version) | bits, std::memory_order_release);
  }

  std::uint64_t look() const noexcept { return word_.load(std::memory_order_seq_cst); }

  // As an event's look(): bit 0 if `side` may be ready or the channel is being changed right now.
  std::uint64_t look(std::uint64_t side) const noexcept {
    const std::uint64_t w = look();
    return (w & ~locked) | ((w & (side | locked)) != 0);
  }
  bool may_be(std::uint64_t side) const noexcept { return word_.load(std::memory_order_acquire) & (side | locked); }
  bool is_closed() const noexcept { return word_.load(std::memory_order_acquire) & closed; }

 private:
  std::atomic<std::uint64_t> word_;
};

}  // namespace sluice::detail
