// A million fibers that all wait in one channel until it is closed.

#include "peer.h"

#include <unistd.h>

#include <atomic>
#include <fstream>

namespace peer {
namespace {

constexpr std::int64_t million = 1'000'000;

std::int64_t resident_bytes() {
  std::int64_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

struct times {
  run spawning{million};   // until all of them wait
  run waking{million};     // until all have ended
  std::int64_t bytes = 0;  // resident, for each
};

times crowd() {
  times t;
  rendezvous gate;
  std::atomic<std::int64_t> begun{0};
  const std::int64_t before = resident_bytes();
  t.spawning.start();
  std::vector<fibers::fiber> all(million);
  for (auto& one : all)
    one = go([&] {
      begun.fetch_add(1, std::memory_order_relaxed);
      std::int64_t none = 0;
      gate.pop(none);
    });
  while (begun.load(std::memory_order_relaxed) < million) boost::this_fiber::yield();
  t.spawning.stop();
  t.bytes = (resident_bytes() - before) / million;
  t.waking.start();
  gate.close();
  join(all);
  t.waking.stop();
  return t;
}

void spawn_cold(run& r) { r.report(crowd().spawning.elapsed() / million); }
void bytes(run& r) { r.report(nanoseconds(crowd().bytes)); }

// Warm: as many have been there and gone.
times crowd_again() {
  crowd();
  return crowd();
}
void spawn_warm(run& r) { r.report(crowd_again().spawning.elapsed() / million); }
void wake(run& r) { r.report(crowd_again().waking.elapsed() / million); }

}  // namespace

const std::vector<workload> many_workloads{
    {"W10_many_spawn_cold", million, spawn_cold, true},
    {"W10_many_spawn_warm", million, spawn_warm, true},
    {"W10_many_wake", million, wake, true},
    {"W10_many_bytes", million, bytes, true},
};

}  // namespace peer
