// deadline.h - a time limit for whatever a function waits for.
//
//   try {
//     page = with_deadline(100ms, [&] { return fetch(url); });
//   } catch (const timed_out&) {                       // this limit; one from outside goes on as deadline_exceeded
//     page = cached(url);
//   }
//
// A wait that would block beyond the deadline throws deadline_exceeded, again and again, until with_deadline is left.
// deadline_exceeded is a cancelled: for the code in between, being out of time is one more way of being told to stop. Only
// the with_deadline whose own limit it was makes timed_out of it, an error like any other, so nobody takes an outer limit
// for his own.
// Deadlines nest, and the earlier one counts; within a shield, only those set in it. They are inherited: a fiber that is
// started under a deadline has it too (else: launch::inherit_deadline).
// Threads: any fiber or thread. Cost: two loads and stores; a wait that blocks under a deadline arms a timer more.
// A wait that needs no blocking, or has won, is never undone; f's result stands, however late it comes.
#pragma once

#include <sluice/futures/cancelled.h>
#include <sluice/futures/party.h>
#include <sluice/timers/timer.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <functional>
#include <type_traits>
#include <utility>

namespace sluice {

// Thrown by with_deadline in place of the deadline_exceeded that its own limit brought about.
class timed_out : public std::exception {
 public:
  const char* what() const noexcept override { return "sluice: timed out"; }
};

namespace detail {

class deadline_in_force {
 public:
  explicit deadline_in_force(steady_time t) noexcept : self_(party::current()), outside_(self_.deadline()) {
    self_.set_deadline(std::min(t, outside_));
  }
  deadline_in_force(const deadline_in_force&) = delete;
  deadline_in_force& operator=(const deadline_in_force&) = delete;
  ~deadline_in_force() { self_.set_deadline(outside_); }

  // It is this limit that is over, not (only) one from outside.
  bool passed() const noexcept {
    return self_.deadline() < outside_ && std::chrono::steady_clock::now() >= self_.deadline();
  }

 private:
  party& self_;
  const steady_time outside_;
};

}  // namespace detail

// Runs f in the calling fiber or thread and returns what it returns. Throws what f throws; timed_out if that is a
// deadline_exceeded and `t` has passed. A t in the past lets f run up to its first wait that blocks.
template <class F>
std::invoke_result_t<F> with_deadline(std::chrono::steady_clock::time_point t, F&& f) {
  const detail::deadline_in_force limit(t);
  try {
    return std::invoke(std::forward<F>(f));
  } catch (const deadline_exceeded&) {
    if (!limit.passed()) throw;
  }
  throw timed_out{};
}
// The same, counted from now.
template <class Rep, class Period, class F>
std::invoke_result_t<F> with_deadline(std::chrono::duration<Rep, Period> limit, F&& f) {
  return with_deadline(detail::from_now(limit), std::forward<F>(f));
}

}  // namespace sluice
