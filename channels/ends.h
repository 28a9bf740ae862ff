// ends.h - the two ends of a channel as types of their own, so that going away means something.
//
//   auto [tx, rx] = make_channel<int>(4);
//
// The last sender to go closes the channel. When the last receiver goes, the channel closes too: a blocked or later send
// is refused and keeps its value, so a producer ends instead of blocking for ever.
// Copies of an end count; a moved-from end does not. Threads, orders and cost are those of channel.
#pragma once

#include <sluice/channels/channel.h>

namespace sluice {

namespace detail {

// One count in the channel, of senders or of receivers.
template <class T, std::atomic<std::uint32_t> channel_core<T>::end_count::*Count>
class end_handle {
 public:
  explicit end_handle(const channel<T>& c) noexcept : channel_(c) { add(); }
  end_handle(const end_handle& other) noexcept : channel_(other.channel_) { add(); }
  end_handle(end_handle&& other) noexcept : channel_(std::exchange(other.channel_, channel<T>(nullptr))) {}
  end_handle& operator=(end_handle other) noexcept {
    std::swap(channel_, other.channel_);
    return *this;
  }
  ~end_handle() {
    if (auto* core = channel_access::core(channel_).get();
        core != nullptr && (core->ends.*Count).fetch_sub(1, std::memory_order_acq_rel) == 1)
      core->close(nullptr);
  }
  const channel<T>& get() const noexcept { return channel_; }

 private:
  void add() noexcept {
    if (auto* core = channel_access::core(channel_).get()) (core->ends.*Count).fetch_add(1, std::memory_order_relaxed);
  }
  channel<T> channel_;
};

}  // namespace detail

template <class T>
class sender {
 public:
  using value_type = T;
  explicit sender(const channel<T>& c) noexcept : end_(c) {}
  bool send(T&& value) const { return end_.get().send(std::move(value)); }
  bool send(const T& value) const
    requires std::is_copy_constructible_v<T>
  {
    return end_.get().send(value);
  }
  try_send_result try_send(T&& value) const { return end_.get().try_send(std::move(value)); }
  try_send_result try_send(const T& value) const
    requires std::is_copy_constructible_v<T>
  {
    return end_.get().try_send(value);
  }
  std::size_t send_many(std::span<T>& values) const { return end_.get().send_many(values); }
  std::size_t send_many(std::span<T>&& values) const { return end_.get().send_many(values); }
  std::size_t try_send_many(std::span<T> values) const { return end_.get().try_send_many(values); }
  bool close() const noexcept { return end_.get().close(); }
  bool close(std::exception_ptr error) const noexcept { return end_.get().close(std::move(error)); }
  bool closed() const noexcept { return end_.get().closed(); }
  std::size_t size() const noexcept { return end_.get().size(); }
  std::size_t capacity() const noexcept { return end_.get().capacity(); }
  const char* name() const noexcept { return end_.get().name(); }
  channel_stats stats() const noexcept { return end_.get().stats(); }

 private:
  template <class U, class V>
  friend owning_send_event<U> send(const sender<U>& s, V&& value);
  detail::end_handle<T, &detail::channel_core<T>::end_count::senders> end_;
};

template <class T>
class receiver {
 public:
  using value_type = T;
  explicit receiver(const channel<T>& c) noexcept : end_(c) {}
  std::optional<T> recv() const { return end_.get().recv(); }
  try_recv_result<T> try_recv() const { return end_.get().try_recv(); }
  std::size_t recv_many(std::vector<T>& out, std::size_t most) const { return end_.get().recv_many(out, most); }
  std::size_t try_recv_many(std::vector<T>& out, std::size_t most) const { return end_.get().try_recv_many(out, most); }
  bool close() const noexcept { return end_.get().close(); }
  bool closed() const noexcept { return end_.get().closed(); }
  std::size_t size() const noexcept { return end_.get().size(); }
  std::size_t capacity() const noexcept { return end_.get().capacity(); }
  const char* name() const noexcept { return end_.get().name(); }
  channel_stats stats() const noexcept { return end_.get().stats(); }
  auto begin() const { return end_.get().begin(); }
  auto end() const noexcept { return end_.get().end(); }

 private:
  template <class U>
  friend recv_event<U> recv(const receiver<U>& r) noexcept;
  detail::end_handle<T, &detail::channel_core<T>::end_count::receivers> end_;
};

// The events borrow the end, which must outlive them.
template <class T, class V = T>
owning_send_event<T> send(const sender<T>& s, V&& value) {
  return send(s.end_.get(), std::forward<V>(value));
}
template <class T>
recv_event<T> recv(const receiver<T>& r) noexcept {
  return recv(r.end_.get());
}

template <class T, class V = T>
owning_send_event<T> send(const sender<T>&& s, V&& value) = delete;  // it would outlive the end
template <class T>
recv_event<T> recv(const receiver<T>&& r) = delete;

template <class T>
struct channel_ends {
  sender<T> tx;
  receiver<T> rx;
};

// `how`: whatever a channel can be made from.
template <class T, class How = channel_options<T>>
  requires std::is_constructible_v<channel<T>, How>
channel_ends<T> make_channel(How how = {}) {
  const channel<T> c(std::move(how));
  return {sender<T>(c), receiver<T>(c)};
}

}  // namespace sluice
