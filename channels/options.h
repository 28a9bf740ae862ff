// options.h - how a channel is made: how much it holds, what happens when that is full, and where values go that nobody
// will receive.
//
//   channel<job> jobs({.capacity = 64, .undelivered = [](job&& j) noexcept { put_back(std::move(j)); }});
//   channel<reading> recent({.capacity = 8, .when_full = overflow::drop_oldest});
//   channel<reading> newest(keep_latest);
//
// A send to a channel that drops never blocks and always succeeds while the channel is open: the value is accepted, and
// accepted values are dropped from either end. A receiver that waits gets its value directly, before any is dropped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>

namespace sluice {

// Asks for a channel without a bound: a send to it never waits.
struct unbounded_t {
  explicit unbounded_t() = default;
  constexpr operator std::size_t() const noexcept { return std::numeric_limits<std::size_t>::max(); }  // as a capacity
};
inline constexpr unbounded_t unbounded{};

// Asks for a channel that holds one value, the newest: capacity 1, overflow::drop_oldest.
struct keep_latest_t {
  explicit keep_latest_t() = default;
};
inline constexpr keep_latest_t keep_latest{};

// What a send to a full channel does.
enum class overflow : std::uint8_t {
  block,        // waits for room
  drop_oldest,  // makes room: the value that has been in the channel longest is dropped
  drop_newest,  // drops the value that is being sent
};

template <class T>
struct channel_options {
  std::size_t capacity = 0;  // 0: rendezvous; or `unbounded`
  overflow when_full = overflow::block;

  // Gets each value that the channel has accepted and that nobody will receive, once: what is dropped because the channel is
  // full, what is left when the last handle goes, and what an event has received when it is destroyed before it was taken.
  // Called by whoever does that, with no lock held. It may use channels but should not wait, since the sender waits with it;
  // std::terminate if it throws. Without it such values are destroyed.
  std::function<void(T&&)> undelivered = nullptr;

  // For messages and named_channels().
  std::string name = {};
};

namespace detail {

inline void check_overflow(overflow when_full, std::size_t capacity) {
  if (when_full == overflow::block || (capacity > 0 && capacity < unbounded)) return;
  const std::string policy = when_full == overflow::drop_oldest ? "drop_oldest" : "drop_newest";
  const std::string value = capacity > 0 ? "unbounded: it is never full" : "0: it has no room to drop from";
  throw std::invalid_argument("sluice: a channel with overflow::" + policy + " cannot have the capacity " + value);
}

}  // namespace detail
}  // namespace sluice
