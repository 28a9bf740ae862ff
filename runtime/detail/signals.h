// signals.h - a stack overflow told in words.
#pragma once

#include <cstddef>
#include <memory>

namespace sluice::detail {

// From now on a fault in a fiber's guard ends the program with a message that names the fiber and the size of its stack.
// Other faults go to the handler that was there before. Process-wide; any number of calls.
void report_stack_overflows() noexcept;

// A stack for the handler: the one that overflowed cannot serve.
class signal_stack {
 public:
  signal_stack();
  // From use() to release() the calling thread's.
  void use() noexcept;
  static void release() noexcept;

 private:
  static constexpr std::size_t size = 64 * 1024;
  std::unique_ptr<std::byte[]> memory_;
};

}  // namespace sluice::detail
