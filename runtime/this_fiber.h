// this_fiber.h - what a fiber can do to itself. On a plain thread the same calls act on the thread.
#pragma once

#include <sluice/timers/timer.h>

#include <string>

namespace sluice::this_fiber {

// Lets other fibers go first. Throws cancelled.
void yield();

// Block for at least that long. Throw cancelled.
template <class Rep, class Period>
void sleep_for(std::chrono::duration<Rep, Period> d);
void sleep_until(std::chrono::steady_clock::time_point t);

// As given in launch, else the fiber's number; "(thread)" for a thread.
std::string name();

}  // namespace sluice::this_fiber

template <class Rep, class Period>
void sluice::this_fiber::sleep_for(std::chrono::duration<Rep, Period> d) {
  sleep_until(detail::from_now(d));
}
