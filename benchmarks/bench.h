// bench.h - how each workload is run: as a fiber of a runtime that exists already, in batches, with its own watch.
//
//   void W0_example(benchmark::State& state) {
//     bench::measure(state, state.range(0), 100'000, [](bench::run& r) {
//       prepare();
//       r.start();
//       for (std::int64_t i = 0; i < r.count(); ++i) operation();
//       r.stop();
//       r.expect(all_arrived(), "a message is lost");
//     });
//   }
//   BENCHMARK(W0_example)->Apply(bench::workers);
//
// The time that is reported is nanoseconds per operation, "CPU" what the whole process used for it on all cores (what is
// prepared and checked included: compare it only with the same for another peer), and "iterations" are operations. The
// runtime is made before the watch starts; a batch is large enough that entering the runtime, and what a workload does once,
// do not show. The number of workers is the last argument in every benchmark's name.
#pragma once

#include <benchmark/benchmark.h>
#include <sluice/sluice.h>

#include <chrono>
#include <cstdint>

namespace bench {

// One batch: how many operations to do, and the watch around those that count.
class run {
 public:
  explicit run(std::int64_t count) : count_(count) {}

  std::int64_t count() const { return count_; }
  void start() { started_ = clock::now(); }
  void stop() { elapsed_ += clock::now() - started_; }
  // For a value that is no time on the clock: reported as if each operation had taken that long (and a byte a nanosecond),
  // so that all values are in one column.
  void report(std::chrono::nanoseconds each) { elapsed_ = each * count_; }
  // Unless `right`, the benchmark fails and says so.
  void expect(bool right, const char* otherwise) {
    if (!right) failure_ = otherwise;
  }

  double seconds() const { return std::chrono::duration<double>(elapsed_).count(); }
  const char* failure() const { return failure_; }

 private:
  using clock = std::chrono::steady_clock;
  std::int64_t count_;
  clock::time_point started_;
  clock::duration elapsed_{};
  const char* failure_ = nullptr;
};

template <class Workload>
run one_batch(benchmark::State& state, sluice::runtime& rt, std::int64_t batch, Workload& workload) {
  run r(batch);
  rt.go([&] { workload(r); }).get();
  if (r.failure() != nullptr) state.SkipWithError(r.failure());
  return r;
}

// The first batch only warms up stacks and caches. A workload whose batch is one operation is a job of its own: it is
// measured as a program would run it, cold.
template <class Workload>
void measure(benchmark::State& state, std::int64_t workers, std::int64_t batch, Workload workload) {
  sluice::runtime rt({.workers = static_cast<unsigned>(workers)});
  if (batch > 1 && one_batch(state, rt, batch, workload).failure() != nullptr) return;
  while (state.KeepRunningBatch(batch)) {
    const run r = one_batch(state, rt, batch, workload);
    if (r.failure() != nullptr) return;
    state.SetIterationTime(r.seconds());
  }
}

// Each batch in a new runtime.
template <class Workload>
void measure_cold(benchmark::State& state, std::int64_t workers, std::int64_t batch, Workload workload) {
  while (state.KeepRunningBatch(batch)) {
    sluice::runtime rt({.workers = static_cast<unsigned>(workers)});
    const run r = one_batch(state, rt, batch, workload);
    if (r.failure() != nullptr) return;
    state.SetIterationTime(r.seconds());
  }
}

// Registers a workload without arguments of its own under 1 and 2 workers.
inline void workers(benchmark::internal::Benchmark* b) {
  b->ArgName("workers")->Arg(1)->Arg(2)->UseManualTime()->MeasureProcessCPUTime();
}

// For how it scales: with more workers than the machine has cores, too.
inline void many_workers(benchmark::internal::Benchmark* b) {
  b->ArgName("workers")->Arg(1)->Arg(2)->Arg(4)->Arg(8)->Arg(16)->UseManualTime()->MeasureProcessCPUTime();
}

// The same for a workload with one argument.
template <std::int64_t... Values>
void workers_and(benchmark::internal::Benchmark* b, const char* name) {
  b->ArgNames({name, "workers"})->ArgsProduct({{Values...}, {1, 2}})->UseManualTime()->MeasureProcessCPUTime();
}

}  // namespace bench
