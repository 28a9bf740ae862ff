// latch.h - an event type of one's own: a latch that fibers and threads can wait for, alone or as a case of select.
//
//   latch ready(3);
//   ... ready.count_down();                       // by three others
//   auto open = opened(ready);  auto late = after(1s);
//   if (select(open, late) == late) give_up();
//
// The library knows nothing of this type. A wait_list is "a fact that becomes true once" and does the hard part (waiters
// that are woken once and leave no trace); the event adds the four verbs of the concept in <sluice/futures/event.h>.
#pragma once

#include <sluice/futures/event.h>
#include <sluice/futures/wait_list.h>

#include <atomic>
#include <cstdint>

namespace custom_event {

// Opens when it has been counted down to zero, for good.
// Threads: all members may be called from any fiber or thread; none blocks.
class latch {
 public:
  explicit latch(std::uint32_t count) : left_(count) {
    if (count == 0) opened_.fire();
  }

  // Precondition: not called more often than the count says. What happened before is visible to those it lets through.
  void count_down() {
    if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) opened_.fire();
  }
  bool is_open() const noexcept { return opened_.fired(); }

 private:
  friend class opened_event;
  std::atomic<std::uint32_t> left_;
  sluice::wait_list opened_;
};

// The event "the latch is open". Once it is, it stays ready.
class opened_event {
 public:
  using value_type = void;
  explicit opened_event(latch& l) noexcept : list_(&l.opened_) {}

  // Is it done? Then take() has the result: here, that there is none.
  bool poll() noexcept { return list_->fired(); }
  // "Whoever can complete me: win w's wait as `index`." False if it happened meanwhile: the wait is decided then.
  bool arm(sluice::waiter& w, std::uint32_t index) noexcept { return list_->arm(node_, w, index); }
  // Withdraws. On return nobody holds a pointer to this event.
  void disarm() noexcept { list_->disarm(node_); }
  void take() noexcept {}
  // Optional: one look without a lock, so that a select with a default case can tell that nothing changed.
  std::uint64_t look() const noexcept { return list_->fired() ? 1 : 0; }

 private:
  sluice::wait_list* list_;
  sluice::wait_node node_;  // our place in the list while we wait; copies of an event do not share it
};

inline opened_event opened(latch& l) noexcept { return opened_event(l); }

static_assert(sluice::event<opened_event>);

}  // namespace custom_event
