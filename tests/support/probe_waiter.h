// probe_waiter.h - a waiter that nobody runs: events are armed on it by hand, and a test sees whether its wait was won.
#pragma once

#include <sluice/sluice.h>

#include <cstdint>
#include <optional>

namespace test {

class probe_waiter final : public sluice::waiter {
 public:
  probe_waiter() noexcept {
    open();
    publish();  // from now on it is decided by the one word, also in claim_own()
  }

  // The index that won; empty while the wait is open. Looking ends the wait: one that was open is lost to all others.
  std::optional<std::uint32_t> decided_for() noexcept {
    constexpr std::uint32_t nobody = cancelled_index - 3;
    if (claim_own(nobody)) return std::nullopt;
    return waiter::decided_for();
  }
  // The wait goes to somebody who is not among the events.
  bool lose() noexcept { return claim_own(cancelled_index - 4); }

  sluice::detail::timer_queue& timers() noexcept override { return sluice::party::current().timers(); }
  void wake() noexcept override {}
};

}  // namespace test
