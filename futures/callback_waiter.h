// callback_waiter.h - a waiter that nobody runs: winning its wait calls a function, in the one who completes the event.
#pragma once

#include <sluice/base/check.h>
#include <sluice/futures/waiter.h>

namespace sluice::detail {

// wake() is what is called, with no lock held. One wait at most; it is not cancelled and has no deadline of its own.
class callback_waiter : public waiter {
 public:
  timer_queue& timers() noexcept final {
    SLUICE_CHECK(false, "a callback does not wait for deadlines");
    std::abort();
  }

 protected:
  callback_waiter() noexcept { open_asleep(); }
  ~callback_waiter() = default;
};

}  // namespace sluice::detail
