// quiet_signals.h - the library's own threads leave the program's signals alone.
//
//   { const quiet_signals inherited; thread = std::thread(f); }        // the mask is restored after
//
// A handler that the program has installed (for SIGINT, SIGTERM, SIGCHLD, ...) runs on a thread of the program's own, and
// interrupts no fiber. Left open are those that mean the thread itself: faults, SIGABRT, SIGPIPE from a write of its own, a
// profiler's SIGPROF, and SIGURG, by which a thread is asked for its stack. Lives on one thread: no wait inside.
#pragma once

#include <signal.h>

#include <initializer_list>

namespace sluice::detail {

class quiet_signals {
 public:
  quiet_signals() noexcept {
    sigset_t quiet;
    sigfillset(&quiet);
    for (const int open : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, SIGPIPE, SIGPROF, SIGURG})
      sigdelset(&quiet, open);
    pthread_sigmask(SIG_BLOCK, &quiet, &before_);
  }
  quiet_signals(const quiet_signals&) = delete;
  quiet_signals& operator=(const quiet_signals&) = delete;
  ~quiet_signals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace sluice::detail
