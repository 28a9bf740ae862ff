// thread_backtrace.h - what a worker's thread is doing at this moment.
//
//   const running_stack s = stack_of(w, 100ms);
//   if (s.what == running_stack::in_fiber) report(s.name.text, s.calls.frames());
//
// The worker is asked by a signal, SIGURG, which programs ignore unless they say otherwise; it writes down its stack in the
// handler and goes on. A handler that was installed before is called for every other SIGURG. If one is installed later, no
// worker can be asked any more.
// Threads: any, and any fiber, which may ask its own worker; no signal handler. One asks at a time, the others wait. Blocks
// until the answer is there.
// A system call that the signal interrupts goes on after it, as far as SA_RESTART has it so; others fail with EINTR.
#pragma once

#include <sluice/runtime/detail/backtrace.h>
#include <sluice/runtime/detail/fiber.h>

#include <chrono>
#include <cstdint>

namespace sluice::detail {

class worker;

struct running_stack {
  enum kind {
    no_answer,     // in time: the thread cannot be interrupted just now, is not there, or somebody else has the signal
    in_scheduler,  // between two fibers, or idle
    in_fiber,
  } what = no_answer;
  // Of a fiber:
  std::uint64_t number = 0;
  fiber::name_text name{};
  backtrace calls{};  // of the fiber's stack; what a handler of the user's does on another one is not seen
};

running_stack stack_of(worker& w, std::chrono::nanoseconds patience);

// For a worker's thread: does not block the signal.
void accept_stack_requests() noexcept;

}  // namespace sluice::detail
