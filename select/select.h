// select.h - wait for several events; exactly one happens.
//
// Named events, when the reaction wants `break` or `return`:
//   auto next = recv(numbers);  auto late = after(1s);
//   const auto won = select(next, late);
//   if (won == next) use(*next.take()); else return;
//
// Handlers, when each case is a line (they get take()'s value, or nothing if they take no argument):
//   select(on(recv(c), [&](std::optional<int> v) { use(v); }),
//          on(after(1s), [&] { retry(); }));
//
// A list chosen at run time:
//   std::vector<recv_event<int>> inboxes;  ...  const std::size_t i = select(inboxes);
//
// select            among several ready events each is equally likely
// select_in_order   the first ready one in the list (priority; a busy first case starves the later ones)
// try_select, or a last case otherwise(handler): do not wait. That default is taken only if there was one moment at which
//                   none was ready.
// An event that lost has consumed nothing, given nothing away and left nothing behind when the call returns. The same
// channel may occur several times, the same event object may not (std::invalid_argument, in a list written in the call); a
// select never pairs with itself. The events meet select only in the concept of futures/event.h, so events of your own work
// as well.
// Threads: may be called from any fiber or thread; an event belongs to one call at a time.
// Blocks:  select and select_in_order without otherwise(). They throw cancelled; then no case has happened.
// Cost:    ready: one look at each event and one lock. Waiting: two locks for each event. No allocation for cases listed in
//          the call; one for a range.
#pragma once

#include <sluice/futures/wait.h>
#include <sluice/select/cases.h>

#include <array>
#include <ranges>
#include <vector>

namespace sluice {

// Which event won: compare it with the events. False if none did (try_select).
class winner {
 public:
  explicit winner(const void* event) noexcept : event_(event) {}  // for select
  explicit operator bool() const noexcept { return event_ != nullptr; }
  template <event E>
  friend bool operator==(const winner& w, const E& e) noexcept {
    return w.event_ == &e;
  }

 private:
  const void* event_;
};

template <event... E>
  requires(sizeof...(E) > 0)
winner select(E&... events) {
  return winner(detail::wait_each(detail::order::fair, events...));
}

template <event... E>
  requires(sizeof...(E) > 0)
winner select_in_order(E&... events) {
  return winner(detail::wait_each(detail::order::in_order, events...));
}

template <event... E>
  requires(sizeof...(E) > 0)
winner try_select(E&... events) {
  return winner(detail::try_each(detail::order::fair, events...));
}

// Over a range of events: the index of the one that won. std::invalid_argument if the range is empty.
template <std::ranges::forward_range R>
  requires event<std::ranges::range_value_t<R>>
std::size_t select(R&& events) {
  return detail::wait_any_in(events, detail::order::fair);
}
template <std::ranges::forward_range R>
  requires event<std::ranges::range_value_t<R>>
std::size_t select_in_order(R&& events) {
  return detail::wait_any_in(events, detail::order::in_order);
}

// Over handlers: runs the one of the case that happened and returns what it returns (all must return the same type).
template <detail::any_case... C>
decltype(auto) select(C&&... cases) {
  return detail::select_cases(detail::order::fair, cases...);
}
template <detail::any_case... C>
decltype(auto) select_in_order(C&&... cases) {
  return detail::select_cases(detail::order::in_order, cases...);
}

}  // namespace sluice
