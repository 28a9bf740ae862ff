// status.h - what the calls that never wait say.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

namespace sluice {

namespace detail {
enum class try_state : std::uint8_t { done, would_wait, closed };
}

// try_send: true if the value was accepted.
class try_send_result {
 public:
  explicit try_send_result(detail::try_state s) noexcept : state_(s) {}
  explicit operator bool() const noexcept { return state_ == detail::try_state::done; }
  bool full() const noexcept { return state_ == detail::try_state::would_wait; }
  bool closed() const noexcept { return state_ == detail::try_state::closed; }

 private:
  detail::try_state state_;
};

// try_recv: holds a value, or says whether there is none yet or never will be.
template <class T>
class try_recv_result {
 public:
  explicit try_recv_result(detail::try_state s) noexcept : state_(s) {}
  explicit try_recv_result(std::optional<T>&& value) noexcept
      : value_(std::move(value)), state_(value_ ? detail::try_state::done : detail::try_state::closed) {}

  explicit operator bool() const noexcept { return value_.has_value(); }
  bool empty() const noexcept { return state_ == detail::try_state::would_wait; }
  bool closed() const noexcept { return state_ == detail::try_state::closed; }
  T& operator*() & noexcept { return *value_; }
  const T& operator*() const& noexcept { return *value_; }
  T&& operator*() && noexcept { return *std::move(value_); }
  T* operator->() noexcept { return &*value_; }
  const T* operator->() const noexcept { return &*value_; }

 private:
  std::optional<T> value_;
  detail::try_state state_;
};

}  // namespace sluice
