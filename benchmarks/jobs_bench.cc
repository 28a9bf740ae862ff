// jobs_bench.cc - two whole jobs: aggregation with a tick, and the sieve of chained filters.

#include "benchmarks/bench.h"

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;

struct activity {
  std::uint32_t user;
  std::int64_t when;
};
using batch = std::unordered_map<std::uint32_t, std::int64_t>;

void keep_newest(batch& table, std::uint32_t user, std::int64_t when) {
  auto& newest = table[user];
  newest = std::max(newest, when);
}

// Keeps the newest time of each user, and hands what it has over once a tick.
void aggregate(const sluice::channel<activity>& events, const sluice::channel<batch>& batches) {
  batch current;
  auto event = sluice::recv(events);
  auto tick = sluice::every(10ms);
  for (;;) {
    if (sluice::select(event, tick) == event) {
      const auto e = event.take();
      if (!e) break;
      keep_newest(current, e->user, e->when);
    } else {
      tick.take();
      batches.send(std::exchange(current, {}));
    }
  }
  batches.send(std::move(current));
  batches.close();
}

// Eight producers, one aggregator, one table; an operation is an event.
void W12_batch_tick(benchmark::State& state) {
  bench::measure(state, state.range(0), 5'000'000, [](bench::run& r) {
    constexpr std::int64_t users = 10'000, producers = 8;
    const std::int64_t each = r.count() / producers;
    const auto user_of = [](std::int64_t i, std::int64_t p) {
      return static_cast<std::uint32_t>((i * producers + p) % users);
    };
    const sluice::channel<activity> events(1024);
    const sluice::channel<batch> batches(2);
    batch table;
    r.start();
    sluice::go([=] { aggregate(events, batches); });
    sluice::go([=] {
      std::vector<sluice::future<void>> all;
      for (std::int64_t p = 0; p < producers; ++p)
        all.push_back(sluice::go([=] {
          for (std::int64_t i = 1; i <= each; ++i) events.send({user_of(i, p), i});
        }));
      for (auto& one : all) one.get();
      events.close();
    });
    for (const batch& b : batches)
      for (const auto& [user, when] : b) keep_newest(table, user, when);
    r.stop();

    batch newest;
    for (std::int64_t i = each - users; i <= each; ++i)
      for (std::int64_t p = 0; p < producers; ++p) newest[user_of(i, p)] = i;
    r.expect(table == newest, "an event is lost");
  });
}
BENCHMARK(W12_batch_tick)->Apply(bench::workers);

// Primes by a chain of filters, one for each prime; an operation is the whole of it.
void W13_sieve(benchmark::State& state) {
  bench::measure(state, state.range(0), 1, [](bench::run& r) {
    constexpr std::int64_t primes = 2000, last = 17'389;
    sluice::channel<std::int64_t> from;
    std::int64_t prime = 0;
    r.start();
    sluice::go([first = from] {
      for (std::int64_t i = 2; i <= last; ++i) first.send(i);
      first.close();
    });
    for (std::int64_t i = 0; i < primes; ++i) {
      prime = from.recv().value_or(-1);
      const sluice::channel<std::int64_t> out;
      sluice::go([in = from, out, prime] {
        for (const std::int64_t v : in)
          if (v % prime != 0) out.send(v);
        out.close();
      });
      from = out;
    }
    r.stop();
    r.expect(prime == last && !from.recv(), "the sieve has a hole");
  });
}
BENCHMARK(W13_sieve)->Apply(bench::workers);

}  // namespace
