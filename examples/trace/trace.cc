// trace - where the time of each fiber went: it ran, it was ready and had to wait for a worker, it waited for something
// else.
//
// A baker and two customers share a shelf with room for two loaves. The runtime's figures and the shelf's are looked at in
// the middle; the times come from a hook that writes down what the scheduler does, and are added up when all is over.
#include <sluice/sluice.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <string>

using namespace std::chrono_literals;
using namespace sluice;

namespace {

using clock = std::chrono::steady_clock;

// What the hook writes: into memory that is there already, without a lock.
class notebook {
 public:
  struct note {
    clock::time_point when;
    trace_event::kind what;
    std::uint64_t fiber;
    std::array<char, 16> name;
  };

  trace_hook hook() { return {&write, this}; }
  const note* begin() const { return notes_.get(); }
  const note* end() const { return begin() + std::min(next_.load(), size); }

 private:
  static constexpr std::size_t size = 100'000;

  static void write(void* context, const trace_event& e) noexcept {
    auto& self = *static_cast<notebook*>(context);
    const std::size_t i = self.next_++;
    if (i >= size) return;
    note& n = self.notes_[i];
    n = {clock::now(), e.what, e.fiber, {}};
    std::snprintf(n.name.data(), n.name.size(), "%s", e.name);
  }

  std::unique_ptr<note[]> notes_ = std::make_unique<note[]>(size);
  std::atomic<std::size_t> next_{0};
};

struct life {
  std::string name;
  clock::duration ran{}, ready{}, waited{};
  int waits = 0;
  clock::duration* goes_to = nullptr;  // the time from `since` on
  clock::time_point since;
};

std::map<std::uint64_t, life> lives(const notebook& all) {
  std::map<std::uint64_t, life> found;
  for (const auto& n : all) {
    if (n.fiber == 0 || n.what == trace_event::stolen) continue;  // of workers; or it stays ready
    life& l = found[n.fiber];
    if (l.goes_to != nullptr) *l.goes_to += n.when - l.since;
    l.since = n.when;
    l.name = n.name.data();
    if (n.what == trace_event::parked) ++l.waits;
    l.goes_to = n.what == trace_event::began || n.what == trace_event::resumed ? &l.ran
                : n.what == trace_event::parked                                ? &l.waited
                : n.what == trace_event::ended                                 ? nullptr
                                                                               : &l.ready;
  }
  return found;
}

void work_for(std::chrono::milliseconds d) {
  for (const auto end = clock::now() + d; clock::now() < end;) {}
}

void a_day_at_the_baker() {
  const channel<int> shelf(2, "shelf");
  auto baker = go(launch{.name = "baker"}, [=] {
    for (int loaf = 1; loaf <= 12; ++loaf) {
      work_for(1ms);
      shelf.send(loaf);
    }
    shelf.close();
  });
  for (const char* name : {"quick", "slow"})
    go(launch{.name = name}, [=, time = name[0] == 'q' ? 1ms : 8ms] {
      for ([[maybe_unused]] const int loaf : shelf) this_fiber::sleep_for(time);
    });
  this_fiber::sleep_for(8ms);
  const runtime_stats now = this_runtime::stats();
  std::printf("fibers: %llu spawned, %zu running, %zu ready, %zu waiting; %zu timers\n",
              static_cast<unsigned long long>(now.fibers.spawned), now.fibers.running, now.fibers.ready, now.fibers.waiting,
              now.timers);
  for (const auto& c : named_channels())
    std::printf("%s %s: %zu of %zu, %zu wait to receive, %zu to send\n", c.kind, c.name.c_str(), c.figures.buffered,
                c.figures.capacity, c.figures.waiting_receivers, c.figures.waiting_senders);
  baker.get();
}

double milliseconds(clock::duration d) { return std::chrono::duration<double, std::milli>(d).count(); }

}  // namespace

int main() {
  notebook all;
  run({.workers = 1, .trace = all.hook()}, a_day_at_the_baker);
  std::printf("%-8s %8s %8s %8s %6s\n", "fiber", "ran ms", "ready", "waited", "waits");
  for (const auto& [number, l] : lives(all))
    std::printf("%-8s %8.2f %8.2f %8.2f %6d\n", l.name.c_str(), milliseconds(l.ran), milliseconds(l.ready),
                milliseconds(l.waited), l.waits);
}
