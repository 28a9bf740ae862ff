#include <sluice/futures/wait.h>
#include <sluice/runtime/detail/worker.h>
#include <sluice/runtime/this_fiber.h>

#include <thread>

namespace sluice::this_fiber {

namespace {

detail::fiber* self() noexcept {
  return detail::worker::current() != nullptr ? static_cast<detail::fiber*>(detail::current_party_slot()) : nullptr;
}

}  // namespace

void yield() {
  if (detail::fiber* f = self()) return f->yield();
  std::this_thread::yield();
  detail::throw_if_late(party::current());
}

void sleep_until(std::chrono::steady_clock::time_point t) {
  deadline_event e(t);
  detail::wait_one(e);
}

std::stop_token stop_token() {
  detail::fiber* f = self();
  return f != nullptr ? f->stop_token() : std::stop_token{};
}

stack_usage stack_used() {
  const detail::fiber* f = self();
  return f != nullptr ? stack_usage{.used = f->stack_used(), .size = f->stack_size()} : stack_usage{};
}

std::string name() {
  const detail::fiber* f = self();
  return f != nullptr ? f->name() : "(thread)";
}

}  // namespace sluice::this_fiber
