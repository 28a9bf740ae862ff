// broadcast.h - one value to many: each subscriber sees every value that is sent after it subscribed.
//
//   broadcast<tick> ticks(16);
//   go([in = ticks.subscribe()] { while (auto t = in.recv()) use(*t); });
//   ticks.send(now);  ...  ticks.close();
//
// What happens to the values that a slow subscriber has not taken is chosen when the broadcast is made:
//   broadcast<tick> ticks(16);                          // a send waits until there is room for the slowest
//   broadcast<tick> ticks(16, overflow::drop_oldest);   // a send never waits; who is slow is told how many it missed
// A broadcast is a handle: copies refer to the same one. A subscriber leaves when its subscription is destroyed, and then
// holds up nobody. A value that is sent while nobody is subscribed is accepted, and gone.
// T: copied once for each subscriber, when it takes the value; movable without throwing. Share a std::shared_ptr<const T> if
//    copies are not to be had.
// Threads: everything may be called from any fiber or thread; a subscription's events belong to one party at a time each,
//          and several of them share what it gets. send (if it may have to wait) and recv block; the rest does not.
// Orders:  what happened before a send is visible to those who receive its value. All see the values in one order.
// Cost:    a send allocates once, and looks at each subscriber under the lock; a receive takes the lock once.
#pragma once

#include <sluice/channels/detail/broadcast_core.h>
#include <sluice/channels/events.h>
#include <sluice/channels/options.h>
#include <sluice/futures/wait.h>

#include <memory>
#include <optional>
#include <string_view>

namespace sluice {

// What a subscriber receives: a value, or nothing if the broadcast is closed and all was seen.
template <class T>
class broadcast_result {
 public:
  broadcast_result() = default;
  broadcast_result(const T& value, std::uint64_t lagged) : value_(value), lagged_(lagged) {}

  explicit operator bool() const noexcept { return value_.has_value(); }
  T& operator*() & noexcept { return *value_; }
  const T& operator*() const& noexcept { return *value_; }
  T&& operator*() && noexcept { return *std::move(value_); }
  T* operator->() noexcept { return &*value_; }
  const T* operator->() const noexcept { return &*value_; }

  // How many values this subscriber missed just before this one.
  std::uint64_t lagged() const noexcept { return lagged_; }

 private:
  std::optional<T> value_;
  std::uint64_t lagged_ = 0;
};

template <class T>
class subscription;

// The event "this subscriber gets a value". It borrows the subscription, which must outlive it.
template <class T>
class broadcast_recv_event {
 public:
  using value_type = broadcast_result<T>;
  explicit broadcast_recv_event(const subscription<T>& s) noexcept
      : core_(s.core_.get()), subscriber_(s.subscriber_.get()) {}

  bool poll() noexcept { return core_->poll(node_, *subscriber_); }
  bool arm(waiter& w, std::uint32_t index) noexcept { return core_->arm(node_, *subscriber_, w, index); }
  void disarm() noexcept { core_->disarm(node_); }
  // The value; empty if the broadcast is closed and all was seen, and then it stays so. If copying T throws, the value can
  // be taken again.
  broadcast_result<T> take() {
    if (spent()) return {};
    broadcast_result<T> taken(node_.got->get(), node_.lagged);
    node_ = {};
    return taken;
  }
  bool spent() const noexcept { return node_.state == detail::transfer::closed; }
  std::uint64_t look() const noexcept {
    const std::uint64_t word = core_->word().look(0);  // first: while it stays the same, so does `ready`
    return word | subscriber_->ready.load(std::memory_order_acquire) | (node_.state != detail::transfer::pending);
  }
  void describe(wait_listener& l) const noexcept { detail::describe_channel(l, "recv from", core_, "broadcast"); }

 private:
  detail::broadcast_core<T>* core_;
  typename detail::broadcast_core<T>::subscriber* subscriber_;
  typename detail::broadcast_core<T>::recv_node node_;
};

// One subscriber, from its making to its end.
template <class T>
class subscription {
 public:
  using value_type = T;
  explicit subscription(detail::intrusive_ptr<detail::broadcast_core<T>> core)
      : core_(std::move(core)), subscriber_(std::make_unique<subscriber>()) {
    core_->join(*subscriber_);
  }
  subscription(subscription&&) noexcept = default;
  subscription& operator=(subscription other) noexcept {
    std::swap(core_, other.core_);
    std::swap(subscriber_, other.subscriber_);
    return *this;
  }
  ~subscription() {
    if (subscriber_) core_->leave(*subscriber_);
  }

  // Blocks until there is a value. Empty once the broadcast is closed and this subscriber has seen all. Throws cancelled
  // (nothing received).
  broadcast_result<T> recv() const {
    broadcast_recv_event<T> e(*this);
    detail::wait_one(e);
    return e.take();
  }

 private:
  using subscriber = typename detail::broadcast_core<T>::subscriber;
  friend class broadcast_recv_event<T>;
  detail::intrusive_ptr<detail::broadcast_core<T>> core_;
  std::unique_ptr<subscriber> subscriber_;
};

template <class T>
class broadcast {
 public:
  using value_type = T;

  // `capacity`: how many values a subscriber may be behind. `when_full`: block or drop_oldest. std::invalid_argument for
  // drop_newest, a capacity of 0 and `unbounded`; std::length_error or std::bad_alloc if that capacity cannot be had.
  explicit broadcast(std::size_t capacity, overflow when_full = overflow::block, std::string_view name = {})
      : core_(core_ptr::adopt(new core(capacity, when_full, name))) {}
  broadcast(std::size_t capacity, std::string_view name) : broadcast(capacity, overflow::block, name) {}

  // Blocks until there is room for the slowest subscriber (never with drop_oldest): true; or the broadcast is closed: false,
  // and the value is still the caller's. Throws cancelled (not sent).
  bool send(T&& value) const {
    send_event<T, core> e(core_.get(), value);
    detail::wait_one(e);
    return e.take();
  }
  bool send(const T& value) const { return send(T(value)); }

  // A subscriber of what is sent from now on.
  subscription<T> subscribe() const { return subscription<T>(core_); }

  // No more sends: blocked ones are refused and keep their values. Subscribers still get what was accepted. False: it was
  // closed before.
  bool close() const noexcept { return core_->close(); }

  bool closed() const noexcept { return core_->word().is_closed(); }
  std::size_t capacity() const noexcept { return core_->capacity(); }
  // How many there are, at some moment during the call.
  std::size_t subscribers() const noexcept { return core_->subscribers(); }
  // As given; "" if it has none. Lives as long as the broadcast.
  const char* name() const noexcept { return core_->name(); }
  channel_stats stats() const noexcept { return core_->stats(); }

 private:
  using core = detail::broadcast_core<T>;
  using core_ptr = detail::intrusive_ptr<core>;
  template <class U, class V>
    requires std::is_constructible_v<U, V&&>
  friend owning_send_event<U, detail::broadcast_core<U>> send(const broadcast<U>& b, V&& value);
  template <class U, class V>
    requires std::is_constructible_v<U, V&&>
  friend owning_send_event<U, detail::broadcast_core<U>> send(broadcast<U>&& b, V&& value);
  core_ptr core_;
};

template <class T>
broadcast_recv_event<T> recv(const subscription<T>& s) noexcept {
  return broadcast_recv_event<T>(s);
}
template <class T>
broadcast_recv_event<T> recv(const subscription<T>&& s) = delete;  // it would outlive the subscription

// The event "this value is accepted". It borrows a broadcast that is an lvalue, and keeps a temporary.
template <class T, class V = T>
  requires std::is_constructible_v<T, V&&>
owning_send_event<T, detail::broadcast_core<T>> send(const broadcast<T>& b, V&& value) {
  return {b.core_.get(), T(std::forward<V>(value))};
}
template <class T, class V = T>
  requires std::is_constructible_v<T, V&&>
owning_send_event<T, detail::broadcast_core<T>> send(broadcast<T>&& b, V&& value) {
  return {std::move(b.core_), T(std::forward<V>(value))};
}

}  // namespace sluice
