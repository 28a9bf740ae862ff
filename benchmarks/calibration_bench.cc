// calibration_bench.cc - what this machine does with what our operations are made of; nothing of the library is in it.
//
// guard.py compares the other benchmarks with it, so that what it says holds on any machine. An operation is a step along a
// chain of small objects that fill a part of the second-level cache: a locked exchange on the object, a jump to where its
// pointer says, a few reads and writes that hit the cache, and a store that releases it.

#include <benchmark/benchmark.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

struct alignas(64) link {
  std::atomic<bool> taken{false};
  void (*act)(link&) = nullptr;
  link* next = nullptr;
  std::uint64_t value = 1;
};

void add(link& l) { l.value += l.next->value; }
void mix(link& l) { l.value ^= l.value << 13 ^ l.next->value >> 7; }
void swap_values(link& l) { std::swap(l.value, l.next->value); }
void count(link& l) { ++l.value; }

// In an order that the hardware cannot fetch ahead by counting, the same in each run.
std::vector<link> make_chain(std::size_t size) {
  constexpr std::array actions{add, mix, swap_values, count};
  std::vector<link> chain(size);
  for (std::size_t i = 0; i < size; ++i) {
    chain[i].act = actions[i * 7 % 11 % actions.size()];
    chain[i * 389 % size].next = &chain[(i + 1) * 389 % size];
  }
  return chain;
}

void calibration(benchmark::State& state) {
  auto chain = make_chain(1000);
  link* at = &chain.front();
  for (auto _ : state) {
    while (at->taken.exchange(true, std::memory_order_acquire)) {}
    at->act(*at);
    at->taken.store(false, std::memory_order_release);
    at = at->next;
  }
  benchmark::DoNotOptimize(at->value);
}
BENCHMARK(calibration)->UseRealTime();

}  // namespace
