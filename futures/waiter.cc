#include <sluice/futures/waiter.h>

namespace sluice {

waiter::pairing waiter::pair(std::uint32_t index, wait_node& peer) noexcept {
  if (!published_ && !proxy_) {  // nobody can win ours meanwhile
    if (!peer.try_win()) return pairing::lost_peer;
    word_.store(won | done | index << shift, std::memory_order_relaxed);
    return pairing::both;
  }
  if (proxy_ || peer.owner->proxy_) return pair_through(index, peer);
  waiter& other = *peer.owner;
  if (&other == this) return pairing::own;
  const bool self_first = std::less<>{}(this, &other);
  waiter& low = self_first ? *this : other;
  waiter& high = self_first ? other : *this;
  if (low.claim(locked) == was_won) return self_first ? pairing::lost_self : pairing::lost_peer;
  if (high.claim(locked) == was_won) {
    low.unlock_word();
    return self_first ? pairing::lost_peer : pairing::lost_self;
  }
  // Read-modify-write: an owner may set `parked` on a locked word.
  const std::uint32_t before = other.word_.fetch_xor(locked | won | peer.index << shift, std::memory_order_acq_rel);
  peer.owner_asleep = before & parked;
  word_.fetch_xor(locked | won | done | index << shift, std::memory_order_acq_rel);
  return pairing::both;
}

bool waiter::commit_park(bool may_be_cancelled) noexcept {
  const std::uint32_t bits = may_be_cancelled ? parked : parked | shielded;
  std::uint32_t w = word_.load(std::memory_order_acquire);
  do {
    if (w & done) return false;
  } while (!word_.compare_exchange_weak(w, w | bits, std::memory_order_seq_cst, std::memory_order_acquire));
  return !(may_be_cancelled && stop_.load(std::memory_order_seq_cst) != none && deliver_stop());
}

bool waiter::take_stop() noexcept {
  std::uint8_t level = once;
  return stop_.compare_exchange_strong(level, none, std::memory_order_seq_cst) || level == always;
}

// Whoever takes the request out of stop_ delivers it, so one request cancels one wait, however many look. A taker that
// finds the wait decided puts it back and looks again: the owner may have begun another wait in between.
bool waiter::deliver_stop() noexcept {
  for (;;) {
    const std::uint32_t w = word_.load(std::memory_order_seq_cst);
    if (!(w & parked) || (w & (won | shielded))) return false;
    if (!take_stop()) return false;
    if (claim_parked()) return true;
    std::uint8_t empty = none;
    stop_.compare_exchange_strong(empty, once, std::memory_order_seq_cst);
  }
}

// Only a wait that is parked and may be cancelled: the owner may have begun another one since the caller looked.
bool waiter::claim_parked() noexcept {
  std::uint32_t w = word_.load(std::memory_order_seq_cst);
  for (detail::spin_wait spin; (w & parked) && !(w & (won | shielded));) {
    if (w & locked) {
      spin.once();
      w = word_.load(std::memory_order_seq_cst);
    } else if (word_.compare_exchange_weak(w, w | won | cancelled_index << shift, std::memory_order_seq_cst)) {
      return true;
    }
  }
  return false;
}

bool waiter::request_stop(stop_level level) noexcept {
  std::uint8_t before = stop_.load(std::memory_order_relaxed);
  while (before < level && !stop_.compare_exchange_weak(before, level, std::memory_order_seq_cst)) {}
  return deliver_stop();
}

}  // namespace sluice
