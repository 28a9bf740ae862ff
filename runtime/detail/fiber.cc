#include <sluice/futures/cancelled.h>
#include <sluice/runtime/detail/fiber.h>
#include <sluice/runtime/detail/scheduler.h>
#include <sluice/runtime/detail/value_node.h>
#include <sluice/runtime/detail/wait_check.h>

#include <cstdio>

namespace sluice::detail {

fiber::fiber(scheduler& s, launch&& how, call_site from, party& starter)
    : party(starter.random().next()),
      stack_{.size = how.stack_size == 0 ? s.stacks_.stack_size() : checked_stack_size(how.stack_size)},
      scheduler_(&s),
      name_(how.name.empty() ? nullptr : std::make_unique<const std::string>(std::move(how.name))),
      started_at_(from),
      moves_(how.pinned ? moves::never : s.moves_) {
  if (how.inherit_deadline) set_deadline(starter.deadline());
  if (value_node* const values = starter.values()) {
    values->add_ref();
    set_values(values);
  }
}

void fiber::drop_values() noexcept {
  if (value_node* const inherited = values()) {
    set_values(nullptr);
    inherited->release();
  }
}

fiber::name_text fiber::display_name() const noexcept {
  name_text shown;
  if (name_ == nullptr)
    std::snprintf(shown.text, sizeof shown.text, "#%llu", static_cast<unsigned long long>(number_));
  else
    std::snprintf(shown.text, sizeof shown.text, "'%s'", name_->c_str());
  return shown;
}

party::introduction fiber::introduce() const noexcept {
  introduction shown;
  const char* const file = started_at_.file;
  if (file == nullptr)
    std::snprintf(shown.text, sizeof shown.text, "fiber %s", display_name().text);
  else if (started_at_.line == 0)
    std::snprintf(shown.text, sizeof shown.text, "fiber %s, started by %s", display_name().text, file);
  else
    std::snprintf(shown.text, sizeof shown.text, "fiber %s, started at %s:%u", display_name().text, file, started_at_.line);
  return shown;
}

timer_queue& fiber::timers() noexcept { return worker_->wheel(); }

void fiber::park() noexcept {
  if (scheduler_->observes_waits()) [[unlikely]]
    observe_wait();
  worker_->suspend(*this, worker::then::commit_park);
  happens_after(this);
}

void fiber::observe_wait() noexcept {
  waits_since_ = std::chrono::steady_clock::now();
  if (auto* const check = wait_check.load(std::memory_order_acquire)) check(*this);
}

void fiber::wake() noexcept {
  happens_before(this);
  const in_scheduler inside;
  worker* const here = worker::current();
  const bool at_home = here != nullptr && &here->owner() == scheduler_;
  if (at_home ? here->traced() : scheduler_->traced()) [[unlikely]]
    scheduler_->tell_by_caller(trace_event::woken, *this);
  if (at_home)
    here->make_ready(*this);
  else
    scheduler_->inject(*this);
}

void fiber::yield() {
  if (stop_requested() != none && !is_shielded() && std::uncaught_exceptions() == 0 && take_stop()) throw cancelled{};
  worker_->yield(*this);
  throw_if_late(*this);
}

}  // namespace sluice::detail
