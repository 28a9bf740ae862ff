// channel_bench.cc - messages through one or two channels.

#include "benchmarks/bench.h"
#include "benchmarks/messages.h"

#include <vector>

namespace {

using bench::tally, bench::drain;

// Two fibers, two rendezvous channels; an operation is a round trip.
void W3_ping_pong(benchmark::State& state) {
  bench::measure(state, state.range(0), 50'000, [](bench::run& r) {
    const sluice::channel<std::int64_t> there, back;
    auto echo = sluice::go([=] {
      for (const std::int64_t v : there) back.send(v + 1);
    });
    std::int64_t sum = 0;
    r.start();
    for (std::int64_t i = 0; i < r.count(); ++i) {
      there.send(i);
      sum += back.recv().value_or(-1);
    }
    r.stop();
    there.close();
    echo.get();
    r.expect(sum == r.count() * (r.count() + 1) / 2, "a message is lost");
  });
}
BENCHMARK(W3_ping_pong)->Apply(bench::workers);

// One producer, one consumer; an operation is a message.
void W5_spsc(benchmark::State& state) {
  const auto capacity = static_cast<std::size_t>(state.range(0));
  bench::measure(state, state.range(1), capacity == 0 ? 100'000 : 400'000, [capacity](bench::run& r) {
    const sluice::channel<std::int64_t> c(capacity);
    r.start();
    sluice::go([c, n = r.count()] {
      for (std::int64_t i = 0; i < n; ++i) c.send(i);
      c.close();
    });
    const tally t = drain(c);
    r.stop();
    r.expect(t.is_all_of(r.count()), "a message is lost");
  });
}
BENCHMARK(W5_spsc)->Apply([](auto* b) { bench::workers_and<0, 64, 1024>(b, "capacity"); });

// Four producers, four consumers, one channel; an operation is a message.
void W6_mpmc(benchmark::State& state) {
  const auto capacity = static_cast<std::size_t>(state.range(0));
  bench::measure(state, state.range(1), capacity == 0 ? 100'000 : 400'000, [capacity](bench::run& r) {
    constexpr std::int64_t side = 4;
    const sluice::channel<std::int64_t> c(capacity);
    std::vector<sluice::future<tally>> consumers;
    std::vector<sluice::future<void>> producers;
    tally t;
    r.start();
    for (std::int64_t k = 0; k < side; ++k) {
      consumers.push_back(sluice::go([c] { return drain(c); }));
      producers.push_back(sluice::go([c, k, n = r.count()] {
        for (std::int64_t i = k; i < n; i += side) c.send(i);
      }));
    }
    for (auto& p : producers) p.get();
    c.close();
    for (auto& one : consumers) t += one.get();
    r.stop();
    r.expect(t.is_all_of(r.count()), "a message is lost");
  });
}
BENCHMARK(W6_mpmc)->Apply([](auto* b) { bench::workers_and<128, 0>(b, "capacity"); });
BENCHMARK(W6_mpmc)->Name("scaling_contended_channel")->Apply([](auto* b) {
  b->ArgNames({"capacity", "workers"})->ArgsProduct({{128, 0}, {1, 2, 4, 8, 16}})->UseManualTime()->MeasureProcessCPUTime();
});

}  // namespace
