// torture - everything at once, for as long as you like, and then every value, every fiber and every job is accounted for.
//
//   torture [seconds [seed]]            default: 5 seconds, a seed from the clock; SLUICE_TEST_WORKERS as in the tests
//
// Time goes in eras of about a second. In each, a runtime of its own runs hogs, sleepers, producers, consumers and so on,
// while their futures are cancelled at random and others take the place of those that are gone. At its end some are left
// behind, for the runtime to cancel. Exit status 0: all accounts agree, and memory has not grown.
#include "tests/stress/actors.h"

#include <sluice/runtime/detail/sanitizers.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <unistd.h>

namespace torture {
namespace {

using actor = void (*)(world&, dice);
constexpr actor mortals[] = {producer, producer, consumer, consumer, locker, sleeper, deadliner, scoper, blocker, regional};
constexpr unsigned short_fibers_at_once = sluice::detail::sanitized ? 200 : 5000;

std::size_t memory_in_use() {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages >> pages;
  return pages * 4096;
}

// SLUICE_TEST_WORKERS ("2", or "1,4"), else 1, 2 and 4.
std::vector<unsigned> worker_counts() {
  const char* asked = std::getenv("SLUICE_TEST_WORKERS");
  std::istringstream list(asked != nullptr ? asked : "1,2,4");
  std::vector<unsigned> counts;
  for (std::string item; std::getline(list, item, ',');) counts.push_back(static_cast<unsigned>(std::stoul(item)));
  return counts;
}

std::size_t fibers_alive() {
  const sluice::fiber_stats now = sluice::this_runtime::stats().fibers;
  return now.running + now.ready + now.waiting;
}

void live(world& w, clock::duration how_long) {
  dice r(w.seed);
  const auto any_mortal = [&] {
    const actor does = mortals[r() % std::size(mortals)];
    return start(w.book, [&w, does, d = dice(r())] { does(w, d); });
  };
  std::vector<sluice::future<void>> producers_and_all, consumers, immortals;
  for (int i = 0; i < 2; ++i) {
    immortals.push_back(start(w.book, [&w, d = dice(r())] { hog(w, d); }));
    immortals.push_back(start(w.book, [&w, d = dice(r())] { burst(w, d, short_fibers_at_once); }));
    consumers.push_back(start(w.book, [&w, d = dice(r())] { consumer(w, d); }));
  }
  for (int i = 0; i < 40; ++i) producers_and_all.push_back(any_mortal());
  for (const auto end = clock::now() + how_long; clock::now() < end;) {
    sluice::this_fiber::sleep_for(up_to(r, 2ms));
    auto& victim = producers_and_all[r() % producers_and_all.size()];
    if (victim.cancel()) ++w.book.kills;
    collect(w.book, victim);
    victim = any_mortal();
  }
  w.over = true;
  collect(w.book, immortals);
  // Consumers among them end when the channels do: whoever sends is over by then, or keeps what is refused.
  sluice::this_fiber::sleep_for(10ms);
  for (const auto& c : w.all) c.close();
  collect(w.book, producers_and_all);
  collect(w.book, consumers);
  for (const auto& c : w.all)
    while (auto rest = c.try_recv()) received(*std::move(rest));
  for (const auto& c : w.all) w.book.expect(c.size() == 0);
}

bool era(unsigned workers, std::uint32_t seed, clock::duration how_long, accounts& total) {
  accounts book;
  world w(book, seed);
  sluice::runtime_options options;
  options.workers = workers;
  options.blocking_threads = 8;
  options.blocking_keep_alive = 50ms;
  options.unobserved_error = [&](std::exception_ptr) { ++book.errors_reported; };
  std::vector<sluice::future<void>> left_behind;
  sluice::run(options, [&] {
    live(w, how_long);
    for (int i = 0; i < 20; ++i) left_behind.push_back(start(book, [&w] { w.never.recv(); }));
    for (int i = 0; i < 20; ++i)
      sluice::blocking([never = w.never, mark = ticket(book)]() mutable {
        mark.use();
        never.recv();
      });
    for (int patience = 10'000; patience > 0 && fibers_alive() != left_behind.size() + 1; --patience)
      sluice::this_fiber::sleep_for(1ms);
    book.expect(fibers_alive() == left_behind.size() + 1);
  });
  collect(book, left_behind);
  book.locked_inside += w.under_mutex;
  total.short_fibers += book.short_fibers;
  total.kills += book.kills;
  total.parcels.minted += book.parcels.minted;
  total.jobs.made += book.jobs.made;
  total.hogs += book.hogs;
  total.regions += book.regions;
  return book.agree();
}

// The main thread waits for an era when this comes, so it may look at the fibers and tell.
void on_alarm(int) {
  std::cerr << "torture: hangs\n";
  sluice::dump(std::cerr);
  std::abort();
}

int run(int seconds, std::uint32_t seed) {
  std::cout << "torture: " << seconds << " s, seed " << seed << std::endl;
  std::signal(SIGALRM, on_alarm);
  const auto counts = worker_counts();
  accounts total;
  dice r(seed);
  std::size_t memory_at_first = 0;
  const auto end = clock::now() + std::chrono::seconds(seconds);
  for (int n = 0; n < 3 || clock::now() < end; ++n) {
    const unsigned workers = counts[static_cast<std::size_t>(n) % counts.size()];
    const auto era_seed = static_cast<std::uint32_t>(r());
    alarm(sluice::detail::sanitized ? 300 : 100);
    if (!era(workers, era_seed, 500ms + up_to(r, 1s), total)) {
      std::cerr << "torture: accounts do not agree in era " << n << " with " << workers << " workers; seed " << seed << '\n';
      return 1;
    }
    if (n < 5) memory_at_first = std::max(memory_at_first, memory_in_use());
  }
  alarm(0);
  const std::size_t memory = memory_in_use();
  std::cout << total.short_fibers << " short fibers, " << total.kills << " kills, " << total.parcels.minted << " values, "
            << total.jobs.made << " jobs, " << total.regions << " regions, " << total.hogs << " hogs; "
            << (memory_at_first >> 20) << " MiB at first, " << (memory >> 20) << " MiB in the end\n";
  if (!sluice::detail::sanitized && memory > memory_at_first * 3 / 2 + (32 << 20)) {
    std::cerr << "torture: memory has grown\n";
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace torture

int main(int argc, char** argv) {
  const auto now = static_cast<std::uint32_t>(torture::clock::now().time_since_epoch().count());
  return torture::run(argc > 1 ? std::atoi(argv[1]) : 5,
                      argc > 2 ? static_cast<std::uint32_t>(std::strtoul(argv[2], nullptr, 10)) : now);
}
