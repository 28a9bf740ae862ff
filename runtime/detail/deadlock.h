// deadlock.h - sees when nothing can happen any more, in any runtime of this process.
//
// Every thread that rests looks (census.h), so the last one finds out. Then all fibers wait, and who could wake one of them?
// A worker: all rest, none has anything ready, nothing was brought from outside, no wheel has a timer. Another thread of the
// process: as many rest as the kernel knows of. One that the kernel still lists though it is about to end only delays this.
// Nothing moves from the first look at the census to the last if its word stays the same, so what is seen in between was
// true at one moment, and stays true: there is nobody left to change it.
//
// The report is made by a thread of its own: a handler may do what it likes, and wake somebody too.
#pragma once

#include <sluice/runtime/report.h>

#include <functional>

namespace sluice::detail {

using deadlock_handler = std::function<void(const deadlock_report&)>;

// From now on threads that rest look for a deadlock.
void watch_for_deadlocks() noexcept;

// In a child process that fork() has made: nobody rests, and nothing was told.
void watch_for_deadlocks_anew() noexcept;

// By a thread that is no worker and ends a runtime: it has asked all to stop, and is about to sleep for a while because
// something has not ended yet. Looks for a deadlock.
void look_for_deadlock_while_ending() noexcept;

// Blocks until no handler is running, but for one that calls this.
void await_deadlock_handlers() noexcept;

}  // namespace sluice::detail
