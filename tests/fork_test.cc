// fork(): the child has one thread and none of its parent's workers. It may exec, end, or go on as a plain thread with a
// default runtime of its own; whoever uses what was left behind is told so, and nothing hangs.
#include "tests/support/child.h"
#include "tests/support/harness.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <signal.h>
#include <spawn.h>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

using namespace std::chrono_literals;
using sluice::channel;

namespace {

int end_of(pid_t child) {
  int status = 0;
  if (child <= 0 || waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Forks; the child ends with what f returns, or with SIGALRM if it hangs. Returns how it ended.
template <class F>
int forked(F f) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    _exit(f());
  }
  return end_of(child);
}

constexpr int aborted = 128 + SIGABRT;

// Fibers that wait, yield, compute and sleep, until they are told to stop.
class bustle {
 public:
  explicit bustle(sluice::runtime& r) {
    for (int i = 0; i < 4; ++i) {
      all_.push_back(r.go([this] {
        while (!over_) sluice::this_fiber::yield();
      }));
      all_.push_back(r.go([this] {
        while (!over_) sluice::this_fiber::sleep_for(1ms);
      }));
      all_.push_back(r.go([this] {
        while (!over_) sluice::go([] {}).get();
      }));
    }
  }
  void end() {
    over_ = true;
    test::join(all_);
  }

 private:
  std::atomic<bool> over_{false};
  std::vector<sluice::future<void>> all_;
};

bool refuses(const sluice::runtime& r) {
  auto& used = const_cast<sluice::runtime&>(r);
  int refused = 0;
  try {
    used.go([] {});
  } catch (const std::logic_error&) {
    ++refused;
  }
  try {
    used.blocking([] {});
  } catch (const std::logic_error&) {
    ++refused;
  }
  try {
    used.coroutines();
  } catch (const std::logic_error&) {
    ++refused;
  }
  try {
    used.stats();
  } catch (const std::logic_error&) {
    ++refused;
  }
  return refused == 4;
}

int run_shell() {
  execl("/bin/sh", "sh", "-c", "kill -TERM $$; exit 9", static_cast<char*>(nullptr));
  return 127;
}

// What a plain thread can do without any other.
int works_alone() {
  channel<int> numbers(4);
  if (!numbers.send(1) || *numbers.recv() != 1) return 1;
  auto late = sluice::after(2ms);
  auto value = sluice::recv(numbers);
  if (sluice::select(late, value) != late) return 2;
  if (sluice::this_fiber::name() != "(thread)") return 3;
  sluice::this_fiber::yield();
  return 0;
}

// The same, and a runtime.
int works() {
  if (const int failed = works_alone()) return failed;
  if (test::tsan) return 0;  // which has no threads after a fork
  channel<int> numbers;
  auto sum = sluice::go([=] {
    int all = 0;
    for (const int n : numbers) all += n;
    return all;
  });
  auto sender = sluice::blocking([=] {
    for (int i = 1; i <= 10; ++i) numbers.send(i);
    numbers.close();
  });
  sender.get();
  if (sum.get() != 55) return 4;
  if (sluice::run(test::with_workers(2), [] { return sluice::go([] { return 6; }).get(); }) != 6) return 5;
  const channel<int> named(0, "of the child");
  if (sluice::named_channels().back().name != "of the child") return 6;
  sluice::runtime mine(test::with_workers(1));
  return mine.go([] { return 0; }).get();
}

}  // namespace

TEST_CASE("the child of a plain thread: execs, works, is refused by the old runtime, and leaves its scope") {
  if (test::asan) return;  // a thread that is lost may have locked its allocator
  for (const unsigned n : test::worker_counts()) {
    sluice::runtime r(test::with_workers(n));
    CHECK(sluice::go([] { return 1; }).get() == 1);  // the default runtime is there too
    bustle around(r);
    for (int i = 0; i < test::scaled(20); ++i) {
      CHECK(forked(run_shell) == 128 + SIGTERM);
      CHECK(forked(works) == 0);
      CHECK(forked([&] { return refuses(r) ? 0 : 1; }) == 0);
      CHECK(forked([&] {
              r.~runtime();
              return 0;
            }) == 0);
    }
    around.end();
  }
}

TEST_CASE("the child of a fiber goes on as a plain thread") {
  if (test::asan) return;  // a thread that is lost may have locked its allocator
  for (const unsigned n : test::worker_counts()) {
    sluice::runtime r(test::with_workers(n));
    bustle around(r);
    r.go([] {
       sluice::with_deadline(1h, [] {
         for (int i = 0; i < test::scaled(20); ++i) {
           const sluice::blocking_region in_child;
           CHECK(forked(works) == 0);
           CHECK(forked(run_shell) == 128 + SIGTERM);
         }
       });
     }).get();
    r.go([&r] { CHECK(forked([&] { return refuses(r) ? 0 : 1; }) == 0); }).get();
    around.end();
  }
}

TEST_CASE("the child of a job of blocking() goes on as a plain thread") {
  if (test::asan) return;  // a thread that is lost may have locked its allocator
  for (const unsigned n : test::worker_counts()) {
    sluice::runtime r(test::with_workers(n));
    bustle around(r);
    r.blocking([] {
       for (int i = 0; i < test::scaled(20); ++i) {
         CHECK(forked(works) == 0);
         CHECK(forked(run_shell) == 128 + SIGTERM);
       }
     }).get();
    around.end();
  }
}

TEST_CASE("the child of a child") {
  if (test::asan) return;  // a thread that is lost may have locked its allocator
  sluice::runtime r(test::with_workers(2));
  CHECK(r.go([] {
           return forked([] {
             if (!test::tsan && sluice::go([] { return 1; }).get() != 1) return 10;
             return forked(works);
           });
         }).get() == 0);
}

TEST_CASE("posix_spawn, popen and system work in fibers; what posix_spawn starts has the signals that it is given") {
  if (test::asan) return;  // a thread that is lost may have locked its allocator
  test::in_runtime([] {
    sluice::go([] {
      const sluice::blocking_region in_child;
      CHECK(WEXITSTATUS(std::system("exit 3")) == 3);
      FILE* const out = popen("echo hello", "r");
      char line[16] = {};
      CHECK(std::fgets(line, sizeof line, out) != nullptr);
      CHECK(std::string(line) == "hello\n");
      CHECK(pclose(out) == 0);
    }).get();
    for (const bool given : {false, true}) {
      const auto spawned = [given] {
        posix_spawnattr_t attributes;
        posix_spawnattr_init(&attributes);
        const sigset_t mask = sluice::program_signals();
        if (given) {
          posix_spawnattr_setsigmask(&attributes, &mask);
          posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
        }
        char sh[] = "sh", c[] = "-c", script[] = "kill -TERM $$; exit 9";
        char* const arguments[] = {sh, c, script, nullptr};
        pid_t child = -1;
        CHECK(posix_spawn(&child, "/bin/sh", nullptr, &attributes, arguments, environ) == 0);
        posix_spawnattr_destroy(&attributes);
        return end_of(child);
      };
      CHECK(sluice::go(spawned).get() == (given ? 128 + SIGTERM : 9));
      CHECK(sluice::blocking(spawned).get() == (given ? 128 + SIGTERM : 9));
    }
  });
}

// ---- Told in words

CHILD_PROGRAM(fiber_returns) {
  sluice::runtime r(test::with_workers(2));
  return r
      .go([] {
        const pid_t child = fork();
        return child == 0 ? 0 : end_of(child);
      })
      .get();
}

CHILD_PROGRAM(job_returns) {
  sluice::runtime r(test::with_workers(2));
  return r
      .blocking([] {
        const pid_t child = fork();
        return child == 0 ? 0 : end_of(child);
      })
      .get();
}

CHILD_PROGRAM(task_returns) {
  sluice::runtime r(test::with_workers(2));
  return r
      .spawn([]() -> sluice::task<int> {
        const pid_t child = fork();
        co_return child == 0 ? 0 : end_of(child);
      }())
      .get();
}

CHILD_PROGRAM(waits_for_parents_fiber) {
  sluice::runtime r(test::with_workers(2));
  channel<int> never;
  auto waits = r.go([never] { return *never.recv(); });
  const int end = forked([&] { return waits.get(); });
  never.send(1);
  waits.get();
  return end;
}

CHILD_PROGRAM(scope_of_parent) {
  sluice::runtime r(test::with_workers(2));
  return r
      .go([] {
        sluice::scope s;
        channel<int> bell;
        s.go([bell] { bell.recv(); });
        const int end = forked([&] {
          s.join();
          return 0;
        });
        bell.send(1);
        s.join();
        return end;
      })
      .get();
}

CHILD_PROGRAM(wakes_parents_fiber) {
  sluice::runtime r(test::with_workers(2));
  channel<int> bell;
  auto waits = r.go([bell] { return *bell.recv(); });
  while (bell.stats().waiting_receivers == 0) sluice::this_fiber::sleep_for(1ms);
  const int end = forked([&] {
    bell.send(1);
    return 0;
  });
  bell.send(2);
  waits.get();
  return end;
}

CHILD_PROGRAM(starts_in_parents_scope) {
  sluice::runtime r(test::with_workers(2));
  auto& there = r.coroutines();
  return forked([&] {
    sluice::spawn(there, []() -> sluice::task<int> { co_return 1; }()).get();
    return 0;
  });
}

// A runtime of the child's own is watched as ever.
CHILD_PROGRAM(deadlock_in_child) {
  sluice::runtime r(test::with_workers(2));
  auto busy = r.go([] { channel<int>().recv(); });
  return forked([] {
    sluice::run(test::with_workers(2), [] {
      const channel<int> never(0, "nobody's");
      never.recv();
    });
    return 0;
  });
}

TEST_CASE("a deadlock in a child is told" * doctest::skip(test::sanitized)) {
  if (test::asan) return;  // a thread that is lost may have locked its allocator
  const test::ended e = test::start_child("deadlock_in_child");
  CAPTURE(e.error_output);
  CHECK(e.status == sluice::runtime_options{}.deadlock_exit_status);
  CHECK(e.error_output.find("recv from channel 'nobody's'") != std::string::npos);
}

TEST_CASE("what cannot work in a child is told in words, and ends it") {
  if (test::asan) return;  // a thread that is lost may have locked its allocator
  const auto says = [](const char* program, const char* words) {
    const test::ended e = test::start_child(program);
    CAPTURE(program);
    CAPTURE(e.error_output);
    CHECK(e.status == aborted);
    CHECK(e.error_output.find(words) != std::string::npos);
  };
  says("fiber_returns", "the fiber that called fork() has returned");
  says("job_returns", "the job of blocking() that called fork() has returned");
  says("task_returns", "the task that called fork() waits, or has returned");
  says("waits_for_parents_fiber", "nobody is left to wake it");
  says("scope_of_parent", "nobody is left to wake it");
  says("wakes_parents_fiber", "a fiber of the parent process was woken");
  says("starts_in_parents_scope", "a fiber was started in a runtime of the parent process");
}
