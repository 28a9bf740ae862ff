// snapshot.h - what the fibers of a runtime are doing.
//
// Taken while they go on: each fiber is looked at once, in a moment of its own. A fiber that starts, ends or moves on
// meanwhile may be missing or be shown as it was before. A fiber's stack is walked while it is held, for some microseconds;
// nothing is stopped as a whole.
#pragma once

#include <sluice/runtime/detail/backtrace.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace sluice::detail {

class scheduler;

struct fiber_snapshot {
  enum kind : std::uint8_t { running, ready, waiting, not_begun } state = not_begun;
  std::uint64_t number = 0;
  std::string name;       // as given; empty if it was not
  std::size_t stack = 0;  // which of the stacks
};

struct runtime_snapshot {
  std::size_t workers = 0;
  bool stacks_seen = true;  // false: this kernel has no way to hold a fiber
  bool complete = true;     // false: there was no memory for all of them
  std::deque<fiber_snapshot> fibers;
  // Each once, innermost frame first; the first one is empty, for fibers whose stack could not be seen.
  std::vector<std::vector<std::uintptr_t>> stacks;
};

// Blocks for about 5 us a fiber, and as long as it takes the running ones to answer (thread_backtrace.h), 0.1 s at most
// each.
runtime_snapshot take_snapshot(scheduler& s);

}  // namespace sluice::detail
