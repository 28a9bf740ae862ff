// Fibers alone: yield, start, join, and a ring of many.

#include "peer.h"

#include <array>

namespace peer {
namespace {

// Two fibers yield in turn; an operation is one yield.
void yield(run& r) {
  const auto take_turns = [turns = r.count() / 2](std::int64_t& n) {
    for (; n < turns; ++n) boost::this_fiber::yield();
  };
  std::int64_t mine = 0, theirs = 0;
  r.start();
  auto other = go([&] { take_turns(theirs); });
  take_turns(mine);
  other.join();
  r.stop();
  expect(mine + theirs == r.count(), "a yield is missing");
}

// A thousand trivial fibers at a time, then wait for all.
void spawn_join(run& r) {
  constexpr std::int64_t together = 1000;
  std::array<std::int64_t, together> results{};
  std::vector<fibers::fiber> all;
  all.reserve(together);
  std::int64_t sum = 0;
  r.start();
  for (std::int64_t round = 0; round < r.count() / together; ++round) {
    for (std::int64_t i = 0; i < together; ++i)
      all.push_back(go([&result = results[static_cast<std::size_t>(i)], v = i + round] { result = v; }));
    join(all);
    all.clear();
    for (const std::int64_t v : results) sum += v - round;
  }
  r.stop();
  expect(sum == r.count() / together * (together * (together - 1) / 2), "a fiber did not run");
}

// Start one, take its result.
void spawn_one(run& r) {
  std::int64_t sum = 0;
  r.start();
  for (std::int64_t i = 0; i < r.count(); ++i) {
    std::int64_t result = 0;
    go([&result, i] { result = i; }).join();
    sum += result;
  }
  r.stop();
  expect(sum == r.count() * (r.count() - 1) / 2, "a result is missing");
}

// A token round a thousand fibers, this one included; an operation is one hop.
void ring(run& r) {
  constexpr std::size_t size = 1000;
  channels<rendezvous> between;
  for (std::size_t i = 0; i < size; ++i) between.push_back(std::make_unique<rendezvous>());
  std::vector<fibers::fiber> others;
  for (std::size_t i = 1; i < size; ++i)
    others.push_back(go([&from = *between[i - 1], &to = *between[i]] {
      for (std::int64_t token = 0; receive(from, token);) to.push(token + 1);
      to.close();
    }));
  std::int64_t token = 0;
  r.start();
  for (std::int64_t round = 0; round < r.count() / static_cast<std::int64_t>(size); ++round) {
    between.front()->push(token + 1);
    between.back()->pop(token);
  }
  r.stop();
  between.front()->close();
  join(others);
  expect(token == r.count(), "the token missed a hop");
}

}  // namespace

const std::vector<workload> fiber_workloads{
    {"W1_yield", 200'000, yield},
    {"W2_spawn_join", 100'000, spawn_join},
    {"W2b_spawn_one", 50'000, spawn_one},
    {"W4_ring", 100'000, ring},
};

}  // namespace peer
