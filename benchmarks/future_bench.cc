// future_bench.cc - results that arrive once: one at a time, and many in the order in which they come.

#include "benchmarks/bench.h"

#include <vector>

namespace {

// Make a promise, set it, take what it holds, all in one fiber.
void W15_oneshot(benchmark::State& state) {
  bench::measure(state, state.range(0), 1'000'000, [](bench::run& r) {
    std::int64_t sum = 0;
    r.start();
    for (std::int64_t i = 0; i < r.count(); ++i) {
      sluice::promise<std::int64_t> p;
      auto f = p.get_future();
      p.set_value(i);
      sum += f.get();
    }
    r.stop();
    r.expect(sum == r.count() * (r.count() - 1) / 2, "a result is lost");
  });
}
BENCHMARK(W15_oneshot)->Apply(bench::workers);

// A hundred futures, which another fiber fulfils out of order, taken in the order in which they complete; an operation is
// one of them, its promise included.
void W15_as_completed(benchmark::State& state) {
  bench::measure(state, state.range(0), 100'000, [](bench::run& r) {
    constexpr std::size_t together = 100;
    const auto nth_to_complete = [](std::size_t n) { return n * 37 % together; };
    std::int64_t in_order = 0;
    r.start();
    for (std::int64_t round = 0; round < r.count(); round += together) {
      std::vector<sluice::promise<std::size_t>> promises(together);
      std::vector<sluice::future<std::size_t>> futures;
      futures.reserve(together);
      for (auto& p : promises) futures.push_back(p.get_future());
      auto results = sluice::as_completed(futures);
      auto other = sluice::go([&] {
        for (std::size_t n = 0; n < together; ++n) promises[nth_to_complete(n)].set_value(n);
      });
      std::size_t n = 0;
      for (auto [index, f] : results) {
        in_order += index == nth_to_complete(n) && f.get() == n;
        ++n;
      }
      other.get();
    }
    r.stop();
    r.expect(in_order == r.count(), "a result is lost, or out of order");
  });
}
BENCHMARK(W15_as_completed)->Apply(bench::workers);

}  // namespace
