// wait_queue.h - the waiters of one source, first come first served.
//
// Not synchronized: the source's lock guards the queue and every node linked in it. Everything is O(1).
#pragma once

#include <sluice/futures/waiter.h>

#include <cstddef>

namespace sluice {

class wait_queue {
 public:
  wait_queue() noexcept { head_.prev = head_.next = &head_; }
  wait_queue(const wait_queue&) = delete;
  wait_queue& operator=(const wait_queue&) = delete;

  bool empty() const noexcept { return head_.next == &head_; }
  // Requires that it is not empty.
  wait_node& front() noexcept { return static_cast<wait_node&>(*head_.next); }

  // Publishes `w`'s wait through `node`.
  void push(wait_node& node, waiter& w, std::uint32_t index) noexcept {
    w.publish();
    node.owner = &w;
    node.index = index;
    push_again(node);
  }
  // A node that was unlinked while its wait goes on.
  void push_again(wait_node& node) noexcept {
    node.prev = head_.prev;
    node.next = &head_;
    head_.prev->next = &node;
    head_.prev = &node;
  }

  void push_first(wait_node& node) noexcept {
    node.prev = &head_;
    node.next = head_.next;
    head_.next->prev = &node;
    head_.next = &node;
  }

  // Takes all that `other` has, behind its own: to be guarded by the same lock as before.
  void take_all(wait_queue& other) noexcept {
    if (other.empty()) return;
    other.head_.next->prev = head_.prev;
    head_.prev->next = other.head_.next;
    other.head_.prev->next = &head_;
    head_.prev = other.head_.prev;
    other.head_.prev = other.head_.next = &other.head_;
  }

  // Null if it is empty.
  wait_node* pop() noexcept {
    if (empty()) return nullptr;
    wait_node& node = front();
    unlink(node);
    return &node;
  }

  static void unlink(wait_node& node) noexcept {
    node.prev->next = node.next;
    node.next->prev = node.prev;
    node.next = nullptr;
  }

  // Unlinks every node that is in the queue now, and passes it to `f`, which may link it again.
  template <class F>
  void drain(F f) noexcept {
    if (empty()) return;
    wait_link* link = head_.next;
    head_.prev->next = nullptr;
    head_.prev = head_.next = &head_;
    while (link != nullptr) {
      wait_link* const next = link->next;
      link->next = nullptr;
      f(static_cast<wait_node&>(*link));
      link = next;
    }
  }

  // The first waiter whose wait can still be won: unlinked, and won by this call. Null if there is none. Stale nodes (of
  // waits that are decided) are dropped on the way.
  wait_node* pop_won() noexcept {
    while (wait_node* node = pop())
      if (node->try_win()) return node;
    return nullptr;
  }

  struct paired {
    waiter::pairing how;  // both: `peer` is unlinked and won, and so is `self`. lost_peer: nobody is left to pair with.
    wait_node* peer;
  };
  // Decides `self` together with the first waiter of another party that still waits.
  paired pair_with_first(waiter& self, std::uint32_t index) noexcept {
    for (wait_link *link = head_.next, *next = nullptr; link != &head_; link = next) {
      next = link->next;
      auto& node = static_cast<wait_node&>(*link);
      const auto how = self.pair(index, node);
      if (how == waiter::pairing::own) continue;
      if (how == waiter::pairing::lost_self) return {how, nullptr};
      unlink(node);
      if (how == waiter::pairing::both) return {how, &node};
    }
    return {waiter::pairing::lost_peer, nullptr};
  }

  template <class F>
  void for_each(F f) noexcept {
    for (wait_link* link = head_.next; link != &head_; link = link->next) f(static_cast<wait_node&>(*link));
  }
  std::size_t size() noexcept {
    std::size_t n = 0;
    for_each([&n](wait_node&) { ++n; });
    return n;
  }

 private:
  wait_link head_;
};

// Waiters that are won and wait for finish(), which must come after the source's lock is released. Chained by prev: next
// stays null, so that who looks meanwhile, under the lock, sees that they are not linked any more.
class won_chain {
 public:
  void push(wait_node& node) noexcept {
    node.prev = nullptr;
    *tail_ = &node;
    tail_ = &node.prev;
  }
  void finish_all() noexcept {
    for (wait_link *link = first_, *rest = nullptr; link != nullptr; link = rest) {
      rest = link->prev;
      static_cast<wait_node*>(link)->finish();
    }
  }

 private:
  wait_link* first_ = nullptr;
  wait_link** tail_ = &first_;
};

}  // namespace sluice
