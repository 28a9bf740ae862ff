// options.h - what can be chosen for a runtime, and for a fiber.
#pragma once

#include <sluice/runtime/trace.h>

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <string>

namespace sluice {

struct deadlock_report;  // report.h
struct leak_report;

// Below each stack lies a guard of 16 KiB: what runs over the bottom ends the program, with a message that names the fiber.
// On Linux from 6.13 on it costs 0.3 us when a stack is made, and there may be any number. On older kernels, and where the
// process locks its memory, a guard takes 2 us and two of the process's mappings, of which there may be vm.max_map_count
// (65,530 unless raised). An eighth of those is left to others, so there is room for about 28,000 stacks.
enum class stack_guards {
  always,       // a fiber that cannot have a guard ends with std::bad_alloc, whose what() names the limit; others go on
  if_possible,  // without one rather than not at all: an overflow may then overwrite another fiber's stack
  none,         // never one
};

struct hog_report;  // hog.h

struct runtime_options {
  // Threads that run fibers. 0: one for each hardware thread.
  unsigned workers = 0;
  // Bytes of stack for each fiber that does not ask for its own size; rounded up to pages. A fiber that needs more ends
  // the program with a message that names it. Memory is used only as far as a stack is touched.
  std::size_t stack_size = 64 * 1024;
  // Called when a fiber's error was dropped and nobody had looked at it; from any fiber or thread, and it must not throw.
  // Default: one line on standard error that names the error and the fiber.
  std::function<void(std::exception_ptr)> unobserved_error = nullptr;
  // Threads that may join the workers while those are held up by fibers that do not come back, or sit in calls that block.
  // They are made when they are needed, and cost nothing while they are not. With 0 a worker that is held up is missing.
  unsigned spare_workers = 64;
  // The most threads that blocking() keeps busy at once; at least 1. Enough for calls that wait for a disk or a name server;
  // and 64 that compute do not yet starve the workers.
  unsigned blocking_threads = 64;
  // How long such a thread stays when it has nothing to do.
  std::chrono::milliseconds blocking_keep_alive{5000};
  // For the stacks of all fibers.
  stack_guards guards = stack_guards::always;
  // Called when a fiber has kept its worker for hog_limit without a wait, once for each fiber; on a thread of the runtime,
  // which it may block. The look every few milliseconds that finds them is the same that brings in spare workers.
  std::function<void(const hog_report&)> on_hog = nullptr;
  std::chrono::milliseconds hog_limit{10};
  // Is told of each step that the scheduler takes. Default: nobody is, and that costs nothing.
  trace_hook trace = {};
  // Called when every fiber, and every thread of the process, waits and nothing is left that could wake one of them; by a
  // thread of its own, which may wake somebody. If several runtimes are alive, their handlers are called in turn. Afterwards
  // the program goes on as it is. Default: the report is printed on standard error, and the program ends.
  std::function<void(const deadlock_report&)> on_deadlock = nullptr;
  // What it ends with then, by std::_Exit after std::fflush(nullptr). If several runtimes are alive, one that is not 2.
  int deadlock_exit_status = 2;
  // For tests: after each wait that blocks and each yield() a fiber goes on with another worker than before, unless it is
  // pinned or there is one worker only. What must not be kept over a wait (docs/fibers.md) then shows at once, not once a
  // week. Slow: each time a thread must be woken. Coroutines move with the fibers that carry them.
  bool always_migrate = false;
  // Fibers that have waited for longer than this when the runtime ends, before it cancels them: leaks, most likely. Every
  // wait that blocks costs a look at the clock more then. 0: not asked.
  std::chrono::milliseconds leak_limit{0};
  // Gets the report if there are any, on the thread that ends the runtime. Default: it is printed on standard error.
  std::function<void(const leak_report&)> on_leak = nullptr;
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
