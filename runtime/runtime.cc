#include <sluice/runtime/detail/scheduler.h>
#include <sluice/runtime/runtime.h>

namespace sluice {

runtime::runtime(runtime_options options) : scheduler_(std::make_unique<detail::scheduler>(std::move(options))) {}
runtime::~runtime() = default;

runtime_stats runtime::stats() const { return scheduler_->stats(); }

runtime_stats this_runtime::stats() { return detail::current_scheduler().stats(); }

executor& runtime::coroutines() {
  scheduler_->coroutines().prepare();
  return scheduler_->coroutines();
}

detail::timer_queue& executor::timers() noexcept { return detail::lasting_scheduler().coroutines().remote(); }

executor& default_executor() {
  auto& coroutines = detail::current_scheduler().coroutines();
  coroutines.prepare();
  return coroutines;
}

namespace detail {

scheduler& lasting_scheduler() {
  static auto* const forever = new scheduler(runtime_options{});  // its fibers may outlive every static object
  return *forever;
}

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

void start(scheduler& s, fiber& f) { s.spawn(f); }

blocking_pool& blocking_threads(scheduler& s) noexcept { return s.blocking(); }

std::shared_ptr<const error_handler> unobserved_error_handler(const scheduler& s) noexcept { return s.unobserved_error(); }

}  // namespace detail
}  // namespace sluice
