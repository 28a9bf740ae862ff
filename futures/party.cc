#include <sluice/futures/party.h>
#include <sluice/futures/thread_waiter.h>
#include <sluice/futures/timer_queue.h>

#include <exception>

namespace sluice {

namespace {

thread_local party* current_party = nullptr;

}  // namespace

// Not inline: a fiber may continue on another thread after any wait, so no caller may keep the address of a thread-local.
// And the asm hides what is returned: clang takes that address for a constant, which -flto carries into the callers all the
// same.
[[gnu::noinline]] party*& detail::current_party_slot() noexcept {
  party** slot = &current_party;
  asm volatile("" : "+r"(slot));
  return *slot;
}

[[gnu::noinline]] party& party::current() noexcept {
  asm volatile("");
  if (party* p = current_party) return *p;
  return detail::thread_waiter::of_this_thread();
}

// The deadline is one more reason to wake, which competes for the word like the others. A wait that is late from the first
// parks all the same, for a moment: who tries again and again lets others run, among them those it waits for.
void party::park_until_deadline() noexcept {
  if (std::uncaught_exceptions() > 0) return park();
  if (std::chrono::steady_clock::now() >= deadline_) {
    claim_own(expired_index);
    return park();
  }
  detail::timer_node cut_off;
  cut_off.deadline = deadline_;
  timers().add(cut_off, *this, expired_index);
  park();
  if (decided_for() != expired_index) cut_off.queue->remove(cut_off);
}

}  // namespace sluice
