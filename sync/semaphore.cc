#include <sluice/sync/semaphore.h>

#include <stdexcept>
#include <string>

namespace sluice {

namespace {

std::size_t checked(std::size_t n) {
  if (n > semaphore::max())
    throw std::invalid_argument("sluice: " + std::to_string(n) + " permits are more than a semaphore can have");
  return n;
}

}  // namespace

semaphore::semaphore(std::size_t permits) : word_(checked(permits) * counted::one) {}

acquire_event::acquire_event(semaphore& s, std::size_t n) : semaphore_(&s), place_(checked(n)) {}

void semaphore::acquire(std::size_t n) {
  if (try_acquire(n)) return;
  acquire_event mine(*this, n);
  detail::wait_one(mine);
  mine.take().forget();
}

void semaphore::release(std::size_t n) {
  const auto fits = [n](std::uint64_t w) { return n <= max() - counted::count(w); };
  const auto added = [n](std::uint64_t w) { return w + n * counted::one + counted::version; };
  if (word_.step([&](std::uint64_t w) { return !(w & word::queued) && fits(w); }, added)) return;
  const std::uint64_t w = word_.lock();
  if (!fits(w)) {
    word_.unlock(w);
    throw std::overflow_error("sluice: release(" + std::to_string(n) + ") of a semaphore that has " +
                              std::to_string(counted::count(w)) + " permits: more than it can have");
  }
  won_chain served;
  word_.unlock(serve(added(w), served));
  served.finish_all();
}

// Those in front, as far as the permits reach.
std::uint64_t semaphore::serve(std::uint64_t w, won_chain& served) noexcept {
  while (!queue_.empty()) {
    auto& first = static_cast<place&>(queue_.front());
    if (first.wanted > counted::count(w)) return w | word::queued;
    wait_queue::unlink(first);
    if (!first.try_win()) continue;
    first.granted = true;
    w -= first.wanted * counted::one;
    served.push(first);
  }
  return w & ~word::queued;
}

bool semaphore::arm(place& p, waiter& w, std::uint32_t index) noexcept {
  std::uint64_t now = word_.lock();
  const bool waits = !serves(now, p.wanted);
  if (waits) {
    queue_.push(p, w, index);
    now |= word::queued;
  } else if (w.claim_own(index)) {
    p.granted = true;
    now -= p.wanted * counted::one;
  }
  word_.unlock(now);
  return waits;
}

// Those behind it may have waited only because it wanted more.
void semaphore::disarm(place& p) noexcept {
  won_chain served;
  std::uint64_t now = word_.lock();
  if (p.linked()) {
    wait_queue::unlink(p);
    now = serve(now + counted::version, served);
  }
  word_.unlock(now);
  served.finish_all();
}

}  // namespace sluice
