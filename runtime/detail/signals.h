// signals.h - a stack overflow told in words.
#pragma once

#include <cstddef>
#include <memory>

namespace sluice::detail {

// From now on a fault in a fiber's guard ends the program with a message that names the fiber and the size of its stack.
// Other faults go to the handler that was there before. Process-wide; any number of calls.
void report_stack_overflows() noexcept;

// A stack for the handler: the one that overflowed cannot serve. For the calling thread, while this object lives.
class signal_stack {
 public:
  signal_stack();
  signal_stack(const signal_stack&) = delete;
  signal_stack& operator=(const signal_stack&) = delete;
  ~signal_stack();

 private:
  static constexpr std::size_t size = 64 * 1024;
  std::unique_ptr<std::byte[]> memory_;
};

}  // namespace sluice::detail
