// many_bench.cc - W10: a million fibers that all wait in one channel until it is closed.

#include "benchmarks/bench.h"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <vector>

namespace {

constexpr std::int64_t million = 1'000'000;

class crowd {
 public:
  explicit crowd(std::int64_t size) : fibers_(static_cast<std::size_t>(size)) {}

  // Until all of them wait.
  void gather() {
    for (auto& one : fibers_)
      one = sluice::go([this] {
        begun_.fetch_add(1, std::memory_order_relaxed);
        gate_.recv();
        woken_.fetch_add(1, std::memory_order_relaxed);
      });
    while (begun_.load(std::memory_order_relaxed) < size()) sluice::this_fiber::yield();
  }
  // Until all of them have ended. False: one of them was never there.
  bool disperse() {
    gate_.close();
    sluice::wait_all(fibers_);
    return woken_ == size();
  }

 private:
  std::int64_t size() const { return static_cast<std::int64_t>(fibers_.size()); }

  std::vector<sluice::future<void>> fibers_;
  const sluice::channel<int> gate_;
  std::atomic<std::int64_t> begun_{0}, woken_{0};
};

std::int64_t resident_bytes() {
  std::int64_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * 4096;
}

// The resident memory that each takes while it waits (its stack, its object, its future), without page tables.
void W10_many_bytes(benchmark::State& state) {
  bench::measure_cold(state, state.range(0), million, [](bench::run& r) {
    malloc_trim(0);  // what an earlier benchmark has left
    const std::int64_t before = resident_bytes();
    crowd all(r.count());
    all.gather();
    r.report(std::chrono::nanoseconds((resident_bytes() - before) / r.count()));
    r.expect(all.disperse(), "a fiber is lost");
  });
}
BENCHMARK(W10_many_bytes)->Apply(bench::workers);

void time_to_gather(bench::run& r) {
  crowd all(r.count());
  r.start();
  all.gather();
  r.stop();
  r.expect(all.disperse(), "a fiber is lost");
}

// In a runtime that is new.
void W10_many_spawn_cold(benchmark::State& state) { bench::measure_cold(state, state.range(0), million, time_to_gather); }
BENCHMARK(W10_many_spawn_cold)->Apply(bench::workers);

// As many have been there just before.
void W10_many_spawn_warm(benchmark::State& state) { bench::measure(state, state.range(0), million, time_to_gather); }
BENCHMARK(W10_many_spawn_warm)->Apply(bench::workers);

// From the close of the channel until all have ended, for so many at a time.
void wake(benchmark::State& state, std::int64_t size, std::int64_t workers) {
  bench::measure(state, workers, std::max(size, million / 10), [size](bench::run& r) {
    for (std::int64_t woken = 0; woken < r.count(); woken += size) {
      crowd all(size);
      all.gather();
      r.start();
      const bool all_woken = all.disperse();
      r.stop();
      r.expect(all_woken, "a fiber is lost");
    }
  });
}
void W10_many_wake(benchmark::State& state) { wake(state, million, state.range(0)); }
BENCHMARK(W10_many_wake)->Apply(bench::workers);

void growth_wake(benchmark::State& state) { wake(state, state.range(0), state.range(1)); }
BENCHMARK(growth_wake)->Apply([](auto* b) { bench::workers_and<10, 100, 1'000, 10'000, 100'000, 1'000'000>(b, "fibers"); });

}  // namespace
