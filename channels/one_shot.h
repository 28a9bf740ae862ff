// one_shot.h - a channel for one value, as cheap as a promise; either end learns that the other has gone.
//
//   auto [tx, rx] = one_shot<reply>();
//   requests.send({question, std::move(tx)});         // somebody sends: tx.send(answer)
//   if (auto a = rx.recv()) use(*a); else retry();    // empty: tx went without sending
//
// T: movable without throwing. A value that was sent and not received goes with the receiver.
// Threads: the ends may be used at the same time, each by one party. recv blocks; the rest does not.
// Orders:  what happened before send is visible to who receives the value; what happened before the receiver went, to
//          whoever sees that it has.
// Cost:    one allocation for both ends.
#pragma once

#include <sluice/base/intrusive_ptr.h>
#include <sluice/futures/fired_event.h>
#include <sluice/futures/wait.h>
#include <sluice/futures/wait_list.h>

#include <atomic>
#include <optional>
#include <type_traits>
#include <utility>

namespace sluice {

template <class T>
class one_shot_sender;
template <class T>
class one_shot_receiver;

namespace detail {

// Who comes first decides: a send, or the receiver's leaving.
template <class T>
class one_shot_state final : public ref_counted {
  static_assert(std::is_object_v<T> && std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>,
                "sluice: a one_shot's T must not throw when it is moved or destroyed, else it could be lost on its way");

 public:
  // False: the receiver has gone.
  bool send(T& value) noexcept {
    if (decided_.exchange(true, std::memory_order_acq_rel)) return false;
    value_.emplace(std::move(value));
    answered.fire();
    return true;
  }
  void receiver_leaves() noexcept {
    decided_.store(true, std::memory_order_release);
    receiver_gone.fire();
  }
  // Requires that `answered` fired.
  std::optional<T> take() noexcept {
    std::optional<T> taken(std::move(value_));
    value_.reset();
    return taken;
  }

  wait_list answered;  // a value was sent, or the sender has gone
  wait_list receiver_gone;

 private:
  std::atomic<bool> decided_{false};
  std::optional<T> value_;  // written before `answered` fires, read after
};

}  // namespace detail

// The event "there is a value, or there will be none". It borrows the receiver, which must outlive it.
template <class T>
class one_shot_recv_event : public detail::fired_event {
 public:
  using value_type = std::optional<T>;
  explicit one_shot_recv_event(detail::one_shot_state<T>& s) noexcept : fired_event(s.answered), state_(&s) {}
  // The value, to the first who takes it; empty after that, and if the sender went without sending.
  std::optional<T> take() noexcept {
    spent_ = true;
    return state_->take();
  }
  bool spent() const noexcept { return spent_; }
  void describe(wait_listener& l) const noexcept { l.add({.action = "recv from", .kind = "one_shot", .address = state_}); }

 private:
  detail::one_shot_state<T>* state_;
  bool spent_ = false;
};

// The event "the receiver has gone". It may outlive the sender, who may send meanwhile.
template <class T>
class receiver_gone_event : public detail::fired_event {
 public:
  explicit receiver_gone_event(detail::intrusive_ptr<detail::one_shot_state<T>> s) noexcept
      : fired_event(s->receiver_gone), state_(std::move(s)) {}
  bool spent() const noexcept { return poll(); }
  void describe(wait_listener& l) const noexcept {
    l.add({.action = "end of the receiver of", .kind = "one_shot", .address = state_.get()});
  }

 private:
  detail::intrusive_ptr<detail::one_shot_state<T>> state_;
};

template <class T>
class one_shot_sender {
 public:
  using value_type = T;
  explicit one_shot_sender(detail::intrusive_ptr<detail::one_shot_state<T>> state) noexcept : state_(std::move(state)) {}
  one_shot_sender(one_shot_sender&&) noexcept = default;
  one_shot_sender& operator=(one_shot_sender other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~one_shot_sender() {
    if (state_) state_->answered.fire();
  }

  // True: accepted, and this end is used up. False: the receiver has gone (or this end is used up); the value is still the
  // caller's.
  bool send(T&& value) noexcept {
    if (!state_ || !state_->send(value)) return false;
    state_ = {};
    return true;
  }
  bool send(const T& value)
    requires std::is_copy_constructible_v<T>
  {
    return send(T(value));
  }

  // Whether a send would be refused.
  bool closed() const noexcept { return !state_ || state_->receiver_gone.fired(); }

 private:
  template <class U>
  friend receiver_gone_event<U> receiver_gone(const one_shot_sender<U>& tx) noexcept;
  detail::intrusive_ptr<detail::one_shot_state<T>> state_;
};

template <class T>
class one_shot_receiver {
 public:
  using value_type = T;
  explicit one_shot_receiver(detail::intrusive_ptr<detail::one_shot_state<T>> state) noexcept : state_(std::move(state)) {}
  one_shot_receiver(one_shot_receiver&&) noexcept = default;
  one_shot_receiver& operator=(one_shot_receiver other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~one_shot_receiver() {
    if (state_) state_->receiver_leaves();
  }

  // Blocks until there is a value; empty if the sender went without sending, or the value was received before. Throws
  // cancelled.
  std::optional<T> recv() const {
    one_shot_recv_event<T> e(*state_);
    detail::wait_one(e);
    return e.take();
  }

 private:
  template <class U>
  friend one_shot_recv_event<U> recv(const one_shot_receiver<U>& rx) noexcept;
  detail::intrusive_ptr<detail::one_shot_state<T>> state_;
};

template <class T>
one_shot_recv_event<T> recv(const one_shot_receiver<T>& rx) noexcept {
  return one_shot_recv_event<T>(*rx.state_);
}
template <class T>
one_shot_recv_event<T> recv(const one_shot_receiver<T>&& rx) = delete;  // it would outlive the receiver

// For who computes an answer that nobody may want any more. Requires that tx has not sent.
template <class T>
receiver_gone_event<T> receiver_gone(const one_shot_sender<T>& tx) noexcept {
  return receiver_gone_event<T>(tx.state_);
}

template <class T>
struct one_shot_ends {
  one_shot_sender<T> tx;
  one_shot_receiver<T> rx;
};

template <class T>
one_shot_ends<T> one_shot() {
  auto state = detail::intrusive_ptr<detail::one_shot_state<T>>::adopt(new detail::one_shot_state<T>);
  return {one_shot_sender<T>(state), one_shot_receiver<T>(state)};
}

}  // namespace sluice
