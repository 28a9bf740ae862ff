#include <sluice/sync/detail/down_counter.h>

#include <stdexcept>
#include <string>

namespace sluice::detail {

namespace {

bool in_range(std::ptrdiff_t n) noexcept { return n >= 0 && static_cast<std::uint64_t>(n) <= counted::most; }

std::ptrdiff_t value(std::uint64_t w) noexcept { return static_cast<std::ptrdiff_t>(counted::count(w)); }

}  // namespace

down_counter::down_counter(const char* owner, std::ptrdiff_t n)
    : owner_(owner), word_(static_cast<std::uint64_t>(n) * counted::one) {
  if (!in_range(n)) throw std::invalid_argument(std::string("sluice: a ") + owner_ + " cannot count " + std::to_string(n));
}

void down_counter::add(std::ptrdiff_t n) {
  // No overflow: a count that is reached has 32 bits.
  const auto allowed = [n](std::uint64_t w) {
    return n >= -value(w) && n <= static_cast<std::ptrdiff_t>(counted::most) - value(w);
  };
  const auto added = [n](std::uint64_t w) { return w + static_cast<std::uint64_t>(n) * counted::one + counted::version; };
  const auto wakes_nobody = [n](std::uint64_t w) { return !(w & word::queued) || value(w) + n != 0; };
  if (word_.step([&](std::uint64_t w) { return allowed(w) && wakes_nobody(w); }, added)) return;
  const std::uint64_t w = word_.lock();
  if (!allowed(w)) {
    word_.unlock(w);
    throw std::logic_error(std::string("sluice: the count of a ") + owner_ + " is " + std::to_string(value(w)) +
                           ", it cannot change by " + std::to_string(n));
  }
  won_chain woken;
  std::uint64_t next = added(w);
  if (counted::count(next) == 0) {
    while (wait_node* node = queue_.pop_won()) woken.push(*node);
    next &= ~word::queued;
  }
  word_.unlock(next);
  woken.finish_all();
}

bool down_counter::arm(wait_node& node, waiter& w, std::uint32_t index) noexcept {
  const std::uint64_t now = word_.lock();
  const bool waits = counted::count(now) != 0;
  if (waits) queue_.push(node, w, index);
  word_.unlock(waits ? now | word::queued : now);
  if (!waits) w.claim_own(index);
  return waits;
}

void down_counter::disarm(wait_node& node) noexcept {
  const std::uint64_t now = word_.lock();
  if (node.linked()) wait_queue::unlink(node);
  word_.unlock(queue_.empty() ? now & ~word::queued : now);
}

}  // namespace sluice::detail
