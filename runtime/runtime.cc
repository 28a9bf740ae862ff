#include <sluice/runtime/detail/scheduler.h>
#include <sluice/runtime/runtime.h>
#include <sluice/runtime/signals.h>

#include <atomic>
#include <stdexcept>

namespace sluice {

runtime::runtime(runtime_options options) : scheduler_(std::make_unique<detail::scheduler>(std::move(options))) {}
runtime::~runtime() {
  if (scheduler_->lost()) static_cast<void>(scheduler_.release());
}

detail::scheduler& runtime::usable() const {
  if (scheduler_->lost())
    throw std::logic_error(
        "sluice: a runtime of the parent process was used in a child that fork() has made: its threads are gone");
  return *scheduler_;
}

runtime_stats runtime::stats() const { return usable().stats(); }

runtime_stats this_runtime::stats() { return detail::current_scheduler().stats(); }

executor& runtime::coroutines() {
  auto& coroutines = usable().coroutines();
  coroutines.prepare();
  return coroutines;
}

detail::timer_queue& executor::timers() noexcept { return detail::lasting_scheduler().coroutines().remote(); }

executor& default_executor() {
  auto& coroutines = detail::current_scheduler().coroutines();
  coroutines.prepare();
  return coroutines;
}

sigset_t program_signals() noexcept {
  if (const detail::worker* w = detail::worker::current()) return w->owner().program_signals();
  if (const detail::blocking_pool* p = detail::blocking_pool::current()) return p->home().program_signals();
  sigset_t blocked;
  pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  return blocked;
}

namespace detail {

namespace {

constinit std::atomic<scheduler*> lasting{nullptr};  // its fibers may outlive every static object

}  // namespace

// No lock, which fork() could find locked: of two threads that make it at once, one does so in vain.
scheduler& lasting_scheduler() {
  if (scheduler* const s = lasting.load(std::memory_order_acquire)) return *s;
  auto made = std::make_unique<scheduler>(runtime_options{});
  scheduler* other = nullptr;
  if (!lasting.compare_exchange_strong(other, made.get(), std::memory_order_acq_rel)) return *other;
  return *made.release();
}

void forget_lasting_scheduler() noexcept { lasting.store(nullptr, std::memory_order_relaxed); }

scheduler& current_scheduler() {
  if (worker* w = worker::current()) return w->owner();
  if (blocking_pool* p = blocking_pool::current()) return p->home();
  return lasting_scheduler();
}

void* allocate_frame(std::size_t size) {
  worker* const here = worker::current();
  if (here != nullptr && frame_pool::serves(size)) return here->frames().get(size);
  return ::operator new(frame_pool::rounded(size));
}

void free_frame(void* memory, std::size_t size) noexcept {
  worker* const here = worker::current();
  if (here != nullptr && frame_pool::serves(size)) return here->frames().put(memory, size);
  ::operator delete(memory);
}

void start(scheduler& s, fiber& f) {
  if (!s.spawn(f)) scheduler::refuse(f);
}

blocking_pool& blocking_threads(scheduler& s) noexcept { return s.blocking(); }

std::shared_ptr<const error_handler> unobserved_error_handler(const scheduler& s) noexcept { return s.unobserved_error(); }

}  // namespace detail
}  // namespace sluice
