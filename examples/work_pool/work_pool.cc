// work_pool - many jobs, a few at a time, until all are done or one of them has found what was looked for.
//
//   work_pool AT_ONCE JOBS [FOUND_BY]
#include <sluice/sluice.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <stop_token>

using namespace std::chrono_literals;
using namespace sluice;

namespace {

// What the jobs have in common.
struct statistics {
  sluice::mutex m;
  int running = 0, most = 0, done = 0;
};

void job(statistics& s) {
  {
    const std::scoped_lock held(s.m);
    s.most = std::max(s.most, ++s.running);
  }
  this_fiber::sleep_for(1ms);  // where the work would be
  const std::scoped_lock held(s.m);
  --s.running;
  ++s.done;
}

// Starts a job for each free slot; the slot goes with the job. Returns how many it has started.
int start(int jobs, int found_by, semaphore& slots, wait_group& pending, statistics& s) {
  std::stop_source found;
  auto enough = stopped(found.get_token());
  for (int i = 0; i < jobs; ++i) {
    auto slot = acquire(slots);
    if (select_in_order(enough, slot) == enough) return i;
    pending.add();
    go([&pending, &s, found, last = i == found_by, mine = slot.take()]() mutable {
      job(s);
      if (last) found.request_stop();
      mine.release();
      pending.done();  // nothing of this is touched after that
    });
  }
  return jobs;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3 || std::atoi(argv[1]) < 1) {
    std::fprintf(stderr, "usage: work_pool AT_ONCE JOBS [FOUND_BY]\n");
    return 2;
  }
  run([&] {
    semaphore slots(static_cast<std::size_t>(std::atoi(argv[1])));
    wait_group pending;
    statistics s;
    const int started = start(std::atoi(argv[2]), argc > 3 ? std::atoi(argv[3]) : -1, slots, pending, s);

    auto all = idle(pending);
    auto tick = every(100ms);
    while (select_in_order(all, tick) == tick) {
      tick.take();
      auto mine = lock(s.m);  // a look at the figures, if they can be had at once
      if (try_select(mine)) {
        const auto held = mine.take();
        std::fprintf(stderr, "%d running, %d done\n", s.running, s.done);
      }
    }
    std::printf("started %d, done %d, at most %d at once\n", started, s.done, s.most);
  });
}
