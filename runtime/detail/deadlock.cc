#include <sluice/base/census.h>
#include <sluice/base/spinlock.h>
#include <sluice/base/thread_count.h>
#include <sluice/base/tsan.h>
#include <sluice/runtime/detail/deadlock.h>
#include <sluice/runtime/detail/inspection.h>
#include <sluice/runtime/detail/quiet_signals.h>
#include <sluice/runtime/detail/scheduler.h>
#include <sluice/runtime/detail/scheduler_list.h>

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <sstream>
#include <thread>
#include <utility>
#include <vector>

namespace sluice::detail {

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using guard = std::lock_guard<spinlock>;

// A thread that we do not know may end: from time to time somebody looks, each time after a longer pause.
constexpr steady_time::duration first_pause = 10ms;
constexpr int pause_growth = 8;

constexpr int default_status = 2;  // as in runtime_options

// TSan has a thread of its own, at times: who counts threads cannot tell it from the user's.
#if defined(SLUICE_TSAN)
constexpr bool can_count = false;
#else
constexpr bool can_count = true;
#endif

struct {
  spinlock lock;
  std::uint64_t word = 0;  // of the census, when somebody looked last in vain, or reported
  steady_time::duration pause{};
  bool told = false;
} constinit last_look;

std::atomic<std::uint32_t> handlers_running{0};
thread_local bool runs_handlers = false;
// Not inline: see tools/tls_check.py.
[[gnu::noinline]] void set_runs_handlers(bool yes) noexcept { runs_handlers = yes; }

std::atomic<pid_t> counted{0};  // the process that the census is about

// 0: not known, or not what the census counts.
std::uint64_t threads_of_this_process() noexcept {
  if (getpid() != counted.load(std::memory_order_relaxed)) return 0;
  return thread_count();
}

// When to look again at a census that does not add up.
steady_time look_again(census::count seen) noexcept {
  const guard g(last_look.lock);
  const bool same = std::exchange(last_look.word, seen.word) == seen.word;
  last_look.pause = same && last_look.pause != last_look.pause.zero() ? last_look.pause * pause_growth : first_pause;
  return clock::now() + last_look.pause;
}

bool first_to_tell(census::count seen) noexcept {
  const guard g(last_look.lock);
  const bool told = std::exchange(last_look.told, true) && last_look.word == seen.word;
  last_look.word = seen.word;
  return !told;
}

}  // namespace

// A friend of the scheduler's.
class deadlock_watch {
 public:
  static steady_time look() noexcept;
  static bool stays_so(census::count seen) noexcept;
  static void report(const char* ending) noexcept;

 private:
  struct findings {
    deadlock_report words;
    std::vector<std::shared_ptr<const deadlock_handler>> handlers;
    int exit_status = default_status;
  };
  static findings collect();
  static void tell(const findings& found);
};

steady_time deadlock_watch::look() noexcept {
  const census::count seen = census::now();
  if (seen.any_worker_awake()) return steady_time::max();  // it looks when it rests
  if (threads_of_this_process() != seen.at_rest()) return look_again(seen);
  if (stays_so(seen)) report(nullptr);
  return steady_time::max();
}

bool deadlock_watch::stays_so(census::count seen) noexcept {
  bool any_work = false;
  for (scheduler* s = visit_first_scheduler(); s != nullptr; s = visit_next_scheduler(*s)) any_work |= s->has_work();
  return !any_work && census::now() == seen && first_to_tell(seen);
}

void deadlock_watch::report(const char* ending) noexcept {
  handlers_running.fetch_add(1, std::memory_order_relaxed);
  const auto collect_and_tell = [ending] {
    set_runs_handlers(true);
    findings found = collect();
    if (ending != nullptr)
      found.words.parties.push_back({.what = waiting_party::kind::thread, .name = ending, .waits_for = {"the end of all"}});
    if (!found.words.parties.empty()) tell(found);
    set_runs_handlers(false);
    handlers_running.fetch_sub(1, std::memory_order_release);
    handlers_running.notify_all();
  };
  try {
    const quiet_signals inherited;
    std::thread(collect_and_tell).detach();
  } catch (const std::exception&) {
    collect_and_tell();
  }
}

deadlock_watch::findings deadlock_watch::collect() {
  findings found;
  inspection all;
  all.add_threads();
  for (scheduler* s = visit_first_scheduler(); s != nullptr; s = visit_next_scheduler(*s)) {
    all.add_quiet(*s);
    if (s->on_deadlock_) found.handlers.push_back(s->on_deadlock_);
    if (found.exit_status == default_status) found.exit_status = s->deadlock_exit_status_;
  }
  found.words.parties = all.all();
  return found;
}

void deadlock_watch::tell(const findings& found) {
  for (const auto& handler : found.handlers) call_handler("the handler on_deadlock", [&] { (*handler)(found.words); });
  if (!found.handlers.empty()) return;
  std::ostringstream text;
  text << found.words;
  std::fputs(text.str().c_str(), stderr);
  std::fflush(nullptr);
  std::_Exit(found.exit_status);
}

void watch_for_deadlocks() noexcept {
  pid_t nobody = 0;
  counted.compare_exchange_strong(nobody, getpid(), std::memory_order_relaxed);
  if (can_count) census::set_look(&deadlock_watch::look);
}

void watch_for_deadlocks_anew() noexcept {
  counted.store(getpid(), std::memory_order_relaxed);
  census::begin_anew();
  last_look.lock.unlock();  // a thread of the parent may have had it
  last_look.word = 0;
  last_look.pause = {};
  last_look.told = false;
  handlers_running.store(0, std::memory_order_relaxed);
}

// The calling thread does not rest, but does nothing more than one that does.
void look_for_deadlock_while_ending() noexcept {
  const census::count seen = census::now();
  if (!can_count || seen.any_worker_awake() || threads_of_this_process() != seen.at_rest() + 1) return;
  if (deadlock_watch::stays_so(seen)) deadlock_watch::report("the thread that ends the runtime");
}

[[gnu::noinline]] void await_deadlock_handlers() noexcept {
  if (runs_handlers) return;
  for (std::uint32_t n; (n = handlers_running.load(std::memory_order_acquire)) != 0;) handlers_running.wait(n);
}

}  // namespace sluice::detail
