// mutex_bench.cc - a lock that is free, and one that many want, beside std::mutex; an operation is a lock and an unlock.

#include "benchmarks/bench.h"

#include <mutex>
#include <thread>
#include <vector>

namespace {

// A second thread, so that std::mutex may not leave out what a single one does not need.
void many_threads() {
  static std::jthread other([](std::stop_token stop) {
    while (!stop.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  });
}

template <class Mutex>
struct guarded {
  void count(std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) {
      const std::scoped_lock held(m);
      ++value;
    }
  }
  Mutex m;
  std::int64_t value = 0;
};

template <class Mutex>
void mutex_free(benchmark::State& state) {
  many_threads();
  bench::measure(state, state.range(0), 1'000'000, [](bench::run& r) {
    guarded<Mutex> g;
    r.start();
    g.count(r.count());
    r.stop();
    r.expect(g.value == r.count(), "not exclusive");
  });
}
BENCHMARK(mutex_free<std::mutex>)->Apply(bench::workers);
BENCHMARK(mutex_free<sluice::mutex>)->Apply(bench::workers);

template <class Mutex>
void mutex_fibers(benchmark::State& state) {
  bench::measure(state, state.range(1), 400'000, [parties = state.range(0)](bench::run& r) {
    guarded<Mutex> g;
    std::vector<sluice::future<void>> fibers;
    r.start();
    for (std::int64_t k = 0; k < parties; ++k) fibers.push_back(sluice::go([&] { g.count(r.count() / parties); }));
    for (auto& f : fibers) f.get();
    r.stop();
    r.expect(g.value == r.count(), "not exclusive");
  });
}
BENCHMARK(mutex_fibers<std::mutex>)->Apply([](auto* b) { bench::workers_and<2, 8>(b, "fibers"); });
BENCHMARK(mutex_fibers<sluice::mutex>)->Apply([](auto* b) { bench::workers_and<2, 8>(b, "fibers"); });

template <class Mutex>
void mutex_threads(benchmark::State& state) {
  bench::measure(state, state.range(1), 400'000, [parties = state.range(0)](bench::run& r) {
    guarded<Mutex> g;
    std::vector<std::thread> threads;
    r.start();
    for (std::int64_t k = 0; k < parties; ++k) threads.emplace_back([&] { g.count(r.count() / parties); });
    for (auto& t : threads) t.join();
    r.stop();
    r.expect(g.value == r.count(), "not exclusive");
  });
}
BENCHMARK(mutex_threads<std::mutex>)->Apply([](auto* b) { bench::workers_and<2, 8>(b, "threads"); });
BENCHMARK(mutex_threads<sluice::mutex>)->Apply([](auto* b) { bench::workers_and<2, 8>(b, "threads"); });

}  // namespace
