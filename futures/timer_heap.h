// timer_heap.h - deadlines in order, without allocation: a pairing heap (Fredman, Sedgewick, Sleator, Tarjan, "The pairing
// heap: a new form of self-adjusting heap", Algorithmica 1986) threaded through the timers themselves.
//
// Not synchronized. Cost: push and first are O(1), remove is O(log n) amortized.
// Links: child is the first of a node's children, next its next sibling, prev its previous sibling or, for a first child,
//   its parent. The root has neither.
#pragma once

#include <sluice/futures/timer_queue.h>

#include <utility>

namespace sluice::detail {

class timer_heap {
 public:
  bool empty() const noexcept { return root_ == nullptr; }
  timer_node* first() const noexcept { return root_; }

  void push(timer_node& node) noexcept {
    node.prev = node.next = nullptr;
    node.child = nullptr;
    root_ = root_ == nullptr ? &node : meld(*root_, node);
  }

  // Requires that the node is here.
  void remove(timer_node& node) noexcept {
    timer_node* const orphans = merge_pairs(std::exchange(node.child, nullptr));
    if (&node == root_) {
      root_ = orphans;
      return;
    }
    auto& before = static_cast<timer_node&>(*node.prev);
    if (before.child == &node)
      before.child = sibling(node);
    else
      before.next = node.next;
    if (node.next != nullptr) node.next->prev = node.prev;
    node.prev = node.next = nullptr;
    if (orphans != nullptr) root_ = meld(*root_, *orphans);
  }

 private:
  static timer_node* sibling(timer_node& node) noexcept { return static_cast<timer_node*>(node.next); }

  // Two roots without siblings; the later one becomes the first child of the other.
  static timer_node* meld(timer_node& a, timer_node& b) noexcept {
    timer_node& parent = b.deadline < a.deadline ? b : a;
    timer_node& child = &parent == &a ? b : a;
    child.prev = &parent;
    child.next = parent.child;
    if (parent.child != nullptr) parent.child->prev = &child;
    parent.child = &child;
    return &parent;
  }

  // The children of a node that goes: melded in pairs from the left, then into one from the right.
  static timer_node* merge_pairs(timer_node* node) noexcept {
    timer_node* pairs = nullptr;  // last one first, linked by prev
    while (node != nullptr) {
      timer_node* const second = sibling(*node);
      timer_node* const rest = second != nullptr ? sibling(*second) : nullptr;
      node->prev = node->next = nullptr;
      if (second != nullptr) {
        second->prev = second->next = nullptr;
        node = meld(*node, *second);
      }
      node->prev = pairs;
      pairs = node;
      node = rest;
    }
    timer_node* all = nullptr;
    while (pairs != nullptr) {
      timer_node& pair = *pairs;
      pairs = static_cast<timer_node*>(std::exchange(pair.prev, nullptr));
      all = all == nullptr ? &pair : meld(*all, pair);
    }
    return all;
  }

  timer_node* root_ = nullptr;
};

}  // namespace sluice::detail
