// guard.h - an event that is made anew for each wait.
//
// What an event says may depend on when the wait begins, or making it may be the first half of an exchange:
//
//   auto idle = guard([] { return after(5s); });         // counts from the start of each wait, not from here
//   auto quote = guard([&] {                             // asks each time; what was asked before does not count
//     channel<price> reply(1);
//     requests.send({symbol, reply});
//     return recv(std::move(reply));
//   });
//   for (;;)
//     if (select(quote, idle) == quote) show(*quote.take());
//
// The function runs when a wait first polls the event, in the party that waits: under no lock, before anything is armed. It
// may wait and throw; then the wait throws, and no event of it has happened. Its event is dropped when the wait is over:
// after take(), or at once if another event happened. try_select and otherwise() are waits too. In a select_set the wait of
// an event lasts from its first poll until it happens or is removed. Threads: as the event it makes; the function is called
// by the party that waits. Cost: none beside them.
#pragma once

#include <sluice/futures/event.h>

#include <concepts>
#include <optional>
#include <type_traits>
#include <utility>

namespace sluice {

template <class F>
  requires event<std::invoke_result_t<F&>>
class guard_event {
 public:
  using event_type = std::invoke_result_t<F&>;
  using value_type = typename event_type::value_type;
  explicit guard_event(F f) : make_(std::move(f)) {}
  guard_event(guard_event&&) = default;
  guard_event(const guard_event& other)  // a copy is in no wait yet
    requires std::copy_constructible<F>
      : make_(other.make_) {}

  bool poll() {
    if (!begun_) begun_.emplace(make_());
    asm("" : "+m"(begun_));  // no instruction: g++ 12 would warn, in users' code, of reading an empty optional
    if (!done_) done_ = begun_->poll();
    return done_;
  }
  // A wait that has not polled it wins it, and completes it by a poll: the function may throw, and arm may not.
  bool arm(waiter& w, std::uint32_t index) noexcept {
    if (begun_) return begun_->arm(w, index);
    w.claim_own(index);
    return false;
  }
  void disarm() noexcept {
    if (begun_) begun_->disarm();
  }
  bool complete() {
    if (!begun_) return poll();
    return done_ = detail::complete(*begun_);
  }
  void abandon() noexcept {
    if (!begun_ || done_) return;
    detail::abandon(*begun_);
    begun_.reset();
  }
  value_type take() {
    done_ = false;
    std::optional<event_type> ended = std::exchange(begun_, std::nullopt);
    return ended->take();
  }
  std::uint64_t look()
    requires detail::has_look<event_type>
  {
    return begun_ ? begun_->look() : detail::may_be_ready;
  }
  void describe(wait_listener& l) const noexcept {
    if (begun_) detail::describe(*begun_, l);
  }

 private:
  F make_;
  std::optional<event_type> begun_;
  bool done_ = false;  // and not taken
};

template <class F>
guard_event<std::decay_t<F>> guard(F&& f) {
  return guard_event<std::decay_t<F>>(std::forward<F>(f));
}

}  // namespace sluice
