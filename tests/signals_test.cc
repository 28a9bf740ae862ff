// Signals: the library's threads leave them to the threads of the program; handlers interrupt no fiber.
#include "tests/support/child.h"
#include "tests/support/harness.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <initializer_list>
#include <mutex>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

using namespace std::chrono_literals;

namespace {

constexpr int programs_own[] = {SIGHUP,  SIGINT,  SIGQUIT,  SIGUSR1, SIGUSR2, SIGALRM,  SIGTERM,
                                SIGCHLD, SIGCONT, SIGWINCH, SIGIO,   SIGTSTP, SIGVTALRM};
constexpr int threads_own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, SIGPIPE, SIGPROF, SIGURG};

bool is_quiet() {
  sigset_t blocked;
  pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  for (const int s : programs_own)
    if (sigismember(&blocked, s) != 1) return false;
  for (const int s : threads_own)
    if (sigismember(&blocked, s) != 0) return false;
  return true;
}

bool same_mask(const sigset_t& a, const sigset_t& b) {
  for (int s = 1; s < NSIG; ++s)
    if (sigismember(&a, s) != sigismember(&b, s)) return false;
  return true;
}

sigset_t mask_of_this_thread() {
  sigset_t blocked;
  pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  return blocked;
}

std::atomic<int> handled{0}, handled_elsewhere{0};
void on_signal(int) { ++(gettid() == getpid() ? handled : handled_elsewhere); }

void handle(int signal_number, int flags) {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = flags;
  sigaction(signal_number, &action, nullptr);
}

void burn(std::chrono::milliseconds d) {
  for (const auto end = std::chrono::steady_clock::now() + d; std::chrono::steady_clock::now() < end;) {}
}

}  // namespace

TEST_CASE("workers, spares and the threads of blocking() block what belongs to the program; its own thread is untouched") {
  for (const unsigned n : test::worker_counts()) {
    const sigset_t before = mask_of_this_thread();
    sluice::runtime r(test::with_workers(n));
    test::tally good;
    std::vector<sluice::future<void>> all;
    for (unsigned i = 0; i < 2 * n; ++i) {
      all.push_back(r.go([&] {  // more of them than workers: some run on spares
        good.expect(is_quiet());
        const sluice::blocking_region slow;
        std::this_thread::sleep_for(10ms);
      }));
      all.push_back(r.blocking([&] { good.expect(is_quiet()); }));
      all.push_back(r.go([&] { sluice::blocking([&] { good.expect(is_quiet()); }).get(); }));
    }
    test::join(all);
    CHECK(good.failures() == 0);
    CHECK(same_mask(before, mask_of_this_thread()));
  }
}

TEST_CASE("program_signals is what the maker of the runtime had blocked, also from within a runtime in a runtime") {
  sigset_t chosen, before;
  sigemptyset(&chosen);
  sigaddset(&chosen, SIGUSR2);
  pthread_sigmask(SIG_SETMASK, &chosen, &before);
  CHECK(same_mask(sluice::program_signals(), chosen));
  for (const unsigned n : test::worker_counts()) {
    sluice::runtime r(test::with_workers(n));
    CHECK(same_mask(r.go([] { return sluice::program_signals(); }).get(), chosen));
    CHECK(same_mask(r.blocking([] { return sluice::program_signals(); }).get(), chosen));
    CHECK(same_mask(r.go([] { return sluice::run(test::with_workers(1), [] { return sluice::program_signals(); }); }).get(),
                    chosen));
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

// No thread but the main one is the program's own here. It blocks the signals after the runtime is made: who else would take
// them?
CHILD_PROGRAM(signals_reach_the_main_thread) {
  sluice::runtime r(test::with_workers(2));
  std::atomic<bool> over{false};
  std::vector<sluice::future<void>> all;
  for (int i = 0; i < 3; ++i) {
    all.push_back(r.go([&] {
      while (!over) sluice::this_fiber::yield();
    }));
    all.push_back(r.go([&] {
      while (!over) {
        burn(5ms);
        sluice::this_fiber::yield();
      }
    }));
    all.push_back(r.blocking([&] {
      while (!over) std::this_thread::sleep_for(1ms);
    }));
  }
  for (const int s : programs_own) handle(s, 0);
  sigset_t own, before;
  sigemptyset(&own);
  for (const int s : programs_own) sigaddset(&own, s);
  pthread_sigmask(SIG_BLOCK, &own, &before);
  const auto go_through = [&] {
    int expected = 0;
    for (const int s : programs_own) {
      for (int i = 0; i < 3; ++i) {
        kill(getpid(), s);
        std::this_thread::sleep_for(1ms);
      }
      if (handled != expected || handled_elsewhere != 0) return 1;
      ++expected;  // three that are pending count as one
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
      pthread_sigmask(SIG_BLOCK, &own, nullptr);
      if (handled != expected) return 2;
    }
    return 0;
  };
  const int failed = go_through();
  over = true;
  test::join(all);
  return handled_elsewhere == 0 ? failed : 3;
}

TEST_CASE("signals that are sent to the process while workers run arrive on the main thread") {
  const test::ended e = test::start_child("signals_reach_the_main_thread");
  CAPTURE(e.error_output);
  CHECK(e.status == 0);
}

// An interval timer interrupts the main thread, and whatever it calls, a thousand times a second.
CHILD_PROGRAM(interrupted_waits) {
  handle(SIGALRM, 0);  // no SA_RESTART
  itimerval often{};
  often.it_interval.tv_usec = often.it_value.tv_usec = 1000;
  setitimer(ITIMER_REAL, &often, nullptr);
  sluice::runtime r(test::with_workers(2));
  sluice::channel<int> numbers, squares;
  auto fiber = r.go([=] {
    for (const int n : numbers) {
      sluice::this_fiber::sleep_for(2ms);
      squares.send(n * n);
    }
  });
  for (int i = 0; i < 100; ++i) {
    numbers.send(i);
    if (*squares.recv() != i * i) return 1;
    if (r.blocking([] {
           std::this_thread::sleep_for(1ms);
           return 1;
         }).get() != 1)
      return 2;
    sluice::this_fiber::sleep_for(1ms);
    auto late = sluice::after(2ms);
    auto never = sluice::recv(squares);
    const auto begin = std::chrono::steady_clock::now();
    if (sluice::select(late, never) != late || std::chrono::steady_clock::now() - begin < 2ms) return 3;
  }
  numbers.close();
  fiber.get();
  setitimer(ITIMER_REAL, nullptr, nullptr);
  return handled > 0 && handled_elsewhere == 0 ? 0 : 4;
}

TEST_CASE("waits of a thread go on when a handler has interrupted them") {
  const test::ended e = test::start_child("interrupted_waits");
  CAPTURE(e.error_output);
  CHECK(e.status == 0);
}
