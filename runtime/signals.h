// signals.h - the signals of the program, as its fibers' threads do not see them.
//
//   sigset_t mask = program_signals();
//   posix_spawnattr_setsigmask(&attributes, &mask);          // else what is started has nearly all signals blocked
//
// The library's threads block every signal but those that mean the thread itself, so that the program's handlers run on the
// program's own threads (docs/processes.md). A program that is started from one of them inherits what that thread blocks.
// After fork() there is nothing to do: in the child the mask is put right.
#pragma once

#include <signal.h>

namespace sluice {

// What the thread that made the runtime of the calling fiber, or job of blocking(), had blocked when it did; in a plain
// thread, what that has blocked.
sigset_t program_signals() noexcept;

}  // namespace sluice
