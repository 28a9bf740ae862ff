#include <sluice/base/check.h>
#include <sluice/futures/proxy_waiter.h>

#include <mutex>

namespace sluice {

namespace detail {

void proxy_waiter::attach(waiter& w, std::uint32_t index) noexcept {
  const std::lock_guard guard(lock_);
  w.publish();
  target_ = &w;
  index_ = index;
  winner_ = nobody;
}

void proxy_waiter::detach() noexcept {
  const std::lock_guard guard(lock_);
  target_ = nullptr;
}

// A claim notes the winner under lock_ after it has won the word, a pair before it does.
bool proxy_waiter::has_winner() noexcept {
  const std::lock_guard guard(lock_);
  static_cast<void>(root().word_.load(std::memory_order_acquire));
  return winner_ != nobody;
}

void proxy_waiter::wake() noexcept { SLUICE_CHECK(false, "a proxy was woken instead of its root"); }

waiter& proxy_waiter::root() noexcept { return target_->proxy_ ? static_cast<proxy_waiter*>(target_)->root() : *target_; }
std::uint32_t proxy_waiter::root_index() noexcept {
  return target_->proxy_ ? static_cast<proxy_waiter*>(target_)->root_index() : index_;
}
void proxy_waiter::note_winner(std::uint32_t event) noexcept {
  winner_ = event;
  if (target_->proxy_) static_cast<proxy_waiter*>(target_)->note_winner(index_);
}

proxy_waiter::claim_result proxy_waiter::claim_root(std::uint32_t event, std::uint32_t bits,
                                                    const waiter* expected) noexcept {
  const std::lock_guard guard(lock_);
  claim_result r{answer::lost, 0};
  if (target_ == nullptr) {
  } else if (target_->proxy_) {
    r = static_cast<proxy_waiter*>(target_)->claim_root(index_, bits, expected);
  } else if (expected != nullptr && target_ != expected) {
    r.what = answer::busy;
  } else {
    r.before = target_->word_.load(std::memory_order_relaxed);
    const std::uint32_t wanted = bits & won ? bits | index_ << shift : bits;
    while (!(r.before & (won | locked)) &&
           !target_->word_.compare_exchange_weak(r.before, r.before | wanted, std::memory_order_seq_cst,
                                                 std::memory_order_relaxed)) {}
    r.what = r.before & won ? answer::lost : r.before & locked ? answer::busy : answer::taken;
  }
  if (r.what == answer::lost) missed(event);
  if (r.what == answer::taken && bits & won) winner_ = event;
  return r;
}

waiter* proxy_waiter::live_root(std::uint32_t event) noexcept {
  const std::lock_guard guard(lock_);
  waiter* found = target_;
  if (found != nullptr && found->proxy_)
    found = static_cast<proxy_waiter*>(found)->live_root(index_);
  else if (found != nullptr && found->word_.load(std::memory_order_relaxed) & won)
    found = nullptr;
  if (found == nullptr) missed(event);
  return found;
}

}  // namespace detail

bool waiter::claim_own_through(std::uint32_t index) noexcept {
  auto& self = static_cast<detail::proxy_waiter&>(*this);
  if (!self.root().claim_own(self.root_index())) return false;
  self.note_winner(index);
  return true;
}

waiter::claimed waiter::try_win_through(std::uint32_t index) noexcept {
  auto& self = static_cast<detail::proxy_waiter&>(*this);
  for (detail::spin_wait spin;; spin.once()) {
    const auto [what, before] = self.claim_root(index, won, nullptr);
    if (what == detail::proxy_waiter::answer::lost) return claimed::lost;
    if (what == detail::proxy_waiter::answer::taken) return before & parked ? claimed::asleep : claimed::awake;
  }
}

void waiter::finish_through(bool owner_asleep) noexcept {
  static_cast<detail::proxy_waiter&>(*this).root().finish(owner_asleep);
}

// As pair(), with a root behind one or both. The peer's root is known only for a moment, so it is looked at again when its
// word is locked; and a word is not waited for while a proxy is locked, whose lock the holder of the word may want.
waiter::pairing waiter::pair_through(std::uint32_t index, wait_node& peer) noexcept {
  using detail::proxy_waiter;
  auto* const own = proxy_ ? static_cast<proxy_waiter*>(this) : nullptr;
  auto* const their = peer.owner->proxy_ ? static_cast<proxy_waiter*>(peer.owner) : nullptr;
  waiter& self = own != nullptr ? own->root() : *this;
  for (detail::spin_wait spin;; spin.once()) {
    waiter* const other = their != nullptr ? their->live_root(peer.index) : peer.owner;
    if (other == nullptr) return pairing::lost_peer;
    if (other == &self) return pairing::own;
    const auto lock_other = [&] {
      if (their != nullptr) return their->claim_root(peer.index, locked, other).what;
      return other->claim(locked) == was_won ? proxy_waiter::answer::lost : proxy_waiter::answer::taken;
    };
    const bool self_first = std::less<>{}(&self, other);
    if (self_first && self.claim(locked) == was_won) return pairing::lost_self;
    if (const auto what = lock_other(); what != proxy_waiter::answer::taken) {
      if (self_first) self.unlock_word();
      if (what == proxy_waiter::answer::lost) return pairing::lost_peer;
      continue;
    }
    if (!self_first && self.claim(locked) == was_won) {
      other->unlock_word();
      return pairing::lost_self;
    }
    if (their != nullptr) their->note_winner(peer.index);
    const std::uint32_t peer_index = their != nullptr ? their->root_index() : peer.index;
    const std::uint32_t before = other->word_.fetch_xor(locked | won | peer_index << shift, std::memory_order_acq_rel);
    peer.owner_asleep = before & parked;
    if (own != nullptr) own->note_winner(index);
    const std::uint32_t self_index = own != nullptr ? own->root_index() : index;
    self.word_.fetch_xor(locked | won | done | self_index << shift, std::memory_order_acq_rel);
    return pairing::both;
  }
}

}  // namespace sluice
