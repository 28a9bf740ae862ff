// events.h - a receive or a send as an event, for select.
//
//   auto next = recv(numbers);  auto quit = recv(stop);
//   if (select(next, quit) == next) use(*next.take());
//
// recv(c) and send(c, v) borrow a channel that is an lvalue: it must outlive the event. A temporary handle is kept.
// Threads: an event belongs to one waiting party at a time.
#pragma once

#include <sluice/channels/detail/channel_core.h>
#include <sluice/futures/event.h>

namespace sluice {

template <class T>
class channel;

namespace detail {

// Of a channel that is never ready there is no core.
template <class Core>
void describe_channel(wait_listener& l, const char* action, const Core* core, const char* kind = "channel") noexcept {
  if (core == nullptr) return l.add({.kind = "nothing: the channel is never ready"});
  wait_source s{.action = action, .kind = kind, .address = core, .handles = core->ref_count()};
  if constexpr (requires { s.name = core->name(); }) s.name = core->name();
  l.add(s);
}

struct channel_access {
  template <class T>
  static const intrusive_ptr<channel_core<T>>& core(const channel<T>& c) noexcept {
    return c.core_;
  }
};

}  // namespace detail

template <class T>
class recv_event {
 public:
  using value_type = std::optional<T>;
  using core_ptr = detail::intrusive_ptr<detail::channel_core<T>>;
  explicit recv_event(detail::channel_core<T>* borrowed) noexcept : core_(borrowed) {}
  explicit recv_event(core_ptr kept) noexcept : core_(std::move(kept)) {}
  recv_event(recv_event&&) noexcept = default;
  recv_event& operator=(recv_event&& other) noexcept {
    if (this == &other) return *this;
    give_up_untaken();
    core_ = std::move(other.core_);
    node_ = std::move(other.node_);
    return *this;
  }
  ~recv_event() { give_up_untaken(); }

  bool poll() noexcept { return core_ && core_->poll(node_); }
  bool arm(waiter& w, std::uint32_t index) noexcept { return !core_ || core_->arm(node_, w, index); }
  void disarm() noexcept {
    if (core_) core_->disarm(node_);
  }
  // The value; empty if the channel is closed and drained. Throws the error it was closed with. The event may then be
  // waited for again; one that found the channel closed and drained stays ready and says so each time.
  std::optional<T> take() {
    if (spent()) {
      core_->throw_close_error();
      return std::nullopt;
    }
    node_.state = detail::transfer::pending;
    std::optional<T> taken(std::move(node_.slot));
    node_.slot.reset();
    detail::others_may_write(taken);
    return taken;
  }
  // Closed and drained: there will not be a value.
  bool spent() const noexcept { return node_.state == detail::transfer::closed; }
  std::uint64_t look() const noexcept {
    if (!core_) return 0;
    return core_->word().look(detail::channel_word::recv_ready) | (node_.state != detail::transfer::pending);
  }
  void describe(wait_listener& l) const noexcept { detail::describe_channel(l, "recv from", core_.get()); }

 private:
  // A value that was received and not taken.
  void give_up_untaken() noexcept {
    if (!node_.slot) return;
    core_->give_up(*std::move(node_.slot));
    node_.slot.reset();
  }

  detail::maybe_shared<detail::channel_core<T>> core_;
  detail::recv_node<T> node_;
};

// A send whose value belongs to somebody else: T& for a call that waits in place. `Core`: what it is sent to.
template <class T, class Core = detail::channel_core<T>>
class send_event {
 public:
  using value_type = bool;
  send_event(Core* borrowed, T& value) noexcept : core_(borrowed) { node_.value = &value; }

  bool poll() { return core_ != nullptr && core_->poll(node_); }
  bool arm(waiter& w, std::uint32_t index) noexcept { return core_ == nullptr || core_->arm(node_, w, index); }
  void disarm() noexcept {
    if (core_ != nullptr) core_->disarm(node_);
  }
  // Whether the value was accepted (and so moved from).
  bool take() noexcept {
    core_->complete(node_);
    return node_.state == detail::transfer::done;
  }
  std::uint64_t look() const noexcept {
    if (core_ == nullptr) return 0;
    return core_->word().look(detail::channel_word::send_ready) | (node_.state != detail::transfer::pending);
  }
  void describe(wait_listener& l) const noexcept { detail::describe_channel(l, "send to", core_); }

 private:
  Core* core_;
  typename Core::send_node node_;
};

// A send that carries its value, until it is accepted or taken back.
template <class T, class Core = detail::channel_core<T>>
class owning_send_event {
 public:
  using value_type = bool;
  using core_ptr = detail::intrusive_ptr<Core>;
  owning_send_event(Core* borrowed, T&& value) noexcept : core_(borrowed), value_(std::move(value)) {}
  owning_send_event(core_ptr kept, T&& value) noexcept : core_(std::move(kept)), value_(std::move(value)) {}

  bool poll() {
    if (!core_ || !offer()) return false;
    return core_->poll(node_);
  }
  bool arm(waiter& w, std::uint32_t index) noexcept { return !core_ || !offer() || core_->arm(node_, w, index); }
  void disarm() noexcept {
    if (core_) core_->disarm(node_);
  }
  bool complete() noexcept {
    core_->complete(node_);
    return true;
  }
  // Whether the value was accepted. If not, value() still has it. The event is spent: it is never ready again.
  bool take() noexcept {
    spent_ = true;
    if (std::exchange(node_.state, detail::transfer::pending) != detail::transfer::done) return false;
    value_.reset();
    return true;
  }
  bool spent() const noexcept { return spent_; }
  // The value that was not sent (yet); to be moved from when the event is not used any more. Empty after a send.
  std::optional<T>& value() noexcept { return value_; }
  std::uint64_t look() noexcept {
    if (!core_ || !offer()) return 0;
    return core_->word().look(detail::channel_word::send_ready) | (node_.state != detail::transfer::pending);
  }
  void describe(wait_listener& l) const noexcept { detail::describe_channel(l, "send to", core_.get()); }

 private:
  bool offer() noexcept {
    if (!spent_) node_.value = &*value_;  // anew each time: the event may have moved
    return !spent_;
  }

  detail::maybe_shared<Core> core_;
  std::optional<T> value_;
  typename Core::send_node node_;
  bool spent_ = false;
};

template <class T>
recv_event<T> recv(const channel<T>& c) noexcept {
  return recv_event<T>(detail::channel_access::core(c).get());
}
template <class T>
recv_event<T> recv(channel<T>&& c) noexcept {
  return recv_event<T>(detail::channel_access::core(c));
}

template <class T, class V = T>
  requires std::is_constructible_v<T, V&&>
owning_send_event<T> send(const channel<T>& c, V&& value) {
  return owning_send_event<T>(detail::channel_access::core(c).get(), T(std::forward<V>(value)));
}
template <class T, class V = T>
  requires std::is_constructible_v<T, V&&>
owning_send_event<T> send(channel<T>&& c, V&& value) {
  return owning_send_event<T>(detail::channel_access::core(c), T(std::forward<V>(value)));
}

}  // namespace sluice
