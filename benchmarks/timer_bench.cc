// timer_bench.cc - W11: timers that are started and stopped beside many others, and a million fibers that sleep.

#include "benchmarks/bench.h"

#include <atomic>
#include <ctime>
#include <vector>

namespace {

using namespace std::chrono_literals;

// Start a timer and stop it, as a wait does that another event wins, while so many others are running.
void W11_timer_start_stop(benchmark::State& state) {
  const std::int64_t others = state.range(0);
  bench::measure(state, state.range(1), 500'000, [others](bench::run& r) {
    sluice::party& self = sluice::party::current();
    std::vector<sluice::deadline_event> live;
    for (std::int64_t i = 0; i < others; ++i) live.push_back(sluice::after(1h + i * 1ms));
    std::int64_t started = 0;
    self.open();
    for (auto& timer : live) started += timer.arm(self, 1);
    r.start();
    for (std::int64_t i = 0; i < r.count(); ++i) {
      auto timer = sluice::after(1s);
      started += timer.arm(self, 0);
      timer.disarm();
    }
    r.stop();
    for (auto& timer : live) timer.disarm();
    r.expect(started == others + r.count(), "a timer did not start");
  });
}
BENCHMARK(W11_timer_start_stop)->Apply([](auto* b) { bench::workers_and<0, 100'000>(b, "live"); });
BENCHMARK(W11_timer_start_stop)->Name("growth_timer_start_stop")->Apply([](auto* b) {
  bench::workers_and<0, 10, 100, 1'000, 10'000, 100'000, 1'000'000>(b, "live");
});

// A million fibers that sleep between half a second and one and a half. Reported is the processor time of the whole process
// for each of them, from its start to its end.
void W11_sleepers(benchmark::State& state) {
  bench::measure(state, state.range(0), 1'000'000, [](bench::run& r) {
    std::vector<sluice::future<void>> sleepers(static_cast<std::size_t>(r.count()));
    std::atomic<std::int64_t> in_time{0};
    auto pause = 500ms + 0us;
    const std::clock_t before = std::clock();
    for (auto& one : sleepers) {
      one = sluice::go([&in_time, pause] {
        const auto due = std::chrono::steady_clock::now() + pause;
        sluice::this_fiber::sleep_until(due);
        in_time += std::chrono::steady_clock::now() >= due;
      });
      pause += 1us;
    }
    sluice::wait_all(sleepers);
    static_assert(CLOCKS_PER_SEC == 1'000'000);
    const std::chrono::nanoseconds used = std::chrono::microseconds(std::clock() - before);
    r.report(used / r.count());
    r.expect(in_time == r.count(), "a fiber did not sleep long enough");
  });
}
BENCHMARK(W11_sleepers)->Apply(bench::workers);

}  // namespace
