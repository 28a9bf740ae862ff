// What a runtime takes from the machine when there is nothing to do, and what more workers than processors cost. Both are
// measured as the processor time of a child process, which other programs hardly change.
#include "tests/support/child.h"
#include "tests/support/harness.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <sched.h>
#include <string>
#include <sys/resource.h>
#include <thread>

using namespace std::chrono_literals;

namespace {

double cpu_milliseconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) * 1e-6;
}
long voluntary_switches() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  return use.ru_nvcsw;
}

sluice::task<> waits_for(sluice::channel<int> c) { co_await recv(c); }

// Whatever can wait waits, after all workers had something to do and one was watched.
int idles_for_a_while(unsigned workers) {
  sluice::runtime rt(test::with_workers(workers));
  const sluice::channel<int> quiet;
  std::vector<sluice::future<void>> parked;
  for (int i = 0; i < 100; ++i) parked.push_back(rt.go([=] { quiet.recv(); }));
  parked.push_back(rt.go(sluice::launch{.pinned = true}, [=] { quiet.recv(); }));
  parked.push_back(rt.go([] { sluice::this_fiber::sleep_for(1h); }));
  parked.push_back(rt.spawn(waits_for(quiet)));
  rt.go([] {
      auto left_behind = sluice::go([] {});
      for (const double end = cpu_milliseconds() + 30; cpu_milliseconds() < end;) {}
      left_behind.get();
    }).get();
  if (!test::eventually([&] { return rt.stats().parked_workers == workers; })) {
    std::fprintf(stderr, "not all workers went to sleep\n");
    return 1;
  }
  const double cpu = cpu_milliseconds();
  const long switches = voluntary_switches();
  std::this_thread::sleep_for(3s);
  const double used = cpu_milliseconds() - cpu;
  const long times = voluntary_switches() - switches;
  std::fprintf(stderr, "%u workers, idle for 3 s: %.2f ms of processor time, woken %ld times\n", workers, used, times);
  for (auto& f : parked) f.cancel();
  return used < (test::sanitized ? 300 : 10) && (test::sanitized || times < 50) ? 0 : 1;
}

void ping_pong(int n) {
  const sluice::channel<int> to, back;
  auto other = sluice::go([=] {
    for (const int v : to) back.send(v);
  });
  for (int i = 0; i < n; ++i) {
    to.send(i);
    back.recv();
  }
  to.close();
  other.get();
}

void many_to_many(int n) {
  const sluice::channel<int> c(64);
  std::vector<sluice::future<void>> senders, receivers;
  for (int k = 0; k < 4; ++k) {
    senders.push_back(sluice::go([=] {
      for (int i = 0; i < n; ++i) c.send(i);
    }));
    receivers.push_back(sluice::go([=] {
      for (const int v : c) static_cast<void>(v);
    }));
  }
  test::join(senders);
  c.close();
  test::join(receivers);
}

void spawn_and_join(int n) {
  for (int round = 0; round < n / 100; ++round) {
    std::vector<sluice::future<void>> all;
    for (int i = 0; i < 100; ++i) all.push_back(sluice::go([] {}));
    test::join(all);
  }
}

double cost_of(unsigned workers, void (*work)(int), int n) {
  return sluice::run(test::with_workers(workers), [=] {
    work(n / 10);  // warm
    const double begin = cpu_milliseconds();
    work(n);
    return cpu_milliseconds() - begin;
  });
}

int shares_one_processor(unsigned workers) {
  cpu_set_t mine, one;
  CPU_ZERO(&one);
  sched_getaffinity(0, sizeof mine, &mine);
  for (int i = 0; CPU_COUNT(&one) == 0; ++i)
    if (CPU_ISSET(i, &mine)) CPU_SET(i, &one);
  if (sched_setaffinity(0, sizeof one, &one) != 0) return 0;
  const struct {
    const char* name;
    void (*work)(int);
    int n;
  } workloads[] = {
      {"ping-pong", ping_pong, 50'000}, {"many to many", many_to_many, 50'000}, {"spawn", spawn_and_join, 50'000}};
  int result = 0;
  for (const auto& w : workloads) {
    std::vector<double> ratios;
    for (int i = 0; i < 7; ++i) {
      const double alone = cost_of(1, w.work, w.n);
      ratios.push_back(cost_of(workers, w.work, w.n) / alone);
    }
    std::ranges::sort(ratios);
    std::fprintf(stderr, "%u workers on one processor, %s: %.2f times the cost of one worker (%.2f to %.2f)\n", workers,
                 w.name, ratios[3], ratios.front(), ratios.back());
    if (ratios[3] > 2) result = 1;
  }
  return result;
}

void succeeds(const std::string& program) {
  for (const unsigned n : test::worker_counts()) {
    const auto child = test::start_child(program + std::to_string(n));
    MESSAGE(child.error_output);
    CHECK(child.status == 0);
  }
}

}  // namespace

CHILD_PROGRAM(idles_with_1) { return idles_for_a_while(1); }
CHILD_PROGRAM(idles_with_2) { return idles_for_a_while(2); }
CHILD_PROGRAM(idles_with_4) { return idles_for_a_while(4); }
CHILD_PROGRAM(shares_with_1) { return shares_one_processor(1); }
CHILD_PROGRAM(shares_with_2) { return shares_one_processor(2); }
CHILD_PROGRAM(shares_with_4) { return shares_one_processor(4); }

TEST_CASE("an idle process uses no processor time") { succeeds("idles_with_"); }

TEST_CASE("several workers on one processor cost a small factor more than one") {
  if (test::sanitized) return;
  succeeds("shares_with_");
}
