// debugger.h - what a debugger must know to find all fibers, also in a program without debug information.
//
// Read by tools/gdb/sluice.py, by offset: whoever changes the one changes the other, and the version.
#pragma once

#include <cstdint>

namespace sluice::detail {

class scheduler;

struct debugger_view {
  std::uint64_t version;
  scheduler* first;      // of a list
  void (*entry)(void*);  // of every fiber: one that is about to begin there has no stack to show
  // Offsets in bytes. In a scheduler:
  std::uint64_t next_scheduler, worker_count, workers, workers_made, shard_count, shards;
  // In an array of shards:
  std::uint64_t shard_size, first_fiber;
  // In a worker:
  std::uint64_t thread_id, current_fiber;
  // In a fiber:
  std::uint64_t next_fiber, number, name, stack_pointer, is_running, stack_bottom, stack_size;
};

}  // namespace sluice::detail

// The list is scheduler_list.cc's, under its lock.
extern "C" sluice::detail::debugger_view sluice_for_debuggers;
