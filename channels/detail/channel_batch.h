// channel_batch.h - many values into a channel, or out of it, under one lock.
#pragma once

#include <sluice/channels/detail/channel_core.h>

#include <algorithm>
#include <span>
#include <vector>

namespace sluice::detail {

// As many of `values` as need no waiting, first to last, under one lock; returns how many. The next one may still need no
// waiting: a send that must allocate or drop is left to poll().
template <class T>
std::size_t channel_core<T>::send_some(std::span<T> values) noexcept {
  if (!word_.may_be(channel_word::send_ready)) return 0;
  won_chain served;
  std::size_t sent = 0;
  {
    section s(*this);
    for (; sent < values.size() && !closed_; ++sent) {
      if (wait_node* r = receivers_.pop_won()) {
        auto& receiver = static_cast<recv_node&>(*r);
        receiver.slot.emplace(std::move(values[sent]));
        receiver.state = transfer::done;
        served.push(receiver);
      } else if (values_.size() < capacity_ && !(is_unbounded() && values_.wants_block())) {
        values_.push(std::move(values[sent]));
      } else {
        break;
      }
    }
  }
  served.finish_all();
  return sent;
}

// Up to `most` values that need no waiting, appended to `out` under one lock; returns how many. What `out` has no room for
// is allocated without the lock, before anything is taken.
template <class T>
std::size_t channel_core<T>::receive_some(std::vector<T>& out, std::size_t most) {
  if (!word_.may_be(channel_word::recv_ready)) return 0;
  won_chain served;
  std::size_t taken = 0;
  {
    section s(*this);
    for (std::size_t wanted; out.capacity() - out.size() < (wanted = std::min(most, available()));) {
      s.unlock();
      out.reserve(std::max(out.size() + wanted, 2 * out.capacity()));
      s.lock();
    }
    for (most = std::min(most, out.capacity() - out.size()); taken < most; ++taken) {
      auto* const sender = static_cast<send_node*>(senders_.pop_won());
      if (values_.size() > 0) {
        out.push_back(std::move(values_.front()));
        values_.drop();
        if (sender != nullptr) values_.push(std::move(*sender->value));
      } else if (sender != nullptr) {
        out.push_back(std::move(*sender->value));
      } else {
        break;
      }
      if (sender == nullptr) continue;
      sender->state = transfer::done;
      served.push(*sender);
    }
  }
  served.finish_all();
  return taken;
}

}  // namespace sluice::detail
