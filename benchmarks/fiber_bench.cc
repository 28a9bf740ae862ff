// fiber_bench.cc - fibers alone: yield, start, join, and a ring of many.

#include "benchmarks/bench.h"

#include <vector>

namespace {

// Two fibers yield in turn; an operation is one yield.
void W1_yield(benchmark::State& state) {
  bench::measure(state, state.range(0), 200'000, [](bench::run& r) {
    const auto take_turns = [turns = r.count() / 2] {
      std::int64_t n = 0;
      for (; n < turns; ++n) sluice::this_fiber::yield();
      return n;
    };
    r.start();
    auto other = sluice::go(take_turns);
    const std::int64_t n = take_turns() + other.get();
    r.stop();
    r.expect(n == r.count(), "a yield is missing");
  });
}
BENCHMARK(W1_yield)->Apply(bench::workers);

// A thousand trivial fibers at a time, then wait for all.
void W2_spawn_join(benchmark::State& state) {
  bench::measure(state, state.range(0), 100'000, [](bench::run& r) {
    constexpr std::int64_t together = 1000;
    std::vector<sluice::future<std::int64_t>> all;
    all.reserve(together);
    std::int64_t sum = 0;
    r.start();
    for (std::int64_t round = 0; round < r.count() / together; ++round) {
      for (std::int64_t i = 0; i < together; ++i) all.push_back(sluice::go([i] { return i; }));
      for (auto& one : all) sum += one.get();
      all.clear();
    }
    r.stop();
    r.expect(sum == r.count() / together * (together * (together - 1) / 2), "a fiber did not run");
  });
}
BENCHMARK(W2_spawn_join)->Apply(bench::workers);

// Start one, take its result.
void W2b_spawn_one(benchmark::State& state) {
  bench::measure(state, state.range(0), 50'000, [](bench::run& r) {
    std::int64_t sum = 0;
    r.start();
    for (std::int64_t i = 0; i < r.count(); ++i) sum += sluice::go([i] { return i; }).get();
    r.stop();
    r.expect(sum == r.count() * (r.count() - 1) / 2, "a result is missing");
  });
}
BENCHMARK(W2b_spawn_one)->Apply(bench::workers);

// A token round a thousand fibers, this one included; an operation is one hop.
void W4_ring(benchmark::State& state) {
  bench::measure(state, state.range(0), 100'000, [](bench::run& r) {
    constexpr int size = 1000;
    const sluice::channel<std::int64_t> first;
    sluice::channel<std::int64_t> last = first;
    for (int i = 1; i < size; ++i) {
      const sluice::channel<std::int64_t> to;
      sluice::go([from = last, to] {
        for (const std::int64_t token : from) to.send(token + 1);
        to.close();
      });
      last = to;
    }
    std::int64_t token = 0;
    bool closed_early = false;
    r.start();
    for (std::int64_t round = 0; round < r.count() / size; ++round) {
      closed_early |= !first.send(token + 1);
      token = last.recv().value_or(-1);
    }
    r.stop();
    first.close();
    r.expect(!last.recv() && !closed_early && token == r.count(), "the token missed a hop");
  });
}
BENCHMARK(W4_ring)->Apply(bench::workers);

}  // namespace
