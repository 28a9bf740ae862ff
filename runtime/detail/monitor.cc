#include <sluice/base/census.h>
#include <sluice/runtime/detail/monitor.h>
#include <sluice/runtime/detail/scheduler.h>
#include <sluice/runtime/detail/thread_backtrace.h>
#include <sluice/runtime/detail/thread_state.h>
#include <sluice/runtime/hog.h>

#include <algorithm>
#include <mutex>
#include <exception>
#include <vector>

namespace sluice::detail {

namespace {

using clock = std::chrono::steady_clock;
using namespace std::chrono_literals;
using lock_guard = std::lock_guard<spinlock>;

constexpr auto first_look = 1ms;
constexpr auto quick_look = 2ms;  // while something waits
constexpr auto longest_look = 4ms;
// A fiber that has not come back for this long holds its worker up, if its thread ran for the lesser time of it, or sleeps.
constexpr auto patience = 2ms;
constexpr auto processor_patience = 1ms;
// A worker that is merely busy looks at its timers itself.
constexpr auto late_timer = 1ms;
constexpr std::size_t most_names = 16;

}  // namespace

monitor::monitor(scheduler& s, unsigned most_spares) : scheduler_(s), most_(most_spares) { bench_.reserve(most_spares + 1); }

// ---- The workers' side

void monitor::rouse() noexcept {
  std::uint32_t before = asleep;
  if (state_.compare_exchange_strong(before, awake, std::memory_order_seq_cst)) futex_wake_one(state_);
}

void monitor::hurry() noexcept {
  if (state_.exchange(hurried, std::memory_order_seq_cst) != hurried) futex_wake_one(state_);
}

void monitor::region_begins(worker& w) noexcept {
  any_held_up_.store(true, std::memory_order_seq_cst);  // what comes from now on is announced by notice_arrival()
  if (w.has_ready() || scheduler_.injected_count_.load(std::memory_order_seq_cst) > 0) hurry();
}

bool monitor::calls_back() noexcept {
  unsigned n = too_many_.load(std::memory_order_relaxed);
  while (n > 0)
    if (too_many_.compare_exchange_weak(n, n - 1, std::memory_order_relaxed)) return true;
  return false;
}

// ---- The spares' side

void monitor::start() { appoint(scheduler_.add_spare()); }

void monitor::appoint(worker& spare) noexcept {
  post_.store(&spare, std::memory_order_release);
  spare.woken_.store(1, std::memory_order_release);
  futex_wake_one(spare.woken_);
}

void monitor::stop() noexcept {
  hurry();
  const lock_guard guard(lock_);
  for (worker* const w : bench_) {
    w->woken_.store(1, std::memory_order_release);
    futex_wake_one(w->woken_);
  }
  bench_.clear();
}

bool monitor::stand_by(worker& spare) noexcept {
  while (spare.woken_.load(std::memory_order_acquire) == 0) futex_wait(spare.woken_, 0, steady_time::max());
  return post_.load(std::memory_order_acquire) == &spare && keep_watch(spare);
}

void monitor::take_back(worker& spare) noexcept {
  spare.at_work_.store(false, std::memory_order_release);
  at_work_.fetch_sub(1, std::memory_order_seq_cst);
  const lock_guard guard(lock_);
  if (scheduler_.stopped_.load(std::memory_order_seq_cst)) return;
  spare.woken_.store(0, std::memory_order_relaxed);
  bench_.push_back(&spare);
}

bool monitor::all_idle() const noexcept {
  return at_work_.load(std::memory_order_seq_cst) == 0 &&
         scheduler_.idle_count_.load(std::memory_order_seq_cst) == scheduler_.worker_count_;
}

bool monitor::keep_watch(worker& self) noexcept {
  auto interval = steady_time::duration(first_look);
  while (!scheduler_.stopped_.load(std::memory_order_seq_cst)) {
    state_.store(awake, std::memory_order_seq_cst);
    census::worker_is_woken();
    const bool was_idle = all_idle();  // if so, look() sees the timers of every spare, and no spare comes back with more
    const steady_time now = clock::now();
    const outlook seen = look(now);
    if (seen.hog != nullptr) {
      const bool relieved = hand_over(self);  // the report may take its time
      report(*seen.hog, now);
      if (relieved) return true;
    } else if (seen.spare_needed && hand_over(self)) {
      return true;
    }
    census::worker_rests();
    interval = seen.something_waits ? quick_look : std::min<steady_time::duration>(interval * 2, longest_look);
    if (scheduler_.stopped_.load(std::memory_order_seq_cst)) break;
    if (!was_idle || !all_idle()) {
      futex_wait(state_, awake, std::min(seen.next_timer, now + interval));
      continue;
    }
    std::uint32_t before = awake;
    if (!state_.compare_exchange_strong(before, asleep, std::memory_order_seq_cst)) continue;
    if (all_idle() && !scheduler_.stopped_.load(std::memory_order_seq_cst)) {
      // It rests until something happens, whatever there is to see of deadlocks meanwhile. stop() hurries.
      while (state_.load(std::memory_order_seq_cst) == asleep && clock::now() < seen.next_timer)
        futex_wait(state_, asleep, std::min(seen.next_timer, census::look_for_deadlock()));
      interval = first_look;
    }
  }
  return false;
}

monitor::outlook monitor::look(steady_time now) noexcept {
  outlook seen;
  unsigned running = 0;
  unsigned running_spares = 0;
  bool waits_behind = scheduler_.injected_count_.load(std::memory_order_seq_cst) > 0;
  bool any_held_up = false;
  const std::size_t made = scheduler_.workers_made();
  for (std::size_t i = 0; i < made; ++i) {
    worker& w = *scheduler_.workers_[i];
    const bool working = !w.spare_ || w.at_work_.load(std::memory_order_acquire);
    const bool held_up = working && is_held_up(w, now);
    const steady_time timer = w.wheel_.next_deadline();
    if (working && !held_up) {
      ++running;
      running_spares += w.spare_;
      seen.something_waits |= w.has_ready();
      if (timer < now - late_timer) worker::fire(w.wheel_, now);
      continue;
    }
    any_held_up |= held_up;
    if (held_up && is_new_hog(w, now)) seen.hog = &w;
    waits_behind |= held_up && w.has_ready();
    if (timer <= now) worker::fire(w.wheel_, now);
    seen.next_timer = std::min(seen.next_timer, w.wheel_.next_deadline());
  }
  any_held_up_.store(any_held_up, std::memory_order_seq_cst);
  waits_behind |= scheduler_.injected_count_.load(std::memory_order_seq_cst) > 0;
  seen.something_waits |= waits_behind;
  const bool idle = scheduler_.idle_count_.load(std::memory_order_seq_cst) > 0;
  if (seen.something_waits && idle && scheduler_.searching_.load(std::memory_order_seq_cst) == 0)
    scheduler_.wake_idle(nullptr);
  seen.spare_needed = waits_behind && !idle && running < scheduler_.worker_count_;
  const unsigned surplus = running > scheduler_.worker_count_ ? running - scheduler_.worker_count_ : 0;
  too_many_.store(std::min(surplus, running_spares), std::memory_order_relaxed);
  return seen;
}

bool monitor::is_held_up(worker& w, steady_time now) noexcept {
  const bool in_fiber = w.running_.load(std::memory_order_relaxed) != nullptr;
  const std::uint64_t switches = w.switches_.load(std::memory_order_relaxed);
  auto& seen = w.watched_;
  if (switches != seen.switches) {
    seen = {switches, now, in_fiber ? processor_time(w.processor_clock_) : 0ns, false};
    w.held_up_.store(false, std::memory_order_relaxed);
  }
  if (!in_fiber) return false;
  if (w.held_up_.load(std::memory_order_relaxed)) return true;
  const auto held_up = [&] {
    if (w.region_.load(std::memory_order_acquire) == switches) return true;
    if (now - seen.since < patience) return false;
    return processor_time(w.processor_clock_) - seen.processor_time >= processor_patience || !is_runnable(w.thread_id_);
  };
  if (!held_up()) return false;
  w.held_up_.store(true, std::memory_order_relaxed);
  if (w.traced_) [[unlikely]]
    w.tell(trace_event::worker_held_up, nullptr);
  return true;
}

bool monitor::is_new_hog(worker& w, steady_time now) const noexcept {
  return scheduler_.on_hog_ != nullptr && !w.watched_.reported && now - w.watched_.since >= scheduler_.hog_limit_ &&
         w.region_.load(std::memory_order_acquire) != w.watched_.switches;
}

void monitor::report(worker& hog, steady_time now) noexcept {
  hog.watched_.reported = true;
  const bool sleeps = !is_runnable(hog.thread_id_.load(std::memory_order_relaxed));
  const running_stack found = stack_of(hog, 5ms);
  // What runs there may have ended meanwhile; what is registered has not.
  fiber::name_text name{};
  bool news = false;
  scheduler_.fibers_.visit([&, which = hog.running_.load(std::memory_order_relaxed)](fiber& f) {
    if (&f != which || hog.switches_.load(std::memory_order_relaxed) != hog.watched_.switches) return;
    name = f.display_name();
    news = !f.known_as_hog_.exchange(true, std::memory_order_relaxed);
  });
  if (!news) return;
  call_handler("the handler on_hog", [&] {
    hog_report words{.fiber = name.text,
                     .kept = std::chrono::duration_cast<std::chrono::milliseconds>(now - hog.watched_.since),
                     .sleeps = sleeps,
                     .stack = {},
                     .pinned_behind = {},
                     .pinned_behind_count = 0};
    if (found.what == running_stack::in_fiber) words.stack.assign(found.calls.frames().begin(), found.calls.frames().end());
    std::vector<fiber::name_text> behind;
    behind.reserve(most_names);
    hog.pinned_.visit([&](const fiber& f) {
      if (!f.pinned()) return;  // always_migrate has sent it there
      if (behind.size() < most_names) behind.push_back(f.display_name());
      ++words.pinned_behind_count;
    });
    for (const fiber::name_text& each : behind) words.pinned_behind.emplace_back(each.text);
    const outside_scheduler users_code;
    (*scheduler_.on_hog_)(words);
  });
}

// False: there is nobody to hand it to.
bool monitor::hand_over(worker& self) noexcept {
  worker* successor = nullptr;
  {
    const lock_guard guard(lock_);
    if (!bench_.empty()) {
      successor = bench_.back();
      bench_.pop_back();
    }
  }
  if (successor == nullptr) {
    if (scheduler_.workers_made() > scheduler_.worker_count_ + most_) return false;
    try {
      successor = &scheduler_.add_spare();
    } catch (const std::exception&) {  // no memory or no thread: as if there were no more spares
      return false;
    }
  }
  appoint(*successor);
  self.at_work_.store(true, std::memory_order_release);
  at_work_.fetch_add(1, std::memory_order_seq_cst);
  return true;
}

}  // namespace sluice::detail
