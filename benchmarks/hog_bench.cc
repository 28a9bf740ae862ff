// hog_bench.cc - W14: short work that becomes due while fibers compute that never yield.

#include "benchmarks/bench.h"

#include <algorithm>
#include <atomic>
#include <vector>

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

void burn(std::chrono::nanoseconds time) {
  for (const auto end = clock::now() + time; clock::now() < end;) {}
}

// Three fibers burn 1.2 s each. Twenty others become due 20 ms after that has begun, each with 50 us of work: how long after
// they are due they are through with it, in order.
std::vector<std::chrono::nanoseconds> fast_behind_slow() {
  constexpr int slow = 3, fast = 20;
  std::vector<std::chrono::nanoseconds> late(fast);
  std::vector<sluice::future<void>> all;
  std::atomic<int> begun{0};
  const auto due = clock::now() + 20ms;
  for (auto& l : late)
    all.push_back(sluice::go([&, due] {
      ++begun;
      sluice::this_fiber::sleep_until(due);
      burn(50us);
      l = clock::now() - due;
    }));
  while (begun < fast) sluice::this_fiber::yield();
  for (int i = 0; i < slow; ++i) all.push_back(sluice::go([] { burn(1200ms); }));
  sluice::wait_all(all);
  std::ranges::sort(late);
  return late;
}

// `place` of the latenesses, which is reported. One job says enough, so it stands for a batch that is large enough for any
// --benchmark_min_time.
void report_late(benchmark::State& state, std::size_t place) {
  bench::measure(state, state.range(0), 100'000, [place](bench::run& r) {
    const auto late = fast_behind_slow();
    r.report(late[place]);
    r.expect(late.front() >= 50us, "a fiber did not run");
  });
}

void W14_fast_behind_slow_longest(benchmark::State& state) { report_late(state, 19); }
BENCHMARK(W14_fast_behind_slow_longest)->Apply(bench::workers);

void W14_fast_behind_slow_median(benchmark::State& state) { report_late(state, 10); }
BENCHMARK(W14_fast_behind_slow_median)->Apply(bench::workers);

}  // namespace
