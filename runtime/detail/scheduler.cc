#include <sluice/base/census.h>
#include <sluice/base/check.h>
#include <sluice/runtime/detail/forks.h>
#include <sluice/runtime/detail/inspection.h>
#include <sluice/runtime/detail/scheduler.h>
#include <sluice/runtime/detail/signals.h>
#include <sluice/runtime/detail/termination.h>
#include <sluice/runtime/detail/wait_check.h>
#include <sluice/runtime/signals.h>

#include <algorithm>
#include <limits>
#include <sched.h>
#include <cstdio>
#include <sstream>
#include <stdexcept>
#include <string>

namespace sluice::detail {

namespace {

unsigned checked_spares(unsigned asked, unsigned most) {
  if (asked > most)
    throw std::invalid_argument("sluice: " + std::to_string(asked) + " spare workers; there can be " + std::to_string(most));
  return asked;
}

unsigned checked_workers(unsigned asked, unsigned most) {
  if (asked > most)
    throw std::invalid_argument("sluice: " + std::to_string(asked) + " workers; there can be " + std::to_string(most));
  return asked != 0 ? asked : std::max(1U, std::thread::hardware_concurrency());
}

unsigned usable_processors() noexcept {
  cpu_set_t mine;
  if (sched_getaffinity(0, sizeof mine, &mine) != 0)
    return std::numeric_limits<unsigned>::max();  // more than a set can hold
  return static_cast<unsigned>(CPU_COUNT(&mine));
}

}  // namespace

scheduler::scheduler(runtime_options options)
    : worker_count_(checked_workers(options.workers, most_workers)),
      most_workers_(worker_count_ + checked_spares(options.spare_workers, most_workers) + 1),
      processors_(usable_processors()),
      trace_(options.trace),
      moves_(options.always_migrate && worker_count_ > 1 ? fiber::moves::always : fiber::moves::freely),
      stacks_(checked_stack_size(options.stack_size), options.guards),
      reserve_(stacks_.stack_size(), options.guards),
      fibers_(worker_count_ + 1),
      on_hog_(options.on_hog ? std::make_unique<const std::function<void(const hog_report&)>>(std::move(options.on_hog))
                             : nullptr),
      hog_limit_(options.hog_limit),
      deadlock_exit_status_(options.deadlock_exit_status),
      leak_limit_(options.leak_limit),
      observes_waits_(leak_limit_.count() != 0 || wait_check.load(std::memory_order_acquire) != nullptr),
      on_leak_(options.on_leak ? std::make_unique<const std::function<void(const leak_report&)>>(std::move(options.on_leak))
                               : nullptr),
      monitor_(*this, options.spare_workers),
      program_signals_(sluice::program_signals()),
      blocking_(*this, options.blocking_threads, options.blocking_keep_alive),
      workers_(std::make_unique<std::unique_ptr<worker>[]>(most_workers_)) {
  report_stack_overflows();
  watch_forks();
  report_terminations();
  if (options.unobserved_error)
    unobserved_error_ = std::make_shared<const error_handler>(std::move(options.unobserved_error));
  if (options.on_deadlock) on_deadlock_ = std::make_shared<const deadlock_handler>(std::move(options.on_deadlock));
  idle_.reserve(worker_count_);
  try {
    for (unsigned i = 0; i < worker_count_; ++i) workers_[i] = std::make_unique<worker>(*this, i);
    made_.store(worker_count_, std::memory_order_release);
    for (unsigned i = 0; i < worker_count_; ++i) workers_[i]->start();
    const in_scheduler starting;
    monitor_.start();
  } catch (...) {
    shut_down();
    throw;
  }
  list_scheduler(*this);
  watch_for_deadlocks();
}

scheduler::~scheduler() {
  if (leak_limit_.count() != 0) report_leaks();
  shut_down();
  unlist_scheduler(*this);
  await_deadlock_handlers();
  const in_scheduler ending;  // what fibers did to the workers was done on threads that are joined now
  for (std::size_t i = workers_made(); i-- > 0;) workers_[i].reset();
}

runtime_stats scheduler::stats() {
  runtime_stats all;
  const std::size_t made = workers_made();
  all.workers.reserve(made);
  const in_scheduler looking;
  for (std::size_t i = 0; i < made; ++i) {
    const worker_stats& one = all.workers.emplace_back(workers_[i]->stats());
    all.switches += one.switches;
    all.steals += one.steals;
    all.timers += one.timers;
    all.fibers.ready += one.ready;
    all.fibers.running += one.runs_fiber ? 1 : 0;
  }
  all.fibers.ready += injected_count_.load(std::memory_order_relaxed);
  const registry::figures counted = fibers_.counted();
  all.fibers.spawned = counted.added;
  all.fibers.ended = counted.removed;
  const std::size_t alive = counted.added - counted.removed;
  all.fibers.waiting = alive - std::min(alive, all.fibers.ready + all.fibers.running);
  all.tasks = coroutines_.tasks();
  all.wake_ups = wake_ups_.load(std::memory_order_relaxed);
  all.parked_workers = idle_count_.load(std::memory_order_relaxed);
  all.spare_workers = monitor_.spares_at_work();
  const stack_pool::figures stacks = stacks_.counted();
  all.stacks = {stacks.out, stacks.idle};
  const blocking_pool::figures pool = blocking_.count();
  all.blocking = {pool.threads, pool.idle, pool.running, pool.queued};
  return all;
}

void scheduler::tell(trace_event::kind what, int worker, const fiber* f, const fiber* by) const noexcept {
  const in_scheduler telling;
  trace_.call(trace_.context, {.what = what,
                               .worker = worker,
                               .fiber = f != nullptr ? f->number_ : 0,
                               .name = f != nullptr ? f->given_name() : "",
                               .by = by != nullptr ? by->number_ : 0});
}

void scheduler::tell_by_caller(trace_event::kind what, const fiber& f) const noexcept {
  const worker* const here = worker::current();
  const bool inside = here != nullptr && &here->owner() == this;
  tell(what, inside ? static_cast<int>(here->index()) : trace_event::no_worker, &f,
       inside ? static_cast<const fiber*>(current_party_slot()) : nullptr);
}

bool scheduler::spawn(fiber& f) {
  worker* const here = worker::current();
  const bool inside = here != nullptr && &here->scheduler_ == this;
  if (!inside) check_not_lost("a fiber was started in a runtime of the parent process");
  happens_before(&f);
  const in_scheduler scheduling;
  const bool added = fibers_.add(f, inside && !here->spare_ ? here->index_ : worker_count_, [&] {
    // Under the lock that shut_down() takes after it has set a flag: either the flag is seen here, or the fiber there.
    if (closed_.load(std::memory_order_seq_cst)) return false;
    if (!stopping_.load(std::memory_order_seq_cst)) return true;
    f.stop_state_.request_later();
    f.request_stop(waiter::always);
    return true;
  });
  if (!added) return false;
  if (traced()) [[unlikely]]
    tell_by_caller(trace_event::spawned, f);
  if (inside)
    here->make_new_ready(f);
  else
    inject(f);
  return true;
}

void scheduler::refuse(fiber& f) noexcept {
  f.refuse(std::make_exception_ptr(std::logic_error("sluice: go() on a runtime that has ended")));
  f.dismiss();
}

// Not inline: the queue has thread-locals.
[[gnu::noinline]] void scheduler::inject(fiber& f) noexcept {
  check_not_lost("a fiber of the parent process was woken");
  injecting_.fetch_add(1, std::memory_order_relaxed);  // seen by shut_down(), which finds f retired only after it ran
  if (f.moves_ != fiber::moves::freely) {
    only_runner(f, next_home()).make_pinned_ready(f);
  } else {
    if (!injected_.enqueue(&f)) injected_late_.push(f);
    injected_count_.fetch_add(1, std::memory_order_seq_cst);
    if (searching_.load(std::memory_order_seq_cst) == 0) call_for_help();
  }
  injecting_.fetch_sub(1, std::memory_order_release);
}

[[gnu::cold]] worker& scheduler::only_runner(fiber& f, worker& begin) noexcept {
  if (f.worker_ == nullptr) f.worker_ = begin.spare_ ? &next_home() : &begin;
  return f.pinned() ? *f.worker_ : *workers_[(f.worker_->index_ + 1) % worker_count_];
}

fiber* scheduler::take_injected() noexcept {
  if (injected_count_.load(std::memory_order_seq_cst) == 0) return nullptr;
  fiber* f = nullptr;
  if (!injected_.try_dequeue(f)) f = injected_late_.pop();
  if (f == nullptr) return nullptr;
  injected_count_.fetch_sub(1, std::memory_order_seq_cst);
  return f;
}

void scheduler::call_for_help() noexcept {
  if (idle_count_.load(std::memory_order_seq_cst) != 0)
    wake_idle(nullptr);
  else
    monitor_.notice_arrival();
}

// `which`, or any if null; nothing happens if it is not asleep.
void scheduler::wake_idle(worker* which) noexcept {
  {
    const std::lock_guard guard(idle_lock_);
    if (idle_.empty() || (which != nullptr && !which->idle_)) return;
    if (which == nullptr) {
      which = idle_.back();
      idle_.pop_back();
    } else {
      idle_.erase(std::find(idle_.begin(), idle_.end(), which));
    }
    which->idle_ = false;
    idle_count_.fetch_sub(1, std::memory_order_seq_cst);
    census::worker_is_woken();
    which->woken_.store(1, std::memory_order_release);
  }
  wake_ups_.fetch_add(1, std::memory_order_relaxed);
  futex_wake_one(which->woken_);
}

worker& scheduler::add_spare() {
  const std::size_t index = workers_made();
  workers_[index] = std::make_unique<worker>(*this, index);
  {
    const outside_scheduler creating_a_thread;
    workers_[index]->start();
  }
  made_.store(index + 1, std::memory_order_release);
  return *workers_[index];
}

void scheduler::report_leaks() {
  inspection all;
  all.add_fibers(*this);
  const leak_report found{leak_limit_, all.since(std::chrono::steady_clock::now() - leak_limit_)};
  if (found.fibers.empty()) return;
  if (on_leak_ != nullptr) return call_handler("the handler on_leak", [&] { (*on_leak_)(found); });
  std::ostringstream text;
  text << found;
  std::fputs(text.str().c_str(), stderr);
}

bool scheduler::has_work() noexcept {
  if (injecting_.load(std::memory_order_seq_cst) != 0 || injected_count_.load(std::memory_order_seq_cst) != 0) return true;
  for (std::size_t i = 0; i < workers_made(); ++i)
    if (workers_[i]->has_work()) return true;
  return false;
}

// Every fiber that is listed has its token stopped before any of its waits is; one that comes later sees stopping_.
void scheduler::stop_tokens() noexcept {
  stop_state::source* to_ask = nullptr;
  {
    const in_scheduler looking;
    fibers_.visit([&to_ask](fiber& f) {
      if (stop_state::source* s = f.stop_state_.request_later()) {
        s->next_asked = to_ask;
        to_ask = s;
      }
    });
  }
  while (stop_state::source* s = to_ask) {
    to_ask = s->next_asked;
    happens_after(s);
    stop_state::tell(*s);
  }
}

void scheduler::shut_down() {
  SLUICE_CHECK(worker::current() == nullptr || &worker::current()->scheduler_ != this,
               "a runtime was shut down from one of its own fibers");
  stopping_.store(true, std::memory_order_seq_cst);
  stop_tokens();
  blocking_.stop();
  for (;;) {
    const std::uint32_t retired = retired_while_stopping_.load(std::memory_order_acquire);
    {
      const in_scheduler stopping;
      fiber* decided = nullptr;
      fibers_.visit([&decided](fiber& f) {
        if (!f.request_stop(waiter::always)) return;
        f.next_ready_ = decided;  // parked, and only we may wake it: the link is ours
        decided = &f;
      });
      while (decided != nullptr) {
        fiber& f = *decided;
        decided = f.next_ready_;
        f.wake();
      }
    }
    coroutines_.stop();
    const auto all_over = [&] { return !blocking_.has_jobs() && !coroutines_.has_tasks() && fibers_.empty(); };
    if (all_over()) {
      closed_.store(true, std::memory_order_seq_cst);
      if (all_over()) break;
      closed_.store(false, std::memory_order_seq_cst);  // somebody came in just before
    }
    // Inside another runtime its fibers go on: ours may wait for one of them while they unwind.
    worker* const outer = worker::current();  // asked each time: the calling fiber may move
    auto* const caller = outer != nullptr ? static_cast<fiber*>(current_party_slot()) : nullptr;
    if (caller != nullptr && outer->yield(*caller)) continue;
    const auto patience = std::chrono::milliseconds(caller != nullptr ? 1 : 100);
    if (caller == nullptr) look_for_deadlock_while_ending();
    futex_wait(retired_while_stopping_, retired, std::chrono::steady_clock::now() + patience);
  }
  happens_after(this);
  coroutines_.wait_for_posters();
  for (spin_wait spin; injecting_.load(std::memory_order_acquire) != 0;) spin.once();
  stopped_.store(true, std::memory_order_seq_cst);
  {
    const in_scheduler stopping;
    for (unsigned i = 0; i < worker_count_ && workers_[i] != nullptr; ++i) wake_idle(workers_[i].get());
    monitor_.stop();
  }
  for (std::size_t i = 0; i < workers_made(); ++i) workers_[i]->join();  // each has been made by one before it
  blocking_.join();
}

}  // namespace sluice::detail
