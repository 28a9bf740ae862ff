#include <sluice/sync/mutex.h>

namespace sluice {

void mutex::lock_slowly() {
  lock_event mine(*this);
  detail::wait_one(mine);
  mine.take().release();
}

// The queue is served while the lock is still held, so the word that publishes the unlock is the last touch.
void mutex::unlock_slowly() noexcept {
  std::uint64_t w = word_.lock();
  auto* const next = static_cast<place*>(w & waking ? nullptr : queue_.pop_won());
  if (next != nullptr && next->beaten) {
    next->owns = true;
  } else {
    w = released(w);
    if (next != nullptr) w |= waking;
  }
  word_.unlock(queue_.empty() ? w & ~word::queued : w);
  if (next != nullptr) next->finish();
}

bool mutex::arm(place& p, waiter& w, std::uint32_t index) noexcept {
  std::uint64_t now = word_.lock();
  const bool waits = now & held;
  if (waits) {
    queue_.push(p, w, index);
    if (p.beaten) {
      wait_queue::unlink(p);
      queue_.push_first(p);
    }
    now |= word::queued;
  } else if (w.claim_own(index)) {
    p.owns = true;
    now |= held;
  }
  word_.unlock(now);
  return waits;
}

void mutex::disarm(place& p) noexcept {
  p.beaten = false;
  std::uint64_t now = word_.lock();
  if (p.linked()) wait_queue::unlink(p);
  if (queue_.empty()) now &= ~word::queued;
  word_.unlock(now);
}

// By the waiter that `waking` stands for.
void mutex::compete(place& p) noexcept {
  const auto always = [](std::uint64_t) { return true; };
  word_.step(always, [&p](std::uint64_t w) {
    p.owns = !(w & held);
    return (w & ~waking) | held;
  });
  p.beaten = !p.owns;
}

}  // namespace sluice
