// select_set_bench.cc - many sources awaited over and over: an event costs the same, however many are silent.

#include "benchmarks/bench.h"

#include <vector>

namespace {

using channel = sluice::channel<std::int64_t>;

void sizes(benchmark::internal::Benchmark* b) { bench::workers_and<2, 8, 64, 1000>(b, "n"); }

// One fiber sends to one of n buffered channels after the other; another has all of them in a set.
void set_of_busy_channels(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  bench::measure(state, state.range(1), 100'000, [n](bench::run& r) {
    std::vector<channel> channels;
    for (std::size_t i = 0; i < n; ++i) channels.emplace_back(1);
    std::int64_t sum = 0;
    sluice::select_set set;
    for (const auto& c : channels) set.add(sluice::recv(c), [&sum](std::optional<std::int64_t> v) { sum += *v; });
    r.start();
    auto sender = sluice::go([&] {
      for (std::int64_t i = 0; i < r.count(); ++i) channels[static_cast<std::size_t>(i) % n].send(i);
    });
    for (std::int64_t i = 0; i < r.count(); ++i) set.wait();
    r.stop();
    sender.get();
    r.expect(sum == r.count() * (r.count() - 1) / 2, "a message is lost");
  });
}
BENCHMARK(set_of_busy_channels)->Apply(sizes);

// Of n rendezvous channels all but one are silent; the set parks for each event.
void set_of_silent_channels(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  bench::measure(state, state.range(1), 100'000, [n](bench::run& r) {
    std::vector<channel> channels(n);
    std::int64_t sum = 0;
    sluice::select_set set;
    for (const auto& c : channels) set.add(sluice::recv(c), [&sum](std::optional<std::int64_t> v) { sum += *v; });
    set.wait_for(std::chrono::milliseconds(1));  // arms them
    r.start();
    auto sender = sluice::go([&] {
      for (std::int64_t i = 0; i < r.count(); ++i) channels[n / 2].send(i);
    });
    for (std::int64_t i = 0; i < r.count(); ++i) set.wait();
    r.stop();
    sender.get();
    r.expect(sum == r.count() * (r.count() - 1) / 2, "a message is lost");
  });
}
BENCHMARK(set_of_silent_channels)->Apply(sizes);

}  // namespace
