// Out of memory, out of threads: each gives its error, the rest runs on, and when there is enough again all is as before.
// (Out of mappings: stacks_test.cc.) In child processes, which set limits for themselves.
#include "tests/support/child.h"
#include "tests/support/harness.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <new>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

using namespace std::chrono_literals;
using sluice::blocking;
using sluice::channel;

namespace {

constexpr int cannot_be_limited = 77;

// At once: what is left may wait for something that will not come now.
int failed(const char* what) {
  std::fprintf(stderr, "failed: %s\n", what);
  _exit(1);
}

// A soft limit, while it lives.
class limit {
 public:
  limit(__rlimit_resource resource, rlim_t value) noexcept : resource_(resource) {
    getrlimit(resource_, &before_);
    const rlimit now{value, before_.rlim_max};
    setrlimit(resource_, &now);
  }
  limit(const limit&) = delete;
  limit& operator=(const limit&) = delete;
  ~limit() { setrlimit(resource_, &before_); }

 private:
  __rlimit_resource resource_;
  rlimit before_;
};

rlim_t threads_now() {
  struct stat tasks {};
  stat("/proc/self/task", &tasks);
  return tasks.st_nlink - 2;
}

rlim_t memory_now() {
  std::size_t pages = 0;
  std::FILE* const f = std::fopen("/proc/self/statm", "r");
  if (f == nullptr || std::fscanf(f, "%zu", &pages) != 1) return 0;
  std::fclose(f);
  return pages * 4096;
}

// The number of threads binds no superuser, and counts for a user: so this process becomes that of one who has no other.
bool become_somebody() {
  const auto id = static_cast<uid_t>(200'000 + getpid());
  return setgid(id) == 0 && setuid(id) == 0;
}

struct no_more_threads : limit {
  no_more_threads() : limit(RLIMIT_NPROC, threads_now()) {}
};
struct memory_left : limit {
  explicit memory_left(rlim_t bytes) : limit(RLIMIT_AS, memory_now() + bytes) {}
};

template <class Error, class F>
bool throws(F f) {
  try {
    f();
  } catch (const Error&) {
    return true;
  }
  return false;
}

void burn(std::chrono::milliseconds d) {
  for (const auto end = std::chrono::steady_clock::now() + d; std::chrono::steady_clock::now() < end;) {}
}

// Two fibers that pass a ball, whatever happens around them.
class players {
 public:
  players() {
    for (int i = 0; i < 2; ++i)
      both_.push_back(sluice::go([this, i] {
        for (;;) {
          const auto ball = table_[i].recv();
          if (!ball) break;
          ++passes_;
          table_[1 - i].send(*ball + 1);
        }
        table_[1 - i].close();
      }));
    table_[0].send(0);
    if (!go_on()) failed("two fibers that play");  // and have their stacks from now on
  }
  bool go_on() {
    const int before = passes_;
    return test::eventually([&] { return passes_ > before + 10; });
  }
  void stop() {
    table_[0].close();
    test::join(both_);
  }

 private:
  const std::array<channel<int>, 2> table_{channel<int>(1), channel<int>(1)};
  std::atomic<int> passes_{0};
  std::vector<sluice::future<void>> both_;
};

int without_threads(unsigned workers) {
  if (!become_somebody()) return cannot_be_limited;
  const auto works = [&] {
    return sluice::run(test::with_workers(workers), [] { return blocking([] { return 1; }).get(); });
  };
  {
    const no_more_threads now;
    if (!throws<std::system_error>([] { std::thread([] {}).join(); })) return cannot_be_limited;
    if (!throws<std::system_error>(works)) return failed("a runtime without threads");
    if (!throws<std::system_error>([] { sluice::go([] {}); })) return failed("the default runtime without threads");
  }
  if (works() != 1) return failed("a runtime after that");
  if (sluice::go([] { return 2; }).get() != 2) return failed("the default runtime after that");

  return sluice::run(test::with_workers(workers), [] {
    players table;
    {
      const no_more_threads now;
      auto refused = blocking([] {});
      if (!throws<std::system_error>([&] { refused.get(); })) return failed("blocking() without a thread");
      if (!table.go_on()) return failed("others beside it");
    }
    std::atomic<bool> open{false};
    auto first = blocking([&] {
      while (!open) std::this_thread::sleep_for(1ms);
    });
    {
      const no_more_threads now;
      std::atomic<int> ran{0};
      std::vector<sluice::future<void>> jobs;
      for (int i = 0; i < 20; ++i) jobs.push_back(blocking([&] { ++ran; }));
      if (!table.go_on()) return failed("others beside jobs that wait for a thread");
      if (ran != 0) return failed("jobs without a thread");
      open = true;
      test::join(jobs);
      if (ran != 20) return failed("jobs that share a thread");
      first.get();

      // Hogs, and no spare that could come: all goes on when they are back.
      std::vector<sluice::future<void>> hogs;
      for (int i = 0; i < 8; ++i)
        hogs.push_back(sluice::go([i] {
          if (i % 2) {
            const sluice::blocking_region slow;
            std::this_thread::sleep_for(20ms);
          } else {
            burn(20ms);
          }
        }));
      test::join(hogs);
      if (!table.go_on()) return failed("others after hogs without spares");
    }
    table.stop();
    return 0;
  });
}

int without_stacks(unsigned workers) {
  return sluice::run(test::with_workers(workers), [] {
    constexpr int n = 4000;
    for (int round = 0; round < 2; ++round) {
      players table;
      const channel<int> gate;
      std::vector<sluice::future<bool>> fibers;
      fibers.reserve(n);
      int refused = 0;
      {
        const memory_left few(24 << 20);
        for (int i = 0; i < n; ++i) {
          try {
            fibers.push_back(sluice::go([&gate] { return !gate.recv(); }));
          } catch (const std::bad_alloc&) {
            ++refused;
          }
        }
        const auto all_have_begun = [&] {
          const auto ended = std::count_if(fibers.begin(), fibers.end(), [](const auto& f) { return f.ready(); });
          return gate.stats().waiting_receivers + static_cast<std::size_t>(ended) == fibers.size();
        };
        if (!test::eventually(all_have_begun)) return failed("fibers that begin, or end with an error");
        if (!table.go_on()) return failed("others beside fibers without a stack");
        gate.close();
        int good = 0;
        for (auto& f : fibers) {
          try {
            good += f.get();
          } catch (const std::bad_alloc&) {
            ++refused;
          }
        }
        if (good + refused != n) return failed("a fiber has not told how it ended");
        if (refused == 0) return failed("there was enough memory for all");
        if (good == 0) return failed("there was memory for none");
      }
      const channel<int> next_gate;
      fibers.clear();
      for (int i = 0; i < n; ++i) fibers.push_back(sluice::go([&next_gate] { return !next_gate.recv(); }));
      next_gate.close();
      for (auto& f : fibers)
        if (!f.get()) return failed("a fiber when there is memory again");
      table.stop();
    }
    return 0;
  });
}

int without_heap(unsigned workers) {
  return sluice::run(test::with_workers(workers), [] {
    using block = std::array<char, 8 * 1024>;
    players table;
    const channel<std::unique_ptr<int>> numbers(sluice::unbounded);
    long sent = 0;
    {
      const memory_left little(16 << 20);
      std::vector<std::unique_ptr<block>> ballast;
      ballast.reserve(10'000);
      if (!throws<std::bad_alloc>([&] {
            for (;;) ballast.push_back(std::make_unique<block>());
          }))
        return failed("there is no end of memory");
      // What is left are crumbs: they are used up by whatever needs memory, and each says so.
      std::unique_ptr<int> kept;
      if (!throws<std::bad_alloc>([&] {
            for (;; ++sent) {
              if (!kept) kept = std::make_unique<int>(static_cast<int>(sent));
              numbers.send(std::move(kept));
            }
          }))
        return failed("an unbounded channel without memory");
      if (!throws<std::bad_alloc>([] { blocking([big = block{}] { static_cast<void>(big); }); }))
        return failed("blocking() without memory");
      if (!throws<std::bad_alloc>([] { sluice::go([big = block{}] { static_cast<void>(big); }); }))
        return failed("go() without memory");
      if (!throws<std::bad_alloc>([] { channel<block>(16); })) return failed("a channel without memory");
      if (!table.go_on()) return failed("others beside all this");
      sluice::this_fiber::sleep_for(1ms);
      for (long i = 0; i < sent / 2; ++i)
        if (**numbers.recv() != i) return failed("a value that was sent");
    }
    for (long i = sent / 2; i < sent; ++i)
      if (**numbers.recv() != i) return failed("a value that was sent, received later");
    if (numbers.size() != 0) return failed("values that nobody sent");
    if (blocking([] { return sluice::go([] { return 3; }).get(); }).get() != 3) return failed("all that, with memory");
    table.stop();
    return 0;
  });
}

// With more and more memory: each time a runtime works, or says that it cannot be had.
int runtimes_in_little_memory(unsigned workers) {
  int refused = 0, worked = 0;
  for (rlim_t left = 0; worked < 3 && left < (rlim_t{1} << 32); left += left < (8 << 20) ? 256 << 10 : 8 << 20) {
    const memory_left now(left);
    try {
      worked += sluice::run(test::with_workers(workers), [] {
        try {
          return blocking([] { return 1; }).get();
        } catch (const std::system_error&) {
          return 0;
        }
      });
    } catch (const std::bad_alloc&) {
      ++refused;
    } catch (const std::system_error&) {
      ++refused;
    }
  }
  if (refused == 0) return failed("there was always enough");
  return worked == 3 ? 0 : failed("there was never enough");
}

void expect_to_pass(const char* name) {
  for (const unsigned n : test::worker_counts()) {
    const std::string program = std::string(name) + "_" + std::to_string(n);
    const test::ended e = test::start_child(program);
    if (e.status == cannot_be_limited) {
      MESSAGE("nobody can limit this process");
      continue;
    }
    CAPTURE(program);
    CAPTURE(e.error_output);
    CHECK(e.status == 0);
    CHECK(e.error_output.empty());
  }
}

}  // namespace

#define FOR_EACH_WORKER_COUNT(name)           \
  CHILD_PROGRAM(name##_1) { return name(1); } \
  CHILD_PROGRAM(name##_2) { return name(2); } \
  CHILD_PROGRAM(name##_4) { return name(4); }
FOR_EACH_WORKER_COUNT(without_threads)
FOR_EACH_WORKER_COUNT(without_stacks)
FOR_EACH_WORKER_COUNT(without_heap)
FOR_EACH_WORKER_COUNT(runtimes_in_little_memory)

TEST_CASE("out of threads: runtimes, blocking(), spares") { expect_to_pass("without_threads"); }

// The sanitizers' own memory would fall under the limit.
TEST_CASE("out of memory: stacks" * doctest::skip(test::sanitized)) { expect_to_pass("without_stacks"); }
TEST_CASE("out of memory: the heap" * doctest::skip(test::sanitized)) { expect_to_pass("without_heap"); }
TEST_CASE("out of memory: runtimes" * doctest::skip(test::sanitized)) { expect_to_pass("runtimes_in_little_memory"); }
