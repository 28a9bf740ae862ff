// The workloads of benchmarks/*_bench.cc, written as a user of Boost.Fiber would write them, under the same names.
// ../README.md says what it takes and prints. Every workload checks what arrived, outside of the timed part; the program
// fails when something is missing.

#include "peer.h"

#include <boost/version.hpp>

#include <cstring>
#include <regex>
#include <string>
#include <thread>

namespace {

#if defined(NDEBUG) && defined(__OPTIMIZE__)
constexpr bool optimised = true;
#else
constexpr bool optimised = false;
#endif

using namespace peer;

// One thread schedules its fibers round robin; several steal from each other, and sleep when they find nothing. Boost wakes
// such a thread for a fiber that slept on it, not for one that it could steal, so that most rows use one thread, also with
// two. That is the best that it does: told to look on instead (`false`), which does use both, most rows take from twice to a
// hundred times as long, W17 included; and shared_work is slower at starting fibers, and in the ring.
class workers {
 public:
  explicit workers(unsigned n) {
    if (n == 1) return;
    stacks::share();
    for (unsigned i = 1; i < n; ++i)
      threads_.emplace_back([this, n] {
        fibers::use_scheduling_algorithm<fibers::algo::work_stealing>(n, true);
        std::unique_lock lock(m_);
        over_.wait(lock, [this] { return stop_; });
      });
    fibers::use_scheduling_algorithm<fibers::algo::work_stealing>(n, true);
  }
  ~workers() {
    {
      const std::lock_guard lock(m_);
      stop_ = true;
    }
    over_.notify_all();
    for (auto& t : threads_) t.join();
  }

 private:
  fibers::mutex m_;
  fibers::condition_variable over_;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

// Repeats batches for at least the given time, after one that only warms up. A workload whose batch is one operation is a
// job of its own: it is measured as a program would run it, cold. The main fiber of a thread cannot move, so each batch is a
// fiber of its own.
void measure(const workload& w, nanoseconds least, unsigned n) {
  const auto batch = [&] {
    run r(w.batch);
    go([&] { w.execute(r); }).join();
    return r.elapsed();
  };
  if (w.batch > 1 && !w.once) batch();
  std::int64_t count = 0;
  nanoseconds elapsed{};
  const nanoseconds before = used();
  do {
    elapsed += batch();
    count += w.batch;
  } while (!w.once && elapsed < least);
  const auto each = [&](nanoseconds time) { return static_cast<double>(time.count()) / static_cast<double>(count); };
  std::printf("%s/workers:%u %.2f %.2f\n", w.name, n, each(elapsed), each(used() - before));
  std::fflush(stdout);
}

[[noreturn]] void fail(const char* why) {
  std::fprintf(stderr, "boost peer: %s\n", why);
  std::exit(2);
}

}  // namespace

int main(int argc, char** argv) {
  if (!optimised) fail("not an optimised build: compile with -O3 -DNDEBUG");
  std::string pattern;
  double least = 0.2;
  unsigned n = 1;
  bool list = false;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    const auto value = [&] { return ++i < argc ? argv[i] : (fail("a flag has no value"), nullptr); };
    if (flag == "-run") {
      pattern = value();
    } else if (flag == "-min") {
      least = std::stod(value());
    } else if (flag == "-workers") {
      n = static_cast<unsigned>(std::stoul(value()));
    } else if (flag == "-list") {
      list = true;
    } else if (flag == "-version") {
      std::printf("Boost.Fiber %d.%d.%d, g++ %s\n", BOOST_VERSION / 100'000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100,
                  __VERSION__);
      return 0;
    } else {
      fail("usage: peer [-run REGEX] [-min SECONDS] [-workers N] | -list | -version");
    }
  }
  if (n == 0) fail("-workers wants at least 1");

  const std::regex chosen(pattern);
  const workers here(list ? 1 : n);
  for (const auto* area : {&fiber_workloads, &channel_workloads, &many_workloads, &timer_workloads, &job_workloads})
    for (const workload& w : *area) {
      if (!std::regex_search(w.name, chosen)) continue;
      if (list) {
        std::puts(w.name);
      } else {
        measure(w, std::chrono::duration_cast<nanoseconds>(std::chrono::duration<double>(least)), n);
      }
    }
}
