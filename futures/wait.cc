#include <sluice/futures/wait.h>

#include <array>
#include <bit>
#include <stdexcept>
#include <vector>

namespace sluice::detail {

namespace {

// Up to 1024 words on the stack, more on the heap: what one call notes about each of its events.
template <class T, std::size_t Inline>
class scratch {
 public:
  explicit scratch(std::size_t n) : more_(n > Inline ? n : 0) {
    view_ = n > Inline ? std::span<T>(more_) : std::span<T>(few_).first(n);
  }
  std::span<T> view() noexcept { return view_; }

 private:
  std::array<T, Inline> few_;
  std::vector<T> more_;
  std::span<T> view_;
};

// The set of events that may be ready; bits leave it as they turn out not to be.
class candidates {
 public:
  explicit candidates(std::span<const event_ref> events) : words_((events.size() + 63) / 64) {
    auto words = words_.view();
    for (std::size_t k = 0; k < words.size(); ++k) {
      std::uint64_t bits = 0;
      const std::size_t end = std::min(events.size(), (k + 1) * 64);
      for (std::size_t i = k * 64; i < end; ++i) {
        const std::uint64_t ready = events[i].look() & may_be_ready;
        bits |= ready << (i % 64);
        count_ += static_cast<std::uint32_t>(ready);
      }
      words[k] = bits;
    }
  }

  std::uint32_t count() const noexcept { return count_; }

  // Takes out the rank-th of those that are left.
  std::size_t take(std::uint32_t rank) noexcept {
    auto words = words_.view();
    std::size_t k = 0;
    for (std::uint32_t here; rank >= (here = static_cast<std::uint32_t>(std::popcount(words[k]))); ++k) rank -= here;
    std::uint64_t bits = words[k];
    for (; rank > 0; --rank) bits &= bits - 1;
    const auto bit = static_cast<std::size_t>(std::countr_zero(bits));
    words[k] &= ~(std::uint64_t{1} << bit);
    --count_;
    return k * 64 + bit;
  }

 private:
  scratch<std::uint64_t, 16> words_;
  std::uint32_t count_ = 0;
};

}  // namespace

// Looks at all, then tries those that may be ready, each of them equally likely to be the first (P10).
std::size_t poll_any(std::span<const event_ref> events, order how, random_source& random) {
  candidates ready(events);
  while (ready.count() > 0) {
    const std::size_t i = ready.take(how == order::fair && ready.count() > 1 ? random.below(ready.count()) : 0);
    if (events[i].poll()) return i;
  }
  return none_ready;
}

void throw_stopped(std::uint32_t reason) {
  if (reason == waiter::expired_index) throw deadline_exceeded{};
  throw cancelled{};
}

void check_list(std::span<const event_ref> events) {
  if (events.empty()) throw std::invalid_argument("sluice: select over an empty list of events would wait for ever");
  if (events.size() >= waiter::expired_index) throw std::invalid_argument("sluice: select over too many events");
}

namespace {

std::uint32_t nth_from(std::uint32_t start, std::uint32_t k, std::uint32_t n) noexcept {
  return k < n - start ? start + k : k - (n - start);
}

}  // namespace

void arming::arm(std::span<const event_ref> events, order how, waiter& self, random_source& random) noexcept {
  const auto n = static_cast<std::uint32_t>(events.size());
  start_ = how == order::fair ? random.below(n) : 0;
  self.open();
  armed_ = 0;
  for (bool waits = true; waits && armed_ < n; ++armed_) {
    const std::uint32_t i = nth_from(start_, armed_, n);
    waits = events[i].arm(self, i);
  }
}

void arming::withdraw(std::span<const event_ref> events, std::uint32_t won) noexcept {
  while (armed_ > 0) {
    const std::uint32_t i = nth_from(start_, --armed_, static_cast<std::uint32_t>(events.size()));
    if (i != won) events[i].disarm();  // the winner unlinked its own node
  }
}

std::size_t wait_any(std::span<const event_ref> events, order how, bool polled) {
  check_list(events);
  party& self = party::current();
  for (;; polled = false) {
    if (!polled)
      if (const std::size_t i = poll_any(events, how, self.random()); i != none_ready) return i;
    arming armed;
    armed.arm(events, how, self, self.random());
    const std::uint32_t won = self.await(wait_description::of(events));
    armed.withdraw(events, won);
    if (won >= waiter::expired_index) throw_stopped(won);
    if (events[won].complete()) return won;
  }
}

std::size_t try_any(std::span<const event_ref> events, order how) {
  auto& random = party::current().random();
  scratch<std::uint64_t, 64> seen(events.size());
  const auto looked = seen.view();
  for (spin_wait spin;; spin.once()) {
    std::uint64_t any = 0;
    for (std::size_t i = 0; i < events.size(); ++i) any |= looked[i] = events[i].look();
    if (any & may_be_ready) {
      if (const std::size_t i = poll_any(events, how, random); i != none_ready) return i;
      if (events.size() == 1) return none_ready;  // polled under its lock: that was the moment
      continue;
    }
    if (events.size() == 1) return none_ready;
    // None was ready when it was looked at. If none has changed since, none was ready in between either.
    bool changed = false;
    for (std::size_t i = 0; i < events.size() && !changed; ++i) changed = events[i].look() != looked[i];
    if (!changed) return none_ready;
  }
}

}  // namespace sluice::detail
