// pipeline_bench.cc - items that pass through three stages, the middle one several fibers wide.

#include "benchmarks/bench.h"
#include "benchmarks/messages.h"

#include <utility>
#include <vector>

namespace {

using bench::channel;

// One fiber sends, `width` others work on what it sends, one collects; an operation is an item.
template <class Work>
void pipeline(benchmark::State& state, std::int64_t items, int width, Work work) {
  bench::measure(state, state.range(0), items, [=](bench::run& r) {
    const channel in(128), out(128);
    std::vector<sluice::future<void>> middle;
    r.start();
    for (int k = 0; k < width; ++k)
      middle.push_back(sluice::go([=] {
        for (const std::int64_t v : in) {
          work(v);
          out.send(v);
        }
      }));
    sluice::go([in, n = r.count()] {
      for (std::int64_t i = 0; i < n; ++i) in.send(i);
      in.close();
    });
    sluice::go([out, middle = std::move(middle)]() mutable {
      sluice::wait_all(middle);
      out.close();
    });
    const bench::tally t = bench::drain(out);
    r.stop();
    r.expect(t.is_all_of(r.count()), "an item is lost");
  });
}

// About two microseconds of a processor at 3 GHz: so many multiplications, each of which needs the result of the last. Not
// a look at the clock, which goes on while others have the processor.
void two_microseconds(std::int64_t seed) {
  auto x = static_cast<std::uint64_t>(seed);
  for (int i = 0; i < 1'500; ++i) x = x * 6364136223846793005U + 1442695040888963407U;
  benchmark::DoNotOptimize(x);
}

void W16_pipeline(benchmark::State& state) {
  pipeline(state, 400'000, 4, [](std::int64_t) {});
}
BENCHMARK(W16_pipeline)->Apply(bench::workers);

// The speed-up on two workers is the time on one over the time on two.
void W17_pipeline_work(benchmark::State& state) { pipeline(state, 20'000, 4, two_microseconds); }
BENCHMARK(W17_pipeline_work)->Apply(bench::workers);

// The same for up to sixteen workers, with enough fibers for all.
void scaling_pipeline_work(benchmark::State& state) { pipeline(state, 50'000, 16, two_microseconds); }
BENCHMARK(scaling_pipeline_work)->Apply(bench::many_workers);

}  // namespace
