// select_set_bench.cc - the workloads of W7_select_* over a select_set: the sources stay registered between messages.

#include "benchmarks/bench.h"
#include "benchmarks/messages.h"

#include <vector>

namespace {

using bench::channel;

sluice::select_set receiving_from(const std::vector<channel>& channels, std::int64_t& sum) {
  sluice::select_set set;
  for (const auto& c : channels) set.add(sluice::recv(c), [&sum](std::optional<std::int64_t> v) { sum += v.value_or(-1); });
  return set;
}

// n buffered channels none of which is ever empty: they are filled up between rounds, with the watch stopped.
void W7_set_ready(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  constexpr std::int64_t depth = 256;
  bench::measure(state, state.range(1), depth * 400, [n](bench::run& r) {
    const auto channels = bench::make_channels(n, depth);
    std::int64_t sent = 0, got = 0, left = 0;
    auto set = receiving_from(channels, got);
    for (std::int64_t round = 0; round < r.count() / depth; ++round) {
      for (const auto& c : channels)
        while (c.try_send(1)) ++sent;
      r.start();
      for (std::int64_t i = 0; i < depth; ++i) set.wait();
      r.stop();
    }
    for (const auto& c : channels) left += static_cast<std::int64_t>(c.size());
    r.expect(got == r.count() && got + left == sent, "a message is lost");
  });
}

// One producer sends to each of n rendezvous channels in turn, so that the set parks.
void W7_set_blocking(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  bench::measure(state, state.range(1), 100'000, [n](bench::run& r) {
    const auto channels = bench::make_channels(n, 0);
    std::int64_t sum = 0;
    auto set = receiving_from(channels, sum);
    r.start();
    auto producer = sluice::go([&] {
      for (std::int64_t i = 0; i < r.count(); ++i) channels[static_cast<std::size_t>(i) % n].send(i);
    });
    for (std::int64_t i = 0; i < r.count(); ++i) set.wait();
    r.stop();
    producer.get();
    r.expect(sum == r.count() * (r.count() - 1) / 2, "a message is lost");
  });
}

void sizes(benchmark::internal::Benchmark* b) { bench::workers_and<2, 8, 64, 1000>(b, "n"); }
BENCHMARK(W7_set_ready)->Apply(sizes);
BENCHMARK(W7_set_blocking)->Apply(sizes);

void growth(benchmark::internal::Benchmark* b) { bench::workers_and<2, 8, 10, 64, 100, 1000>(b, "cases"); }
BENCHMARK(W7_set_ready)->Name("growth_set_ready")->Apply(growth);
BENCHMARK(W7_set_blocking)->Name("growth_set_blocking")->Apply(growth);

}  // namespace
