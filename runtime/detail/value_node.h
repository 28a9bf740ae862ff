// value_node.h - a value that a fiber and those it starts can look up: one link of an immutable chain, innermost first.
//
// Threads: the chain is shared by fibers and never changes; a node goes with the last one that refers to it.
#pragma once

#include <sluice/futures/party.h>

#include <atomic>
#include <cstdint>

namespace sluice::detail {

class value_node {
 public:
  value_node(const value_node&) = delete;
  value_node& operator=(const value_node&) = delete;

  void add_ref() noexcept { refs_.fetch_add(1, std::memory_order_relaxed); }
  // A loop, since the chain may be longer than the stack is deep.
  void release() noexcept {
    for (value_node* node = this; node != nullptr && node->refs_.fetch_sub(1, std::memory_order_acq_rel) == 1;) {
      value_node* const outer = node->outer_;
      delete node;
      node = outer;
    }
  }

  // The innermost node of that key which the calling party sees; null if there is none.
  static const value_node* find(const void* key) noexcept {
    const value_node* node = party::current().values();
    while (node != nullptr && node->key_ != key) node = node->outer_;
    return node;
  }

 protected:
  // Born with one reference, which is its maker's.
  value_node(const void* key, value_node* outer) noexcept : key_(key), outer_(outer) {
    if (outer != nullptr) outer->add_ref();
  }
  virtual ~value_node() = default;

 private:
  std::atomic<std::uint32_t> refs_{1};
  const void* const key_;
  value_node* const outer_;
};

}  // namespace sluice::detail
