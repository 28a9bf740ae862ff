// A million sleepers, and short work that becomes due while fibers compute that never yield.

#include "peer.h"

#include <algorithm>
#include <array>
#include <atomic>

namespace peer {
namespace {

// Each sleeps a microsecond longer than the one before, between half a second and one and a half. The value is processor
// time.
void sleepers(run& r) {
  std::vector<fibers::fiber> all(static_cast<std::size_t>(r.count()));
  std::atomic<std::int64_t> in_time{0};
  auto pause = 500ms + 0us;
  const nanoseconds before = used();
  for (auto& one : all) {
    one = go([&in_time, pause] {
      const auto due = clock::now() + pause;
      boost::this_fiber::sleep_until(due);
      in_time += clock::now() >= due;
    });
    pause += 1us;
  }
  join(all);
  r.report((used() - before) / r.count());
  expect(in_time == r.count(), "a fiber did not sleep long enough");
}

void burn(nanoseconds time) {
  for (const auto end = clock::now() + time; clock::now() < end;) {}
}

// Three fibers burn 1.2 s each. Twenty others become due 20 ms after that has begun, each with 50 us of work: how long after
// they are due they are through with it, in order.
std::array<nanoseconds, 20> fast_behind_slow() {
  std::array<nanoseconds, 20> late{};
  std::vector<fibers::fiber> all;
  std::atomic<std::size_t> begun{0};
  const auto due = clock::now() + 20ms;
  for (auto& l : late)
    all.push_back(go([&, due] {
      ++begun;
      boost::this_fiber::sleep_until(due);
      burn(50us);
      l = clock::now() - due;
    }));
  while (begun < late.size()) boost::this_fiber::yield();
  for (int i = 0; i < 3; ++i) all.push_back(go([] { burn(1200ms); }));
  join(all);
  std::sort(late.begin(), late.end());
  expect(late.front() >= 50us, "a fiber did not run");
  return late;
}

void longest(run& r) { r.report(fast_behind_slow().back()); }
void median(run& r) { r.report(fast_behind_slow()[10]); }

}  // namespace

const std::vector<workload> timer_workloads{
    {"W11_sleepers", 1'000'000, sleepers, true},
    {"W14_fast_behind_slow_longest", 1, longest, true},
    {"W14_fast_behind_slow_median", 1, median, true},
};

}  // namespace peer
