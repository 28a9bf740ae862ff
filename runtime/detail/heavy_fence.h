// heavy_fence.h - a fence for both sides of a handshake, so that the frequent one goes without.
//
// Where one side stores and then looks at what the other side stores and then looks at, both need a full fence between the
// two. With this one on the rare side, a compiler barrier (std::atomic_signal_fence) will do on the frequent one.
// Threads: any. Cost: some microseconds, and an interrupt to each processor that runs a thread of this process.
#pragma once

namespace sluice::detail {

// False: the kernel does not offer it.
[[nodiscard]] bool heavy_fence() noexcept;

}  // namespace sluice::detail
