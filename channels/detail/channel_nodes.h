// channel_nodes.h - a receive and a send in a channel's queues, what is transferred, and how an attempt at it ends.
#pragma once

#include <sluice/futures/waiter.h>

#include <cstdint>
#include <optional>
#include <utility>

namespace sluice::detail {

enum class transfer : std::uint8_t { pending, done, closed };
enum class attempt { done, must_wait, decided_elsewhere };

// Whether an attempt may go on: a wait must win itself first, a call that does not wait is its own master.
inline bool claim(waiter* self, std::uint32_t index) noexcept { return self == nullptr || self->claim_own(index); }

// No instruction. A slot is filled by others, which g++ 12 cannot see: in users' code it would warn that the value may be
// uninitialized.
template <class T>
void others_may_write(std::optional<T>& slot) noexcept {
  asm("" : "+m"(slot));
}

template <class T>
struct recv_node : wait_node {
  recv_node() = default;
  recv_node(recv_node&& other) noexcept { take_over(other); }
  // Requires that there is no value here.
  recv_node& operator=(recv_node&& other) noexcept {
    take_over(other);
    return *this;
  }
  ~recv_node() { others_may_write(slot); }

  transfer state = transfer::pending;  // first: it lies in the node's last bytes
  std::optional<T> slot;

 private:
  void take_over(recv_node& other) noexcept {
    if (other.slot) slot.emplace(*std::move(other.slot));
    other.slot.reset();
    state = std::exchange(other.state, transfer::pending);
  }
};

template <class T>
struct send_node : wait_node {
  transfer state = transfer::pending;
  T* value = nullptr;  // the sender's, until state is done
};

}  // namespace sluice::detail
