// stats.h - what goes on in a channel, in figures; and in all channels that have a name.
//
//   channel<order> orders(64, "orders");
//   orders.stats().waiting_senders;
//   for (const auto& c : named_channels()) log(c.name, c.figures.buffered, c.figures.waiting_receivers);
//
// Threads: any, at any time. The figures of one channel are of one moment.
// Cost:    the channel's lock, for as long as it takes to count its waiters.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sluice {

struct channel_stats {
  std::size_t buffered = 0;           // accepted and not yet received (by the slowest subscriber of a broadcast)
  std::size_t capacity = 0;           // 0: rendezvous. The largest std::size_t: unbounded
  std::size_t waiting_receivers = 0;  // a select counts once for each of its cases here; one that has just been woken by
  std::size_t waiting_senders = 0;    // something else may still count
  bool closed = false;
};

struct named_channel {
  std::string name;
  const char* kind;     // "channel", "broadcast" or "watch"
  const void* address;  // tells two of the same name apart
  channel_stats figures;
};

// Every channel, broadcast and watch there is that was given a name, the oldest first. Who makes or drops one meanwhile
// waits for that. std::bad_alloc.
std::vector<named_channel> named_channels();

}  // namespace sluice
