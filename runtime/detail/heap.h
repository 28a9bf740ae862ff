// heap.h - what the C library keeps of memory that was freed.
#pragma once

namespace sluice::detail {

// Has it give back the pages that lie in between what is in use: after a burst they are most of it. A thread of its own does
// it, for some 0.2 us a page; who allocates meanwhile may wait for that. Nothing is done where the C library is not glibc.
void give_back_heap() noexcept;

}  // namespace sluice::detail
