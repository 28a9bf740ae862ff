// thread_count.h - how many threads this process has, as the kernel knows it.
#pragma once

#include <cstdint>

namespace sluice::detail {

// 0 where /proc is not to be had. One system call.
std::uint64_t thread_count() noexcept;

}  // namespace sluice::detail
