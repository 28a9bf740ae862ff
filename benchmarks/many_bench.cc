// many_bench.cc - W10: very many fibers that all wait in one channel until it is closed.
//
// "bytes" is the resident memory that each takes while it waits (its stack, its object, its future), without page tables.

#include "benchmarks/bench.h"

#include <atomic>
#include <fstream>
#include <vector>

namespace {

std::int64_t resident_bytes() {
  std::int64_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * 4096;
}

// One crowd: `spawning` runs until all of its fibers wait, `waking` until all have ended. Returns bytes for each.
std::int64_t gather_and_disperse(std::int64_t fibers, bench::run& spawning, bench::run& waking) {
  std::vector<sluice::future<void>> crowd(static_cast<std::size_t>(fibers));
  const sluice::channel<int> gate;
  std::atomic<std::int64_t> begun{0};
  const std::int64_t before = resident_bytes();
  spawning.start();
  for (auto& one : crowd)
    one = sluice::go([gate, &begun] {
      begun.fetch_add(1, std::memory_order_relaxed);
      gate.recv();
    });
  while (begun.load(std::memory_order_relaxed) < fibers) sluice::this_fiber::yield();
  spawning.stop();
  const std::int64_t bytes = (resident_bytes() - before) / fibers;
  waking.start();
  gate.close();
  for (auto& one : crowd) one.get();
  waking.stop();
  return bytes;
}

enum class phase { spawn_cold, spawn_warm, wake };

// Cold: in a runtime that is new. Warm: the same number has been there just before.
template <phase Which>
void W10_many(benchmark::State& state) {
  const std::int64_t fibers = state.range(0);
  const sluice::runtime_options options{.workers = static_cast<unsigned>(state.range(1))};
  while (state.KeepRunningBatch(fibers)) {
    bench::run spawning(fibers), waking(fibers), ignored(fibers);
    std::int64_t bytes = 0;
    sluice::run(options, [&] {
      if (Which != phase::spawn_cold) gather_and_disperse(fibers, ignored, ignored);
      bytes = gather_and_disperse(fibers, spawning, waking);
    });
    if (Which == phase::spawn_cold) state.counters["bytes"] = static_cast<double>(bytes);
    state.SetIterationTime(Which == phase::wake ? waking.seconds() : spawning.seconds());
  }
}

void sizes(benchmark::internal::Benchmark* b) { bench::workers_and<100'000, 1'000'000>(b, "fibers"); }

BENCHMARK(W10_many<phase::spawn_cold>)->Name("W10_many_spawn_cold")->Apply(sizes);
BENCHMARK(W10_many<phase::spawn_warm>)->Name("W10_many_spawn_warm")->Apply(sizes);
BENCHMARK(W10_many<phase::wake>)->Name("W10_many_wake")->Apply(sizes);

}  // namespace
