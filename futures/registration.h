// registration.h - a callback that can be taken back.
#pragma once

#include <sluice/base/intrusive_ptr.h>
#include <sluice/futures/callback_waiter.h>
#include <sluice/futures/shared_state.h>

#include <atomic>
#include <type_traits>
#include <utility>

namespace sluice {

namespace detail {

// Shared by the registration and by whoever runs the callback; the latter's reference goes when it has run or is withdrawn.
class callback : public ref_counted, public callback_waiter {
 public:
  // Runs it at once if the state is ready. Requires a reference of the caller's.
  void start() noexcept;
  // On return it does not run and will not, unless this is called by the callback itself.
  void withdraw() noexcept;

 protected:
  explicit callback(intrusive_ptr<shared_state_base> state) noexcept : state_(std::move(state)) {}
  shared_state_base& state() const noexcept { return *state_; }

 private:
  virtual void call() = 0;
  void wake() noexcept override;

  const intrusive_ptr<shared_state_base> state_;
  wait_node node_;
  // Nobody, withdrawn, or the party that runs it.
  std::atomic<const void*> caller_{nullptr};
  wait_list has_run_;
};

template <class T, class F>
class callback_of final : public callback {
 public:
  template <class G>
  callback_of(intrusive_ptr<shared_state_base> state, G&& f) : callback(std::move(state)), function_(std::forward<G>(f)) {}

 private:
  void call() override { function_(static_cast<shared_state<T>&>(state()).look_at()); }
  F function_;
};

}  // namespace detail

// Takes the callback back when it is destroyed, or reset(). If it is just running elsewhere, that waits until it is over;
// the callback itself may do it too. Not cancelled.
class [[nodiscard]] registration {
 public:
  registration() = default;
  explicit registration(detail::intrusive_ptr<detail::callback> c) noexcept : callback_(std::move(c)) {}
  registration(registration&&) noexcept = default;
  registration& operator=(registration&& other) noexcept {
    if (this != &other) {
      reset();
      callback_ = std::move(other.callback_);
    }
    return *this;
  }
  ~registration() { reset(); }

  void reset() noexcept {
    if (const auto gone = std::exchange(callback_, {})) gone->withdraw();
  }
  // The callback stays for good.
  void detach() noexcept { callback_ = {}; }

 private:
  detail::intrusive_ptr<detail::callback> callback_;
};

}  // namespace sluice
