// channel.h - typed pipes between fibers, threads and whatever else can wait.
//
//   channel<int> c(16);                 // bounded; channel<int>(): rendezvous; channel<int>(unbounded); more in options.h
//   channel<int> d(16, "orders");       // named: reports show it
//   go([=] { for (int i = 0; i < 3; ++i) c.send(i); c.close(); });
//   for (int v : c) use(v);             // until closed and drained
//
// A channel is a handle: copies refer to the same channel, and its operations are const. channel<T>(nullptr) is the
// channel that is never ready, as a case to switch off.
// T: movable without throwing; it may be move-only, over-aligned, large, without a default constructor. Its move and the
//    destructor of a moved-from T may run under the channel's lock: they must neither wait nor use the channel.
// Threads: everything may be called from any fiber or thread. send, recv and iteration block; the rest does not.
// Orders:  what happened before a send is visible to the receive that yields its value; what happened before close() to the
//          receive that finds the channel closed. Values are FIFO, and so are the waiters on either side.
// Cost:    an operation that need not wait takes the channel's lock once; no allocation after construction (unbounded: now
//          and then a block).
#pragma once

#include <sluice/channels/detail/channel_batch.h>
#include <sluice/channels/detail/channel_core.h>
#include <sluice/channels/events.h>
#include <sluice/channels/options.h>
#include <sluice/channels/stats.h>
#include <sluice/channels/status.h>
#include <sluice/futures/wait.h>

#include <concepts>
#include <cstddef>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

template <class T>
class channel {
 public:
  using value_type = T;

  // std::length_error or std::bad_alloc if that capacity cannot be had.
  explicit channel(std::size_t capacity = 0) : core_(core_ptr::adopt(new detail::channel_core<T>(capacity))) {}
  explicit channel(unbounded_t u) : core_(core_ptr::adopt(new detail::channel_core<T>(u))) {}
  channel(std::size_t capacity, std::string_view name)
      : channel(channel_options<T>{.capacity = capacity, .name = std::string(name)}) {}
  explicit channel(keep_latest_t) : channel(channel_options<T>{.capacity = 1, .when_full = overflow::drop_oldest}) {}
  // std::invalid_argument if it is to drop values and is unbounded or has no room; else as above.
  explicit channel(channel_options<T> options)
      : core_((detail::check_overflow(options.when_full, options.capacity),
               core_ptr::adopt(new detail::channel_core<T>(std::move(options))))) {}
  template <std::same_as<std::nullptr_t> Null>  // a template, since channel(0) means a capacity
  explicit channel(Null) noexcept {}

  // Blocks until the value is accepted: true; or the channel is closed: false, and the value is still the caller's.
  // Throws cancelled (not sent).
  bool send(T&& value) const {
    send_event<T> e(core_.get(), value);
    detail::wait_one(e);
    return e.take();
  }
  bool send(const T& value) const
    requires std::is_copy_constructible_v<T>
  {
    return send(T(value));
  }

  // Blocks until there is a value. Empty once the channel is closed and drained; throws instead if it was closed with an
  // error. Throws cancelled (nothing received).
  std::optional<T> recv() const {
    recv_event<T> e(core_.get());
    detail::wait_one(e);
    return e.take();
  }

  // Never block. A refused value is still the caller's.
  try_send_result try_send(T&& value) const {
    send_event<T> e(core_.get(), value);
    if (!e.poll()) return try_send_result(detail::try_state::would_wait);
    return try_send_result(e.take() ? detail::try_state::done : detail::try_state::closed);
  }
  try_send_result try_send(const T& value) const
    requires std::is_copy_constructible_v<T>
  {
    return try_send(T(value));
  }
  // Throws the error that the channel was closed with, once it is drained.
  try_recv_result<T> try_recv() const {
    recv_event<T> e(core_.get());
    if (!e.poll()) return try_recv_result<T>(detail::try_state::would_wait);
    return try_recv_result<T>(e.take());
  }

  // Sends many, in order and as many as possible at a time; blocks until all are accepted, or the channel is closed. Returns
  // how many were accepted (and so moved from): the first ones. `values` is moved past them, also when `cancelled` is
  // thrown, and then begins with what is still the caller's.
  std::size_t send_many(std::span<T>& values) const {
    const std::size_t before = values.size();
    while (!values.empty()) {
      values = values.subspan(try_send_many(values));
      if (values.empty() || !send(std::move(values.front()))) break;
      values = values.subspan(1);
    }
    return before - values.size();
  }
  std::size_t send_many(std::span<T>&& values) const { return send_many(values); }

  // Receives up to `most` values, in order, and appends them to `out`. Blocks until there is one; returns how many. None (or
  // the error that it was closed with) once the channel is closed and drained. Throws cancelled (nothing received).
  // Allocates only if `out` has no room.
  std::size_t recv_many(std::vector<T>& out, std::size_t most) const {
    if (most == 0) return 0;
    if (const std::size_t n = try_recv_many(out, most)) return n;
    if (out.size() == out.capacity()) out.reserve(2 * out.size() + 1);
    auto first = recv();
    if (!first) return 0;
    out.push_back(*std::move(first));
    return 1 + try_recv_many(out, most - 1);
  }

  // The same with what needs no waiting, which may be nothing: full, empty, or closed.
  std::size_t try_send_many(std::span<T> values) const {
    std::size_t sent = 0;
    while (core_ && sent < values.size()) {
      sent += core_->send_some(values.subspan(sent));
      if (sent == values.size()) break;
      try {
        if (!try_send(std::move(values[sent]))) break;
      } catch (...) {  // no memory: whatever was sent must be told
        if (sent == 0) throw;
        break;
      }
      ++sent;
    }
    return sent;
  }
  std::size_t try_recv_many(std::vector<T>& out, std::size_t most) const {
    return core_ ? core_->receive_some(out, most) : 0;
  }

  // No more sends. Blocked senders are refused and keep their values; what was accepted is still delivered. False: it was
  // closed before, and nothing changed.
  bool close() const noexcept { return core_ && core_->close(nullptr); }
  // The same, and receivers that find it drained get `error` thrown.
  bool close(std::exception_ptr error) const noexcept { return core_ && core_->close(std::move(error)); }

  bool closed() const noexcept { return core_ && core_->word().is_closed(); }
  // Accepted and not yet received, at some moment during the call.
  std::size_t size() const noexcept { return core_ ? core_->size() : 0; }
  // 0: rendezvous. The largest std::size_t: unbounded.
  std::size_t capacity() const noexcept { return core_ ? core_->capacity() : 0; }
  // As given; "" if it has none. Lives as long as the channel.
  const char* name() const noexcept { return core_ ? core_->name() : ""; }
  // Who waits, and more: see stats.h.
  channel_stats stats() const noexcept { return core_ ? core_->stats() : channel_stats{}; }

  // Receives until the channel is closed and drained; ++ blocks as recv() does.
  class iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = T*;
    using reference = T&;
    explicit iterator(const channel* c) : channel_(c) { ++*this; }
    T& operator*() const noexcept { return *value_; }
    T* operator->() const noexcept { return &*value_; }
    iterator& operator++() {
      value_.reset();
      if (auto next = channel_->recv()) value_.emplace(*std::move(next));
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& i, std::default_sentinel_t) noexcept { return !i.value_; }

   private:
    const channel* channel_;
    mutable std::optional<T> value_;
  };
  iterator begin() const { return iterator(this); }
  std::default_sentinel_t end() const noexcept { return {}; }

  // The same channel?
  friend bool operator==(const channel& a, const channel& b) noexcept { return a.core_.get() == b.core_.get(); }

 private:
  using core_ptr = detail::intrusive_ptr<detail::channel_core<T>>;
  friend struct detail::channel_access;
  core_ptr core_;
};

}  // namespace sluice
