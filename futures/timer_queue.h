// timer_queue.h - where a waiter keeps the deadlines of its current wait.
#pragma once

#include <sluice/base/futex.h>
#include <sluice/futures/waiter.h>

#include <cstdint>

namespace sluice::detail {

struct timer_node : wait_node {
  steady_time deadline;
  timer_queue* queue = nullptr;  // where it is armed, until it is removed
  std::uint16_t slot = 0;        // the queue's own notes of where
  timer_node* child = nullptr;
};

// Wins the node's wait once its deadline has passed. Never early; late by at most the queue's resolution and what the
// machine adds.
class timer_queue {
 public:
  virtual void add(timer_node& node, waiter& w, std::uint32_t index) noexcept = 0;
  // Idempotent. On return the queue holds no pointer to the node.
  virtual void remove(timer_node& node) noexcept = 0;

 protected:
  ~timer_queue() = default;
};

}  // namespace sluice::detail
