// stats.h - what a runtime is doing, in figures.
//
//   const runtime_stats now = rt.stats();              // of a runtime
//   const runtime_stats mine = this_runtime::stats();  // of the calling fiber's
//   if (now.fibers.ready > 10'000) shed_load();
//
// Each figure was right at some moment during the call, but not all at the same one: what moves meanwhile may be counted
// twice or not at all. Totals never go back.
// Threads: any, at any time. Cost: nothing until it is asked for; then a look at each worker, which disturbs none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice {

struct fiber_stats {
  std::uint64_t spawned = 0;  // in all, the runtime's own (they run coroutines) included
  std::uint64_t ended = 0;    // in all
  std::size_t running = 0;
  std::size_t ready = 0;    // could run, not begun ones included
  std::size_t waiting = 0;  // the rest
};

struct worker_stats {
  std::uint64_t switches = 0;  // to a fiber or away from the last one
  std::uint64_t steals = 0;    // times that it took fibers from another worker
  std::size_t ready = 0;       // fibers in its queues
  std::size_t timers = 0;      // of fibers that wait there, and of others that were given to it
  bool runs_fiber = false;
};

// Of the runtime's size; a fiber that asked for its own has its stack from elsewhere.
struct stack_stats {
  std::size_t in_use = 0;  // by fibers that have begun; those that workers hold ready, up to 64 each, included
  std::size_t pooled = 0;  // kept for the next fibers, and holding memory
};

// Of blocking().
struct blocking_stats {
  std::size_t threads = 0;  // the idle ones included
  std::size_t idle = 0;
  std::size_t running = 0;  // jobs
  std::size_t queued = 0;   // jobs for which there is no thread
};

struct runtime_stats {
  fiber_stats fibers;
  std::size_t tasks = 0;       // coroutines that were spawned and have not ended
  std::uint64_t switches = 0;  // this and the next: the sums over the workers
  std::uint64_t steals = 0;
  std::uint64_t wake_ups = 0;  // of sleeping workers, by others; each is a call into the kernel
  std::size_t timers = 0;
  std::size_t parked_workers = 0;  // asleep, for want of work
  std::size_t spare_workers = 0;   // at work in the place of workers that are held up
  stack_stats stacks;
  blocking_stats blocking;
  std::vector<worker_stats> workers;  // the regular ones first, then all spares that there are
};

}  // namespace sluice
