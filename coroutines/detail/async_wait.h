// async_wait.h - the middle of one wait of a coroutine, for whoever carries it out while the coroutine is suspended.
//
// It lies in the awaiter, on the coroutine's frame. What an awaiter is made of is an *operation*: an async_wait with
//   bool ready()     done without waiting?
//   R result()       afterwards; throws if the wait was stopped
//   void give_up()   instead of result(): abandons the events
// What complete() throws, while the coroutine is suspended, is thrown to the coroutine by result().
#pragma once

#include <sluice/futures/event.h>
#include <sluice/futures/future.h>
#include <sluice/futures/wait.h>

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <utility>

namespace sluice::detail {

class async_wait {
 public:
  // Begins a wait of `self` and arms the events.
  virtual void arm(waiter& self) noexcept = 0;
  // What it waits for, in words; while it is armed.
  virtual void describe(wait_listener& l) const noexcept = 0;
  // Decided for `won`: withdraws every event that was armed and did not win.
  virtual void withdraw(std::uint32_t won) noexcept = 0;

  // The same, and completes the winner. False: the wait goes round again.
  bool settle(std::uint32_t won) noexcept {
    withdraw(won);
    won_ = won;
    return won >= waiter::expired_index || complete(won);
  }

  // Of a task: the coroutine that suspends here.
  void lies_in(std::coroutine_handle<> coroutine) noexcept {
    frame_ = static_cast<std::int32_t>(reinterpret_cast<std::byte*>(this) - static_cast<std::byte*>(coroutine.address()));
  }
  std::coroutine_handle<> coroutine() noexcept {
    return std::coroutine_handle<>::from_address(reinterpret_cast<std::byte*>(this) - frame_);
  }

 protected:
  virtual bool complete(std::uint32_t won) noexcept = 0;
  ~async_wait() = default;

  void throw_if_stopped() const {
    if (won_ >= waiter::expired_index) [[unlikely]]
      throw_stopped(won_);
  }

  std::uint32_t won_ = 0;

 private:
  std::int32_t frame_ = 0;  // how far before this the frame begins that this is part of: half the size of a pointer
};

// Where an exception stays until the coroutine runs again; nothing, if there cannot be one.
template <bool Throws>
class caught {
 public:
  template <class F>
  bool run(F complete) noexcept {
    return complete();
  }
  void rethrow() const noexcept {}
};
template <>
class caught<true> {
 public:
  // True also if it has thrown: then the wait is over.
  template <class F>
  bool run(F complete) noexcept {
    try {
      return complete();
    } catch (...) {
      error_ = std::current_exception();
      return true;
    }
  }
  void rethrow() {
    if (error_ != nullptr) [[unlikely]]
      std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  std::exception_ptr error_;
};

template <class E>
constexpr bool complete_throws = false;
template <has_complete E>
constexpr bool complete_throws<E> = !noexcept(std::declval<E&>().complete());

template <event E>
class await_event : public async_wait {
 public:
  explicit await_event(E& e) noexcept : event_(&e) {}

  bool ready() {
    abandon_losers unless_done(*event_);
    const bool done = event_->poll();
    unless_done.but_for(0);
    return done;
  }
  typename E::value_type result() {
    abandon_losers unless_done(*event_);
    throw_if_stopped();
    caught_.rethrow();
    unless_done.but_for(0);
    return event_->take();
  }
  void give_up() noexcept { abandon(*event_); }

  void arm(waiter& self) noexcept override {
    self.open();
    event_->arm(self, 0);
  }
  void describe(wait_listener& l) const noexcept override { detail::describe(*event_, l); }
  void withdraw(std::uint32_t won) noexcept override {
    if (won != 0) event_->disarm();
  }

 private:
  bool complete(std::uint32_t) noexcept override {
    return caught_.run([this] { return detail::complete(*event_); });
  }

  E* event_;
  [[no_unique_address]] caught<complete_throws<E>> caught_;
};

// A future's value. If the wait throws, the future keeps its place.
template <class T>
class await_future : public async_wait {
 public:
  explicit await_future(future<T>& f) : future_(&f), done_(f) {}

  bool ready() const noexcept { return done_.poll(); }
  T result() {
    throw_if_stopped();
    return future_->get();
  }
  void give_up() noexcept {}

  void arm(waiter& self) noexcept override {
    self.open();
    done_.arm(self, 0);
  }
  void describe(wait_listener& l) const noexcept override { done_.describe(l); }
  void withdraw(std::uint32_t won) noexcept override {
    if (won != 0) done_.disarm();
  }

 private:
  bool complete(std::uint32_t) noexcept override { return true; }

  future<T>* future_;
  done_event<T> done_;
};

template <class A>
concept operation = std::derived_from<A, async_wait> && !requires(A& a) { a.await_ready(); };

template <class A>
struct is_future : std::false_type {};
template <class T>
struct is_future<future<T>> : std::true_type {};

// What can be awaited, and the operation that does it.
template <class A>
concept awaitable = event<A> || is_future<A>::value || operation<A>;

template <class A>
struct operation_for;
template <event E>
struct operation_for<E> {
  using type = await_event<E>;
};
template <class T>
struct operation_for<future<T>> {
  using type = await_future<T>;
};
template <operation O>
struct operation_for<O> {
  using type = O;
};
template <awaitable A>
using operation_of = typename operation_for<A>::type;

// What the operation is made from: events and futures stay where they are, an operation moves into its awaiter.
template <awaitable A>
decltype(auto) to_operation(A& a) noexcept {
  if constexpr (operation<A>)
    return std::move(a);
  else
    return (a);
}

}  // namespace sluice::detail
