#include <sluice/base/census.h>
#include <sluice/base/contention.h>
#include <sluice/base/cycles.h>
#include <sluice/futures/cancelled.h>
#include <sluice/runtime/detail/quiet_signals.h>
#include <sluice/runtime/detail/scheduler.h>
#include <sluice/runtime/detail/signals.h>
#include <sluice/runtime/detail/thread_backtrace.h>
#include <sluice/runtime/detail/thread_state.h>
#include <sluice/runtime/detail/worker.h>

#include <cxxabi.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <exception>

namespace sluice::detail {

namespace {

using clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

// A cross-core wake costs the waker 3-7 us and takes 15-30 us to arrive, so:
constexpr auto steal_age = 10us;           // what has waited less is left to its worker, where it is warm
constexpr auto gathering_steal_age = 1ms;  // while they are better off on one worker
constexpr auto gathering_time = 250ms;
constexpr auto search_time = 50us;             // an idle worker looks for this long before it sleeps
constexpr std::uint64_t wake_pause = 200'000;  // cycles between two wake-ups of others by one worker
constexpr std::uint32_t steal_most = 128;

thread_local worker* this_worker = nullptr;

// Of the fiber that has it at the moment.
class keeps_errno {
 public:
  explicit keeps_errno(int& thread_errno) noexcept : errno_(thread_errno), kept_(thread_errno) {}
  keeps_errno(const keeps_errno&) = delete;
  keeps_errno& operator=(const keeps_errno&) = delete;
  ~keeps_errno() { errno_ = kept_; }

 private:
  int& errno_;
  const int kept_;
};

}  // namespace

[[gnu::noinline]] worker* worker::current() noexcept {
  asm volatile("");
  return this_worker;
}

[[gnu::noinline]] void worker::forget_thread() noexcept {
  if (std::exchange(this_worker, nullptr) != nullptr) current_party_slot() = nullptr;
}

worker::worker(scheduler& s, std::size_t index)
    : scheduler_(s),
      index_(index),
      spare_(index >= s.worker_count_),
      wheel_(clock::now()),
      stacks_(s.stacks_),
      traced_(s.trace_.call != nullptr),
      sightings_(s.most_workers_) {}

// ---- Observed

worker_stats worker::stats() const noexcept {
  return {.switches = switches_.load(std::memory_order_relaxed),
          .steals = steals_.load(std::memory_order_relaxed),
          .ready = queue_.size() + pinned_.size() + (slot_.load(std::memory_order_relaxed) != nullptr ? 1 : 0),
          .timers = wheel_.size(),
          .runs_fiber = running_.load(std::memory_order_relaxed) != nullptr};
}

void worker::tell(trace_event::kind what, const fiber* f, const fiber* by) const noexcept {
  scheduler_.tell(what, static_cast<int>(index_), f, by);
}

// ---- Switching

SLUICE_NO_TSAN void worker::switch_to(execution& from, fiber* next, bool from_retires) noexcept {
  execution& to = next != nullptr ? next->exec_ : loop_;
  left_.store(&from, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (next != nullptr) next->worker_ = this;
  *current_party_ = next;
  switches_.store(switches_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  running_.store(next, std::memory_order_relaxed);
  from.exceptions = *exceptions_;
  *exceptions_ = to.exceptions;
  if (int& error_number = *error_number_; (error_number | to.error_number) != 0) {  // most often it is not set
    from.error_number = error_number;
    error_number = to.error_number;
    to.error_number = 0;
  }
  sanitizer_context::leave(from.sanitizer, to.sanitizer, from_retires);
  switch_context(from.sp, to.sp, next);
}

// On the context that was entered: settles the one that was left.
void worker::finish_switch(execution& entered) noexcept {
  entered.sanitizer.enter(left_.load(std::memory_order_relaxed) == &loop_ ? &loop_.sanitizer : nullptr);
  left_.store(nullptr, std::memory_order_relaxed);
  fiber* const f = leaving_;
  const then what = then_;
  then_ = then::nothing;
  switch (what) {
    case then::nothing:
      break;
    case then::let_go:
      f->end_running();
      break;
    case then::commit_park:
      // While an exception unwinds a stack, a wait in a destructor must not throw another. Once parked, another worker may
      // take the fiber: it waits in prepare() until this one has let go.
      {
        const bool sleeps = f->commit_park(f->exec_.exceptions.uncaught == 0 && !f->is_shielded());
        f->end_running();
        if (!sleeps) {
          if (traced_) [[unlikely]]
            tell(trace_event::woken, f, f);
          make_ready(*f);
        }
      }
      break;
    case then::queue_again:
      f->end_running();
      if (f->moves_ == fiber::moves::freely)
        queue_.push(*f);
      else
        scheduler_.only_runner(*f, *this).make_pinned_ready(*f);
      break;
    case then::retire:
      retire(*f);
      break;
  }
}

void worker::suspend(fiber& f, then what) noexcept {
  leaves_thread();
  enter_scheduler();
  fiber* const next = pick_next();
  if (next != nullptr && wheel_.next_deadline() != steady_time::max()) scheduler_.monitor_.notice();
  leave_for(f, next, what);
}

bool worker::yield(fiber& f) noexcept {
  leaves_thread();
  enter_scheduler();
  const bool at_once = f.moves_ == fiber::moves::freely && !traced_;  // a hook hears of it before others can take it
  fiber* const next = pick_next(at_once ? &f : nullptr);
  if (next == nullptr && !yielded_ && f.moves_ != fiber::moves::always) {
    leave_scheduler();
    return false;
  }
  scheduler_.monitor_.notice();  // f stays behind
  leave_for(f, next, yielded_ ? then::let_go : then::queue_again);
  return true;
}

// Returns when somebody has resumed f, perhaps on another worker than this.
void worker::leave_for(fiber& f, fiber* next, then what) noexcept {
  if (traced_) [[unlikely]]
    return leave_and_tell(f, next, what);
  leave(f, next, what);
}

void worker::leave_and_tell(fiber& f, fiber* next, then what) noexcept {
  tell(what == then::commit_park ? trace_event::parked
       : what == then::retire    ? trace_event::ended
                                 : trace_event::yielded,
       &f);
  leave(f, next, what);
  f.worker_->tell(trace_event::resumed, &f);
}

inline void worker::leave(fiber& f, fiber* next, then what) noexcept {
  leaving_ = &f;
  then_ = what;
  if (what == then::retire) {
    void* const memory = f.stack_.bottom;
    leave_scheduler();
    happens_before(memory);
  }
  switch_to(f.exec_, next, what == then::retire);
  worker& here = *f.worker_;
  here.finish_switch(f.exec_);
  leave_scheduler();
  happens_after(&here);
}

SLUICE_NO_TSAN void worker::fiber_main(void* argument) noexcept {
  fiber& f = *static_cast<fiber*>(argument);
  {
    const in_scheduler here;
    f.worker_->finish_switch(f.exec_);
    if (f.worker_->traced_) [[unlikely]]
      f.worker_->tell(trace_event::began, &f);
  }
  happens_after(f.worker_);  // its thread's beginning
  happens_after(&f);
  happens_after(f.stack_.bottom);  // its last user has left it
  if (const reserve_stack& reserve = f.worker_->scheduler_.reserve_; reserve.is(f.stack_))
    f.refuse(reserve.error());
  else if (f.stop_requested() != waiter::none && f.take_stop())
    f.refuse(std::make_exception_ptr(cancelled{}));
  else
    f.run();
  f.worker_->scheduler_.check_not_lost(
      "the fiber that called fork() has returned; a child process has to end by exec or _exit");
  happens_before(&f.worker_->scheduler_);  // whoever ends the runtime may rely on it
  f.worker_->suspend(f, then::retire);
  std::abort();  // not reached: nobody resumes a retired fiber
}

// Whoever takes a fiber from a queue calls this before it runs it. It gets its stack when it first runs: a thousand that are
// spawned and not begun need none.
bool worker::prepare(fiber& f) noexcept {
  f.begin_running();
  if (f.stack_) return true;
  f.worker_ = this;
  const keeps_errno mapping_may_fail(*error_number_);
  const stack_pool& pool = scheduler_.stacks_;
  stack s = f.stack_size() == pool.stack_size() ? stacks_.get() : map_stack(f.stack_size(), pool.guards());
  if (!s) {
    f.end_running();  // it may have to stand in line
    if (!scheduler_.reserve_.lend_to(f)) return false;
    f.begin_running();
    s = scheduler_.reserve_.memory();
  }
  give_stack(f, s);
  return true;
}

void worker::give_stack(fiber& f, const stack& s) noexcept {
  f.stack_ = s;
  f.exec_.sp = make_context(s.top(), &worker::fiber_main);
  f.exec_.sanitizer.create();
  f.exec_.sanitizer.set_stack(s.bottom, s.size);
}

void worker::take_stack(fiber& f) noexcept {
  f.exec_.sanitizer.destroy();
  unpoison_stack(f.stack_.bottom, f.stack_.size);
  if (scheduler_.reserve_.is(f.stack_)) {
    if (fiber* next = scheduler_.reserve_.hand_on()) {
      next->begin_running();
      give_stack(*next, f.stack_);
      next->end_running();
      make_ready(*next);
    }
  } else if (f.stack_.home != nullptr) {
    stacks_.put(f.stack_);
  } else {
    unmap_stack(f.stack_);
  }
}

void worker::retire(fiber& f) noexcept {
  const keeps_errno unmapping_may_fail(*error_number_);
  scheduler& s = scheduler_;
  s.fibers_.remove(f);  // first: who finds a fiber there may look at its stack
  take_stack(f);
  f.dismiss();
  if (s.stopping_.load(std::memory_order_seq_cst)) {
    s.retired_while_stopping_.fetch_add(1, std::memory_order_release);
    futex_wake_one(s.retired_while_stopping_);
  }
}

// ---- Choosing

// `yielding`: the fiber that runs, if it may be queued at once; then yielded_ is set. Whoever takes it from there waits
// until it is off its stack.
fiber* worker::pick_next(fiber* yielding) noexcept {
  yielded_ = false;
  for (;;) {
    ++tick_;
    const bool timers = wheel_.next_deadline() != steady_time::max();
    if ((tick_ & (timers ? 7 : 63)) == 0) {
      look_around();
      if (spare_ && (called_back_ || scheduler_.monitor_.calls_back())) {
        called_back_ = true;
        return nullptr;
      }
    }
    fiber* next = nullptr;
    if (pinned_.size() > 0 && (tick_ & 1)) next = pinned_.pop();
    if (next == nullptr && (slot_run_ < slot_turns || queue_.size() == 0) &&
        slot_.load(std::memory_order_relaxed) != nullptr) {
      next = slot_.exchange(nullptr, std::memory_order_acquire);
      ++slot_run_;
    }
    if (next == nullptr) {
      slot_run_ = 0;
      if (yielding != nullptr && !yielded_)
        yielded_ = (next = queue_.exchange(*yielding)) != nullptr;
      else
        next = queue_.pop();
      if (next == yielding && next != nullptr) {  // all others came to nothing
        yielded_ = false;
        return nullptr;
      }
    }
    if (next == nullptr && pinned_.size() > 0) next = pinned_.pop();
    if (next == nullptr && slot_.load(std::memory_order_relaxed) != nullptr)
      next = slot_.exchange(nullptr, std::memory_order_acquire);
    if (next == nullptr || prepare(*next)) return next;
  }
}

// The wheel's lock does order what happens to the waiters in it, so this is not the scheduler's own business.
void worker::fire(timer_wheel& wheel, steady_time now) noexcept {
  leave_scheduler();
  wheel.fire(now);
  enter_scheduler();
}

void worker::fire_in_order(steady_time now) noexcept {
  in_order_ = true;
  fire(wheel_, now);
  in_order_ = false;
}

void worker::look_around() noexcept {
  const steady_time now = clock::now();
  if (contention_.update(now, found_taken_->load(std::memory_order_relaxed), switches_.load(std::memory_order_relaxed)))
    scheduler_.begin_to_gather(now + gathering_time);
  fire_in_order(now);
  if (fiber* f = scheduler_.take_injected()) make_ready(*f);
}

void worker::make_ready(fiber& f) noexcept {
  if (f.moves_ != fiber::moves::freely) return scheduler_.only_runner(f, *this).make_pinned_ready(f);
  if (slot_.load(std::memory_order_relaxed) == nullptr) {
    slot_.store(&f, std::memory_order_release);
    scheduler_.monitor_.notice();
    return;
  }
  if (in_order_) return enqueue(f);
  if (fiber* older = slot_.exchange(&f, std::memory_order_acq_rel)) enqueue(*older);
}

void worker::make_new_ready(fiber& f) noexcept {
  if (f.moves_ == fiber::moves::freely && slot_.load(std::memory_order_relaxed) != nullptr)
    enqueue(f);
  else
    make_ready(f);
}

// Behind the others, for which somebody who is idle may be of help.
void worker::enqueue(fiber& f) noexcept {
  queue_.push(f);
  if (scheduler_.idle_count_.load(std::memory_order_relaxed) == 0 ||
      scheduler_.searching_.load(std::memory_order_relaxed) != 0 || scheduler_.crowded())
    return;
  if (const std::uint64_t now = cycle_count(); now - last_wake_ > wake_pause) {
    last_wake_ = now;
    if (!scheduler_.gathers(clock::now())) scheduler_.wake_idle(nullptr);
  }
}

void worker::make_pinned_ready(fiber& f) noexcept {
  pinned_.push(f);
  if (worker::current() != this) scheduler_.wake_idle(this);
}

// A wait ends it: switches_ goes on.
bool worker::begin_region() noexcept {
  const std::uint64_t now = switches_.load(std::memory_order_relaxed);
  if (region_.exchange(now, std::memory_order_seq_cst) == now) return false;
  scheduler_.monitor_.region_begins(*this);
  return true;
}

// ---- Idling

// What is the thread's own is found out here, where nothing switches, and once (tools/tls_check.py).
[[gnu::noinline]] void worker::adopt_thread() noexcept {
  current_party_ = &current_party_slot();
  exceptions_ = reinterpret_cast<exception_state*>(abi::__cxa_get_globals());
  error_number_ = &errno;
  found_taken_ = &contention_of_this_thread();
  share_errno();
  thread_id_.store(gettid(), std::memory_order_relaxed);
  pthread_getcpuclockid(pthread_self(), &processor_clock_);
}

[[gnu::noinline]] void worker::set_current(worker* w) noexcept { this_worker = w; }

void worker::start() {
  const quiet_signals inherited;
  thread_ = std::thread([this] { run_thread(); });
}

void worker::join() {
  if (thread_.joinable()) thread_.join();
}

void worker::run_thread() {
  adopt_thread();
  if (spare_) ask_for_short_slices();
  loop_.sanitizer.adopt_thread();
  for_signals_.use();
  accept_stack_requests();
  happens_before(this);
  spare_ ? census::rests() : census::worker_begins();
  {
    const in_scheduler here;
    while (!spare_ || scheduler_.monitor_.stand_by(*this)) {
      if (spare_ && traced_) [[unlikely]]
        tell(trace_event::worker_resumed, nullptr);
      loop();
      if (!spare_) break;
      leave_all_to_others();
      if (traced_) [[unlikely]]
        tell(trace_event::worker_parked, nullptr);
      census::worker_rests();
      scheduler_.monitor_.take_back(*this);
    }
  }
  thread_id_.store(0, std::memory_order_relaxed);
  spare_ ? census::is_woken() : census::worker_ends();
  signal_stack::release();
}

void worker::loop() {
  set_current(this);
  for (;;) {
    fiber* next = called_back_ ? nullptr : pick_next();
    if (next == nullptr && !called_back_) next = search();
    if (next != nullptr) {
      if (scheduler_.on_hog_ != nullptr || wheel_.next_deadline() != steady_time::max()) scheduler_.monitor_.notice();
      switch_to(loop_, next, false);
      finish_switch(loop_);
    } else if (spare_ || !sleep()) {
      break;
    }
  }
  set_current(nullptr);
}

// Only a spare's: it has no pinned fibers, and its timers are fired by the monitor.
void worker::leave_all_to_others() noexcept {
  called_back_ = false;
  if (fiber* const f = slot_.exchange(nullptr, std::memory_order_acquire)) scheduler_.inject(*f);
  while (fiber* const f = queue_.pop()) scheduler_.inject(*f);
}

// Looks for work for a short while. Whoever finds some sees to it that another looks for the rest.
fiber* worker::search() {
  auto& searching = scheduler_.searching_;
  if (!searching_) {
    if (searching.load(std::memory_order_relaxed) * 2 >= scheduler_.worker_count_ && scheduler_.worker_count_ > 1)
      return nullptr;
    searching.fetch_add(1, std::memory_order_seq_cst);
    searching_ = true;
  }
  fiber* found = nullptr;
  const steady_time begin = clock::now();
  for (steady_time now = begin; found == nullptr && now - begin < search_time; now = clock::now()) {
    fire_in_order(now);
    found = scheduler_.take_injected();
    if (found != nullptr && !prepare(*found)) found = nullptr;
    if (found == nullptr) found = pick_next();
    if (found == nullptr) found = steal(now);
    for (int i = 0; found == nullptr && i < 16; ++i) cpu_relax();
  }
  if (found == nullptr) found = pick_next();  // what the last steal() put here, but for the first
  searching_ = false;
  searching.fetch_sub(1, std::memory_order_seq_cst);
  if (found != nullptr && (queue_.size() > 0 || scheduler_.injected_count_.load(std::memory_order_relaxed) > 0))
    scheduler_.call_for_help();
  return found;
}

fiber* worker::steal(steady_time now) noexcept {
  const std::size_t made = scheduler_.workers_made();
  for (std::size_t i = 1; i < made; ++i) {
    fiber* const found = steal_from(*scheduler_.workers_[(index_ + i) % made], now);
    if (found == nullptr) continue;
    steals_.store(steals_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    if (traced_) [[unlikely]]
      tell(trace_event::stolen, found);
    if (prepare(*found)) return found;
  }
  return nullptr;
}

fiber* worker::steal_from(worker& victim, steady_time now) noexcept {
  sighting& seen = sightings_[victim.index_];
  const std::uint64_t switches = victim.switches_.load(std::memory_order_relaxed);
  fiber* found = nullptr;
  if (victim.held_up_.load(std::memory_order_relaxed)) {
    found = victim.queue_.steal_half(queue_, steal_most);
    if (found == nullptr) found = victim.slot_.exchange(nullptr, std::memory_order_acquire);
  } else if (now - seen.when >= (scheduler_.gathers(now) ? gathering_steal_age : steal_age)) {
    const std::uint32_t taken = victim.queue_.taken();
    if (seen.waiting > taken - seen.taken) {  // of what waited then, some still does
      found = victim.queue_.steal_half(queue_, std::min(steal_most, seen.waiting - (taken - seen.taken)));
    } else if (seen.in_slot != nullptr && seen.switches == switches) {
      fiber* expected = seen.in_slot;
      if (victim.slot_.compare_exchange_strong(expected, nullptr, std::memory_order_acquire)) found = seen.in_slot;
    }
    seen = {now, victim.queue_.taken(), victim.queue_.size(), switches, victim.slot_.load(std::memory_order_relaxed)};
  }
  return found;
}

// False: the scheduler has stopped.
bool worker::sleep() {
  scheduler& s = scheduler_;
  if (traced_) [[unlikely]]
    tell(trace_event::worker_parked, nullptr);
  woken_.store(0, std::memory_order_relaxed);
  {
    const std::lock_guard guard(s.idle_lock_);
    s.idle_.push_back(this);
    idle_ = true;
    s.idle_count_.fetch_add(1, std::memory_order_seq_cst);
    census::worker_rests();
  }
  const auto woken = [this] { return woken_.load(std::memory_order_acquire) != 0; };
  for (bool timed_out = false; !woken() && !timed_out && pinned_.size() == 0 &&
                               s.injected_count_.load(std::memory_order_seq_cst) == 0 &&
                               !s.stopped_.load(std::memory_order_seq_cst);) {
    const steady_time until = std::min(wheel_.next_deadline(), s.stacks_.tidy(clock::now()));
    futex_wait(woken_, 0, std::min(until, census::look_for_deadlock()));
    timed_out = until != steady_time::max() && clock::now() >= until;
  }
  {
    const std::lock_guard guard(s.idle_lock_);
    if (idle_) {
      idle_ = false;
      s.idle_.erase(std::find(s.idle_.begin(), s.idle_.end(), this));
      s.idle_count_.fetch_sub(1, std::memory_order_seq_cst);
      census::worker_is_woken();
    }
  }
  if (traced_) [[unlikely]]
    tell(trace_event::worker_resumed, nullptr);
  return !s.stopped_.load(std::memory_order_seq_cst);
}

}  // namespace sluice::detail
