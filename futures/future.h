// future.h - a result that arrives once.
//
//   future<int> f = go([] { return 42; });
//   int v = f.get();                                  // waits; throws what the fiber threw
//   auto d = done(f); auto late = after(1s);
//   if (select(d, late) == d) use(d.take());          // as an event: the outcome as data
//
// Threads: a future belongs to one owner at a time; the promise may be fulfilled from any fiber or thread.
// Orders:  what happened before the promise was fulfilled is visible to whoever sees the result.
// Cost:    one allocation for each promise or fiber; get() on a ready future is a load and a move.
#pragma once

#include <sluice/futures/registration.h>
#include <sluice/futures/shared_state.h>
#include <sluice/futures/wait.h>

#include <future>
#include <stdexcept>

namespace sluice {

template <class T>
class done_event;
template <class T>
class promise;
template <class T>
class future;

namespace detail {

[[noreturn]] inline void throw_future_error(std::future_errc e) { throw std::future_error(e); }

template <class T>
future<T> make_future(intrusive_ptr<shared_state<T>> state) noexcept;

struct future_access {
  template <class T>
  static shared_state<T>& state(const future<T>& f) {
    return f.state();
  }
};

}  // namespace detail

template <class T>
class future {
 public:
  using value_type = T;
  future() = default;
  future(future&&) noexcept = default;
  future& operator=(future&&) noexcept = default;

  bool valid() const noexcept { return static_cast<bool>(state_); }

  // True once there is a value or an error. std::future_error(no_state) if not valid(), as everywhere below.
  bool ready() const { return state().ready(); }

  // Blocks until ready().
  void wait() const {
    done_event<T> e(*this);
    detail::wait_one(e);
  }

  // Blocks until ready(), then moves the result out or throws the error; the future is not valid() any more. If the wait
  // itself throws (cancelled), the future keeps its place.
  T get() {
    if (!ready()) wait();
    return std::exchange(state_, {})->take().get();
  }

  // Asks the fiber that computes the result to stop: its current or next blocking wait throws `cancelled`; requests that
  // are not yet delivered count as one. A fiber that has not begun does not begin. False if there is no such fiber, or it is
  // done. Does not block; the result still arrives (as `cancelled`, if the fiber lets it pass).
  bool cancel() const { return state().request_cancel(); }

  // Calls f(const outcome<T>&) when the result is there: at once if it is, else in the fiber or thread that fulfils the
  // promise, before anybody else sees the future ready; so f should be short. In the order of registration, each once,
  // unless the registration goes before. An exception of f is reported as an error nobody looked at. Allocates once.
  template <class F>
    requires std::invocable<std::decay_t<F>&, const outcome<T>&>
  registration on_ready(F&& f) const {
    auto made = detail::intrusive_ptr<detail::callback>::adopt(new detail::callback_of<T, std::decay_t<F>>(
        detail::intrusive_ptr<detail::shared_state_base>::share(&state()), std::forward<F>(f)));
    made->start();
    return registration(std::move(made));
  }

  // How many waits and callbacks are pending on this result at the moment.
  std::size_t waiters() const { return state().waiting().size(); }

 private:
  friend class promise<T>;
  friend class done_event<T>;
  friend struct detail::future_access;
  friend future detail::make_future<T>(detail::intrusive_ptr<detail::shared_state<T>>) noexcept;
  explicit future(detail::intrusive_ptr<detail::shared_state<T>> state) noexcept : state_(std::move(state)) {}
  detail::shared_state<T>& state() const {
    if (!state_) detail::throw_future_error(std::future_errc::no_state);
    return *state_;
  }

  detail::intrusive_ptr<detail::shared_state<T>> state_;
};

template <class T>
future<T> detail::make_future(intrusive_ptr<shared_state<T>> state) noexcept {
  return future<T>(std::move(state));
}

// The event "the future is ready". take() moves the outcome out of the future, so one party may take it.
template <class T>
class done_event {
 public:
  using value_type = outcome<T>;
  explicit done_event(const future<T>& f) : state_(detail::intrusive_ptr<detail::shared_state<T>>::share(&f.state())) {}

  bool poll() const noexcept { return state_ && state_->ready(); }
  bool arm(waiter& w, std::uint32_t index) noexcept { return !state_ || state_->waiting().arm(node_, w, index); }
  void disarm() noexcept {
    if (state_) state_->waiting().disarm(node_);
  }
  // std::future_error(no_state) when it was taken already: the event can never happen again.
  outcome<T> take() {
    if (!state_) detail::throw_future_error(std::future_errc::no_state);
    return std::exchange(state_, {})->take();
  }
  bool spent() const noexcept { return !state_; }
  std::uint64_t look() const noexcept { return poll() ? detail::may_be_ready : 0; }
  void describe(wait_listener& l) const noexcept {
    if (!state_) return l.add({.kind = "nothing: the future was taken"});
    l.add({.kind = "future", .address = state_.get(), .by = state_->computed_by()});
  }

 private:
  detail::intrusive_ptr<detail::shared_state<T>> state_;
  wait_node node_;
};

template <class T>
done_event<T> done(const future<T>& f) {
  return done_event<T>(f);
}

// The other end: fulfilled once, by anybody, from any fiber or thread. A promise that is dropped unfulfilled gives its
// future std::future_error(broken_promise).
template <class T>
class promise {
 public:
  promise() : state_(detail::intrusive_ptr<detail::shared_state<T>>::adopt(new detail::shared_state<T>)) {}
  promise(promise&& other) noexcept
      : state_(std::move(other.state_)), claimed_(other.claimed_.load(std::memory_order_relaxed)), taken_(other.taken_) {}
  promise& operator=(promise other) noexcept {
    std::swap(state_, other.state_);
    claimed_.store(other.claimed_.exchange(claimed_.load(std::memory_order_relaxed), std::memory_order_relaxed),
                   std::memory_order_relaxed);
    std::swap(taken_, other.taken_);
    return *this;
  }
  ~promise() {
    if (state_ && taken_ && !claimed_.load(std::memory_order_relaxed))
      state_->fulfil(std::make_exception_ptr(std::future_error(std::future_errc::broken_promise)));
  }

  // Once; std::future_error(future_already_retrieved) after that.
  future<T> get_future() {
    auto state = this->state();
    if (std::exchange(taken_, true)) detail::throw_future_error(std::future_errc::future_already_retrieved);
    return future<T>(std::move(state));
  }

  // std::future_error(promise_already_satisfied) if it is fulfilled already. If making the value throws, nothing happened.
  template <class... Args>
    requires std::is_constructible_v<outcome<T>, std::in_place_t, Args&&...>
  void set_value(Args&&... args) {
    detail::shared_state<T>& state = claim();
    try {
      state.fulfil(std::in_place, std::forward<Args>(args)...);
    } catch (...) {
      claimed_.store(false, std::memory_order_relaxed);
      throw;
    }
  }
  // As set_value; std::invalid_argument if there is no error.
  void set_exception(std::exception_ptr error) {
    if (error == nullptr) throw std::invalid_argument("sluice: set_exception(nullptr): a future needs an error or a value");
    claim().fulfil(std::move(error));
  }

 private:
  detail::intrusive_ptr<detail::shared_state<T>> state() const {
    if (!state_) detail::throw_future_error(std::future_errc::no_state);
    return state_;
  }
  // It stays until it is seen to be ready, for the promise stays; and fulfilling it touches neither after that.
  detail::shared_state<T>& claim() {
    if (!state_) detail::throw_future_error(std::future_errc::no_state);
    if (claimed_.exchange(true, std::memory_order_acq_rel))
      detail::throw_future_error(std::future_errc::promise_already_satisfied);
    return *state_;
  }

  detail::intrusive_ptr<detail::shared_state<T>> state_;
  std::atomic<bool> claimed_{false};
  bool taken_ = false;
};

}  // namespace sluice
