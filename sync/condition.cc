#include <sluice/futures/shield.h>
#include <sluice/sync/condition.h>

#include <system_error>

namespace sluice {

// Armed before the mutex is unlocked, which needs no waiting: from then on whoever notifies may destroy the condition.
void condition::wait(std::unique_lock<mutex>& lock) {
  if (!lock.owns_lock()) throw std::system_error(std::make_error_code(std::errc::operation_not_permitted));
  notified_event news(*this);
  party& self = party::current();
  self.open();
  news.arm(self, 0);
  lock.unlock();
  struct relock {
    ~relock() {
      const shield whatever_happens;
      lock.lock();
    }
    std::unique_lock<mutex>& lock;
  } const again{lock};
  if (const std::uint32_t won = self.await(detail::wait_description::of(news)); won >= waiter::expired_index) {
    news.disarm();
    detail::throw_stopped(won);
  }
}

void condition::notify(bool all) noexcept {
  const auto counted = [](std::uint64_t w) { return w + notification; };
  if (word_.step([](std::uint64_t w) { return !(w & word::queued); }, counted)) return;
  won_chain woken;
  std::uint64_t w = counted(word_.lock());
  while (wait_node* node = queue_.pop_won()) {
    woken.push(*node);
    if (!all) break;
  }
  word_.unlock(queue_.empty() ? w & ~word::queued : w);
  woken.finish_all();
}

bool condition::arm(wait_node& node, std::uint64_t seen, waiter& w, std::uint32_t index) noexcept {
  const std::uint64_t now = word_.lock();
  const bool waits = count(now) == seen;
  if (waits) queue_.push(node, w, index);
  word_.unlock(waits ? now | word::queued : now);
  if (!waits) w.claim_own(index);
  return waits;
}

void condition::disarm(wait_node& node) noexcept {
  const std::uint64_t now = word_.lock();
  if (node.linked()) wait_queue::unlink(node);
  word_.unlock(queue_.empty() ? now & ~word::queued : now);
}

}  // namespace sluice
