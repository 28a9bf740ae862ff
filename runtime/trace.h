// trace.h - be told what the scheduler does, while it does it.
//
//   struct counts { std::atomic<long> parks{0}; } seen;
//   void count(void* context, const trace_event& e) noexcept {
//     if (e.what == trace_event::parked) ++static_cast<counts*>(context)->parks;
//   }
//   runtime rt({.trace = {count, &seen}});
//
// The events of one fiber come in the order in which they happen:
//   spawned, began, then any number of (parked, woken, resumed) and (yielded, resumed), ended. A fiber for which there is no
//   stack, or that is cancelled first, begins as well: it ends without its function having run.
// Those of different fibers may come at the same time, from several threads.
// What a hook may do: count, write to memory or to a file descriptor, read clocks. It is called in the middle of the
//   scheduler, on the stack of a fiber or a worker, so: no use of this library in it, no wait (a lock that is held for a few
//   instructions is none), no more than a few KiB of stack, no exception.
// Cost: one branch where an event would be told. With a hook, its own, and some nanoseconds for each event.
#pragma once

#include <cstdint>

namespace sluice {

struct trace_event {
  enum kind : std::uint8_t {
    spawned,         // by: the fiber that started it
    began,           // it runs for the first time
    parked,          // it waits
    yielded,         // it lets others go first, and is ready
    woken,           // by: the fiber that ended its wait; itself if that was ended just before it slept
    resumed,         // it runs again
    ended,           // its function and what that captured are gone
    stolen,          // `worker` took it, perhaps with others, from another worker
    worker_parked,   // `worker` has nothing to do (a spare: or is not needed any more)
    worker_resumed,  // it looks for work
    worker_held_up,  // its fiber, the last one that began or was resumed there, does not come back: a hog, or a call that
                     // blocks
  };
  static constexpr int no_worker = -1;

  kind what;
  int worker = no_worker;   // where it happens, counted from 0; no_worker: on a thread of somebody else's
  std::uint64_t fiber = 0;  // whom it happens to: its number, from 1 on; 0 in the events of workers
  const char* name = "";    // as given in launch; valid during the call
  std::uint64_t by = 0;     // 0: not a fiber
};

struct trace_hook {
  void (*call)(void* context, const trace_event& e) noexcept = nullptr;
  void* context = nullptr;  // to live as long as the runtime
};

}  // namespace sluice
