// backtrace.h - the calls that lead to where a stack is, as addresses.
//
//   const backtrace where = walk_parked(sp, memory);     // of a stack that somebody has left by switch_context()
//   const backtrace here = walk_caller();
//
// Threads: any. Usable in a signal handler. The stack that is walked must not be running, nor be unmapped meanwhile.
// Cost: about 0.2 us for each frame. No allocation.
// The frames are found by the compiler's unwind tables, which every function has on x86-64 unless
// -fno-asynchronous-unwind-tables says otherwise; code without them ends the walk.
#pragma once

#include <sluice/runtime/detail/context.h>
#include <sluice/runtime/detail/stack.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::detail {

struct backtrace {
  static constexpr std::size_t most = 64;
  // Innermost first. Each lies within the instruction that calls the next inner frame, so it can be looked up as it is.
  std::span<const std::uintptr_t> frames() const noexcept { return {pcs.data(), count}; }

  std::array<std::uintptr_t, most> pcs;
  std::size_t count = 0;
  bool cut = false;  // there are more, outside of these
};

// As switch_context() left it, or empty for a context that was made and never entered.
backtrace walk_parked(stack_pointer parked, const stack& memory) noexcept;

// Of the function that calls this.
backtrace walk_caller() noexcept;

// In a handler: of what the signal has interrupted, as far as its frames lie on `memory`.
backtrace walk_interrupted(const stack& memory) noexcept;

}  // namespace sluice::detail
