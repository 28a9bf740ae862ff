// dump.h - all fibers and their stacks, while the program runs.
//
//   sluice::dump_on_signal();          // from now on `kill -QUIT` shows them on standard error
//   sluice::dump(std::cerr);
//
//   runtime 1: 2 workers, 4 fibers
//
//   fiber 'main' (#3), running
//       at inspect() (server.cc:80)
//       at main::{lambda()#1}::operator()() const (server.cc:95)
//
//   fiber 'session' (#6), waiting
//   fiber 'session' (#9), waiting
//       at sluice::channel<request>::recv() const (sluice/channels/channel.h:120)
//       at serve(sluice::channel<request>) (server.cc:40)
//
// Fibers with the same stack come together, and it is printed once, beginning with the library's function that was called.
// Each fiber is shown as it was at a moment of its own; the program goes on, and a fiber is held for some microseconds at
// the most, while its own stack is walked. Fibers that run are asked by SIGURG (see docs/debugging.md). Lines and most names
// come from `addr2line` (Debian package binutils), as far as the program has them. Threads: any, and any fiber. Blocks the
// thread it is called on: for about 5 us a fiber, and seconds for addr2line if the program is large.
#pragma once

#include <csignal>
#include <iosfwd>

namespace sluice {

// The fibers of all runtimes of this process. std::bad_alloc, and what `out` throws.
void dump(std::ostream& out);

// From now on, each time that signal comes, a thread of the library writes what dump() does to standard error. The program
// goes on; what the signal did before, it does no more. std::system_error for a signal that cannot be caught, or if the
// thread cannot be had. The last call decides for its signal; several signals may be chosen.
void dump_on_signal(int signal_number = SIGQUIT);

}  // namespace sluice
