// growth_bench.cc - does an operation cost the same when there is more of everything? (The other growth_* cases are beside
// the workloads that they repeat: sets in select_set_bench, timers in timer_bench, waking in many_bench.)

#include "benchmarks/bench.h"
#include "benchmarks/messages.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <vector>

namespace {

using bench::channel;
using fibers = std::vector<sluice::future<std::int64_t>>;

// From one of many to another far away, all of them in turn: coprime to their number.
constexpr std::size_t stride = 7919;

std::int64_t sum_of(fibers& all) {
  std::int64_t sum = 0;
  for (auto& one : all) sum += one.get();
  return sum;
}

void crowds(benchmark::internal::Benchmark* b, const char* name) {
  bench::workers_and<10, 100, 1'000, 10'000, 100'000, 1'000'000>(b, name);
}

// What memory alone costs, to hold against the others: one line, where the top of a stack would be, of so many stacks in
// turn; each says where the next one is. (A switch touches some ten lines of a fiber.)
void growth_memory(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  constexpr std::size_t stack = 80 * 1024, line = 64, colours = 16;  // with its guard
  const std::size_t size = n * stack;
  void* const memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return state.SkipWithError("no memory");
  madvise(memory, size, MADV_NOHUGEPAGE);
  const auto top = [&](std::size_t i) {
    i %= n;
    return reinterpret_cast<void**>(static_cast<char*>(memory) + i * stack + i % colours * line);
  };
  for (std::size_t i = 0; i < n; ++i) *top(i) = top(i + stride);
  bench::measure(state, state.range(1), 2'000'000, [&](bench::run& r) {
    void** at = top(0);
    r.start();
    for (std::int64_t i = 0; i < r.count(); ++i) at = static_cast<void**>(*at);
    r.stop();
    r.expect(at == top(static_cast<std::size_t>(r.count()) * stride), "lost its way");
  });
  munmap(memory, size);
}
BENCHMARK(growth_memory)->Apply([](auto* b) { crowds(b, "stacks"); });

// So many fibers yield in turn; an operation is one yield.
void growth_yield(benchmark::State& state) {
  const std::int64_t n = state.range(0);
  bench::measure(state, state.range(1), std::max<std::int64_t>(200'000, 10 * n), [n](bench::run& r) {
    std::atomic<std::int64_t> begun{0};
    std::atomic<bool> running{false};
    fibers all(static_cast<std::size_t>(n));
    for (auto& one : all)
      one = sluice::go([&, turns = r.count() / n] {
        ++begun;
        while (!running) sluice::this_fiber::yield();
        std::int64_t yields = 0;
        for (; yields < turns; ++yields) sluice::this_fiber::yield();
        return yields;
      });
    while (begun < n) sluice::this_fiber::yield();
    r.start();
    running = true;
    const std::int64_t yields = sum_of(all);
    r.stop();
    r.expect(yields == r.count(), "a yield is missing");
  });
}
BENCHMARK(growth_yield)->Apply([](auto* b) { bench::workers_and<10, 100, 1'000, 10'000, 100'000, 1'000'000>(b, "fibers"); });

void waiters(benchmark::internal::Benchmark* b) { bench::workers_and<1, 10, 100, 1'000, 10'000, 100'000>(b, "waiters"); }

// So many fibers wait for a value; one sends to the first of them, which then goes to the end of the line.
void growth_waiters_send(benchmark::State& state) {
  const std::int64_t n = state.range(0);
  bench::measure(state, state.range(1), 200'000, [n](bench::run& r) {
    const channel c;
    std::atomic<std::int64_t> begun{0};
    fibers all;
    for (std::int64_t i = 0; i < n; ++i)
      all.push_back(sluice::go([&] {
        ++begun;
        return bench::drain(c).sum;
      }));
    while (begun < n) sluice::this_fiber::yield();
    r.start();
    for (std::int64_t i = 0; i < r.count(); ++i) c.send(i);
    r.stop();
    c.close();
    r.expect(sum_of(all) == r.count() * (r.count() - 1) / 2, "a message is lost");
  });
}
BENCHMARK(growth_waiters_send)->Apply(waiters);

// So many fibers wait for a silent channel or for one of their own; an operation calls one of them away, from anywhere in
// the silent channel's line, to whose end it returns.
void growth_waiters_withdraw(benchmark::State& state) {
  const std::int64_t n = state.range(0);
  bench::measure(state, state.range(1), 200'000, [n](bench::run& r) {
    const channel silent;
    const auto calls = bench::make_channels(static_cast<std::size_t>(n), 0);
    std::atomic<std::int64_t> begun{0};
    fibers all;
    for (const channel& own : calls)
      all.push_back(sluice::go([&] {
        ++begun;
        std::int64_t sum = 0;
        auto never = sluice::recv(silent);
        auto call = sluice::recv(own);
        while (sluice::select(never, call) == call) {
          const auto v = call.take();
          if (!v) break;
          sum += *v;
        }
        return sum;
      }));
    while (begun < n) sluice::this_fiber::yield();
    r.start();
    for (std::int64_t i = 0; i < r.count(); ++i) calls[static_cast<std::size_t>(i) * stride % calls.size()].send(i);
    r.stop();
    for (const channel& own : calls) own.close();
    r.expect(sum_of(all) == r.count() * (r.count() - 1) / 2, "a message is lost");
  });
}
BENCHMARK(growth_waiters_withdraw)->Apply(waiters);

}  // namespace
