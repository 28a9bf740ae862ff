// ring_link.h - a doubly linked ring whose links lie in its members: no allocation, and each unlinks itself.
#pragma once

namespace sluice::detail {

// A place in a ring; alone it is a ring of one, and so is the head of an empty ring.
struct ring_link {
  ring_link() noexcept = default;
  ring_link(const ring_link&) = delete;
  ring_link& operator=(const ring_link&) = delete;

  bool alone() const noexcept { return next == this; }
  void unlink() noexcept {
    prev->next = next;
    next->prev = prev;
    prev = next = this;
  }
  void append(ring_link& last) noexcept {
    last.prev = prev;
    last.next = this;
    prev->next = &last;
    prev = &last;
  }
  void append_all_of(ring_link& other) noexcept {
    if (other.alone()) return;
    other.next->prev = prev;
    prev->next = other.next;
    other.prev->next = this;
    prev = other.prev;
    other.prev = other.next = &other;
  }

  ring_link* prev = this;
  ring_link* next = this;
};

}  // namespace sluice::detail
