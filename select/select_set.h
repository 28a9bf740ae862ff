// select_set.h - sources that are awaited over and over, without registering them again for each wait.
//
//   select_set set;
//   set.add(recv(clients), [&](std::optional<client> c) { ... });
//   set.add(done(result), [&](answer a) { use(a); }, [&](std::exception_ptr e) { report(e); });
//   set.add(every(1s), [&](auto) { flush(); });
//   while (set.wait()) {}                       // one event a turn, until no source is left
//
// An event is handled by its own handler, in the fiber or thread that waits. A source that can never be ready again (a
// channel that is closed and drained, a future that was taken) is handled once more if it has something to say and then
// leaves the set by itself; add() and remove() are allowed at any time, also in a handler. What does not win consumes
// nothing and keeps its place, in the set and at its source; sources that are ready take turns.
//
// The set is an event itself: select(set, late) == set, then set.take() runs the handler. (A set that is empty never happens
// as an event; wait() says false.)
// Threads: a set belongs to one party at a time. It must not be added to itself, not even through another set, nor be
//          destroyed in one of its handlers. Two sets that took part in one select, of which one can complete the other,
//          stay with that party. One that was moved from can only be destroyed or assigned to.
// Blocks:  wait, wait_for, wait_until. They throw cancelled, and what a handler throws; the set is whole afterwards.
// Cost:    add allocates once. An event costs the same whatever the number of sources: those that are silent are not
// touched.
#pragma once

#include <sluice/futures/deadline.h>
#include <sluice/futures/event.h>
#include <sluice/futures/outcome.h>
#include <sluice/select/detail/member.h>
#include <sluice/select/detail/set_core.h>

#include <chrono>
#include <memory>
#include <type_traits>
#include <utility>

namespace sluice {

class select_set {
 public:
  using value_type = void;
  using key = detail::set_core::key;

  select_set() : core_(std::make_unique<detail::set_core>()) {}
  select_set(select_set&&) noexcept = default;
  select_set& operator=(select_set&&) noexcept = default;
  // Withdraws everything. A value that has won and was not taken goes with its event.
  ~select_set() = default;

  // Calls on_value(e.take()) each time that `e` has happened. What take() throws leaves wait().
  template <class E, class OnValue>
    requires event<std::decay_t<E>>
  key add(E&& e, OnValue&& on_value) {
    using member = detail::event_member<std::decay_t<E>, std::decay_t<OnValue>>;
    return core_->add(std::make_unique<member>(std::forward<E>(e), std::forward<OnValue>(on_value)));
  }
  // The same, and on_error(std::exception_ptr) if take() throws, or its outcome is an error; then on_value gets the value of
  // the outcome.
  template <class E, class OnValue, std::invocable<std::exception_ptr> OnError>
    requires event<std::decay_t<E>>
  key add(E&& e, OnValue&& on_value, OnError&& on_error) {
    auto both = detail::by_result<std::decay_t<OnValue>, std::decay_t<OnError>>{std::forward<OnValue>(on_value),
                                                                                std::forward<OnError>(on_error)};
    using member = detail::event_member<std::decay_t<E>, decltype(both)>;
    return core_->add(std::make_unique<member>(std::forward<E>(e), std::move(both)));
  }

  // Withdraws the event of that key. False: it is not in the set, or it has happened and its handler is still to run.
  bool remove(key k) noexcept { return core_->remove(k); }
  // Withdraws all.
  void clear() noexcept { core_->clear(); }
  std::size_t size() const noexcept { return core_->size(); }

  // Waits for one event and runs its handler. False: the set is empty.
  bool wait();
  // The same, or false if nothing has happened until then.
  bool wait_until(std::chrono::steady_clock::time_point t);
  template <class Rep, class Period>
  bool wait_for(std::chrono::duration<Rep, Period> d) {
    return wait_until(detail::from_now(d));
  }
  // The same without waiting.
  bool try_wait();

  // As an event.
  bool poll() { return core_->poll(); }
  bool arm(waiter& w, std::uint32_t index) noexcept { return core_->arm(w, index); }
  void disarm() noexcept { core_->disarm(); }
  bool complete() { return core_->complete(); }
  void describe(wait_listener& l) const noexcept { core_->describe(l); }
  // Runs the handler.
  void take() { core_->take(); }

 private:
  std::unique_ptr<detail::set_core> core_;
};

}  // namespace sluice
