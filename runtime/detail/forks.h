// forks.h - what becomes of the runtimes of a process in a child that fork() makes of it.
//
// They are lost there: their workers are gone, in the middle of whatever they did, with whatever locks they held. So the
// child marks them and touches them no more; each is forgotten, and leaks. Whoever uses one is told in words. The fiber or
// the job of blocking() that called fork() goes on as a plain thread, with the signals that the program had when its runtime
// was made; the default runtime is made anew when the child needs it. posix_spawn(), and what is made of it (popen, system),
// takes no notice of all this, nor need it.
#pragma once

namespace sluice::detail {

// For every scheduler that is made: from now on, forks are seen.
void watch_forks() noexcept;

}  // namespace sluice::detail
