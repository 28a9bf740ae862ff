// timer.h - time as an event.
//
//   auto late = after(10ms);            // once, counted from now
//   auto noon = at(deadline);           // once, at a point of the steady clock
//   auto tick = every(1s);              // again and again
//
// A deadline is kept by the one who waits for it, and only while it waits: nothing is left when a select is over.
// Never early. Late by up to a tenth of a millisecond, plus what a busy machine adds.
// Threads: an event belongs to one waiting party at a time. Cost: arm and disarm are O(1), no allocation.
#pragma once

#include <sluice/base/cycles.h>
#include <sluice/futures/deadline.h>
#include <sluice/futures/event.h>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace sluice {

namespace detail {

inline void check_period(bool positive, double seconds) {
  if (!positive)
    throw std::invalid_argument("sluice: every() wants a positive period, not " + std::to_string(seconds) + " s");
}

// Whether a deadline has passed, asked again and again: the clock is read only if the cycle counter says that
// it may have. Needs no calibration, only that the counter runs at 1 GHz or more; one that runs backwards or stands still
// costs a look at the clock, or makes a poll late but never a wait, which asks the clock.
class deadline_watch {
 public:
  deadline_watch() = default;
  // It is known how far away the deadline is.
  explicit deadline_watch(steady_time::duration left) noexcept
      : looked_at_(cycle_count()), cycles_left_(static_cast<std::uint64_t>(left / std::chrono::nanoseconds(1))) {}
  bool passed(steady_time deadline) const noexcept {
    const std::uint64_t cycles = cycle_count();
    if (cycles - looked_at_ < cycles_left_) return false;
    const steady_time now = std::chrono::steady_clock::now();
    if (now >= deadline) return true;
    looked_at_ = cycles;
    cycles_left_ = static_cast<std::uint64_t>((deadline - now) / std::chrono::nanoseconds(1));
    return false;
  }
  // The deadline is another one now.
  void reset() noexcept { cycles_left_ = 0; }

 private:
  mutable std::uint64_t looked_at_ = 0;
  mutable std::uint64_t cycles_left_ = 0;
};

}  // namespace detail

// Ready from its deadline on, until it is taken; then never again.
class deadline_event {
 public:
  using value_type = void;
  explicit deadline_event(detail::steady_time deadline) noexcept : deadline_(deadline) {}
  // The same for one of which somebody knows how far away it is.
  deadline_event(detail::steady_time deadline, detail::steady_time::duration left) noexcept
      : deadline_(deadline), watch_(left) {}

  bool poll() noexcept { return watch_.passed(deadline_); }
  bool arm(waiter& w, std::uint32_t index) noexcept {
    if (watch_.passed(deadline_)) {
      w.claim_own(index);
      return false;
    }
    armed_.arm(deadline_, w, index);
    return true;
  }
  void disarm() noexcept { armed_.disarm(); }
  void take() noexcept {
    deadline_ = detail::steady_time::max();
    watch_.reset();
  }
  bool spent() const noexcept { return deadline_ == detail::steady_time::max(); }
  std::uint64_t look() const noexcept { return watch_.passed(deadline_) ? detail::may_be_ready : 0; }
  void describe(wait_listener& l) const noexcept {
    l.add({.kind = deadline_ == detail::steady_time::max() ? "nothing: the timer was taken" : "timer"});
  }

 private:
  detail::steady_time deadline_;
  detail::armed_deadline armed_;
  detail::deadline_watch watch_;
};

// Ready at each multiple of the period after its start. It does not drift: a late reader does not shift later ticks.
class ticker_event {
 public:
  using value_type = std::uint64_t;
  ticker_event(detail::steady_time start, detail::steady_time::duration period) noexcept
      : next_(start + period), period_(period) {}

  bool poll() noexcept { return watch_.passed(next_); }
  bool arm(waiter& w, std::uint32_t index) noexcept {
    if (watch_.passed(next_)) {
      w.claim_own(index);
      return false;
    }
    armed_.arm(next_, w, index);
    return true;
  }
  void disarm() noexcept { armed_.disarm(); }
  // Takes the tick, and drops those that its reader was too late for; returns how many it dropped.
  std::uint64_t take() noexcept {
    const auto late = std::chrono::steady_clock::now() - next_;
    const auto missed = late > late.zero() ? late / period_ : 0;
    next_ += period_ * (missed + 1);
    watch_.reset();
    return static_cast<std::uint64_t>(missed);
  }
  std::uint64_t look() const noexcept { return watch_.passed(next_) ? detail::may_be_ready : 0; }
  void describe(wait_listener& l) const noexcept { l.add({.kind = "tick"}); }

 private:
  detail::steady_time next_;
  detail::steady_time::duration period_;
  detail::armed_deadline armed_;
  detail::deadline_watch watch_;
};

template <class Rep, class Period>
deadline_event after(std::chrono::duration<Rep, Period> d) {
  const detail::steady_time deadline = detail::from_now(d);
  if (d <= d.zero() || deadline == detail::steady_time::max()) return deadline_event(deadline);
  return deadline_event(deadline, std::chrono::floor<detail::steady_time::duration>(d));
}
inline deadline_event at(std::chrono::steady_clock::time_point t) noexcept { return deadline_event(t); }

// std::invalid_argument unless the period is positive. One of more than a century is a century.
template <class Rep, class Period>
ticker_event every(std::chrono::duration<Rep, Period> period) {
  detail::check_period(period > period.zero(), std::chrono::duration<double>(period).count());
  return ticker_event(std::chrono::steady_clock::now(), detail::is_far_away(period)
                                                            ? detail::steady_time::duration(detail::far_away)
                                                            : std::chrono::ceil<detail::steady_time::duration>(period));
}

}  // namespace sluice
