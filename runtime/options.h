// options.h - what can be chosen for a runtime, and for a fiber.
#pragma once

#include <sluice/runtime/trace.h>

#include <cstddef>
#include <exception>
#include <functional>
#include <string>

namespace sluice {

struct runtime_options {
  // Threads that run fibers. 0: one for each hardware thread.
  unsigned workers = 0;
  // Bytes of stack for each fiber that does not ask for its own size; rounded up to pages. A fiber that needs more ends
  // the program with a message that names it. Memory is used only as far as a stack is touched.
  std::size_t stack_size = 64 * 1024;
  // Called when a fiber's error was dropped and nobody had looked at it; from any fiber or thread, and it must not throw.
  // Default: one line on standard error that names the error and the fiber.
  std::function<void(std::exception_ptr)> unobserved_error = nullptr;
  // Is told of each step that the scheduler takes. Default: nobody is, and that costs nothing.
  trace_hook trace = {};
};

struct launch {
  // For messages, and this_fiber::name(). Default: a number.
  std::string name = {};
  // Stays on the worker that first runs it: for code that keeps thread-local state across waits.
  bool pinned = false;
  // 0: the runtime's.
  std::size_t stack_size = 0;
  // The deadline in force where it is started (see with_deadline) holds for the fiber too. False: it has none, for what is
  // to go on when its starter is out of time. Values (see context_key) are inherited in any case.
  bool inherit_deadline = true;
};

}  // namespace sluice
