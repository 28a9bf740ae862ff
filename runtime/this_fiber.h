// this_fiber.h - what a fiber can do to itself. On a plain thread the same calls act on the thread.
#pragma once

#include <sluice/timers/timer.h>

#include <cstddef>
#include <stop_token>
#include <string>

namespace sluice::this_fiber {

// Lets other fibers go first. Throws cancelled; deadline_exceeded if the deadline in force has passed.
void yield();

// Block for at least that long. Throw cancelled.
template <class Rep, class Period>
void sleep_for(std::chrono::duration<Rep, Period> d);
void sleep_until(std::chrono::steady_clock::time_point t);

// For code that asks instead of waiting, or that must be told: stop is requested by future::cancel(), by the scope that the
// fiber belongs to, and by the end of its runtime, and stays requested, whatever happened to the cancelled that was thrown.
// A deadline does not request it. Callbacks (std::stop_callback) run on the one who requests, who may be any fiber or
// thread; they must not wait. A plain thread's token never stops. std::bad_alloc, the first time a fiber asks.
std::stop_token stop_token();

// How deep the stack of this fiber has been so far, in bytes, and how deep it may get. It costs a few microseconds and
// blocks nobody; the stack itself is not touched. Stacks are used again: one of the runtime's own size shows the deepest of
// all fibers that have had it, so `used` is a safe bound, but may be too high. It is exact for a fiber that was launched
// with another stack_size than the runtime's: that stack is new. Both are 0 on a plain thread.
struct stack_usage {
  std::size_t used = 0;
  std::size_t size = 0;
};
stack_usage stack_used();

// As given in launch, else the fiber's number; "(thread)" for a thread.
std::string name();

}  // namespace sluice::this_fiber

template <class Rep, class Period>
void sluice::this_fiber::sleep_for(std::chrono::duration<Rep, Period> d) {
  sleep_until(detail::from_now(d));
}
