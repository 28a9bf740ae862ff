// contention.h - how often this thread has found a lock taken.
//
// It tells a scheduler that fibers on different threads use the same things so often that they would be faster on one.
#pragma once

#include <atomic>
#include <cstdint>

namespace sluice::detail {

// Out of line, as thread-locals must be (see party::current()). note_contention() is for those who are about to spin.
void note_contention() noexcept;
const std::atomic<std::uint32_t>& contention_of_this_thread() noexcept;

}  // namespace sluice::detail
