// condition.h - wait until somebody says that the state a mutex guards has changed.
//
//   std::unique_lock lock(m);
//   changed.wait(lock, [&] { return !queue.empty(); });          // the other side: change it under m, then notify_one()
//
// With a timeout, or against any other event:
//   for (std::unique_lock lock(m); queue.empty(); lock.lock()) {
//     auto news = notified(changed);                             // under the lock: what comes after this counts
//     lock.unlock();
//     if (select(news, late) == late) return;
//   }
//
// A wait may end without a notification meant for it, so look at the state again; a notification is never lost.
// Threads: everything may be called from any fiber or thread; wait() blocks, the rest does not.
// Orders:  what happened before a notification is visible to whoever it wakes. Waiters are woken first come, first served.
// Cost:    a notification that nobody waits for is one compare-and-swap.
//
// Invariants: queue_ not empty => `queued` is set. The word counts notifications; an event remembers the count of the moment
//   at which it was made, and waits in the queue only while that is the count. So one that is armed after the mutex was
//   unlocked misses nothing: what came in between is for all who were not in the queue yet.
#pragma once

#include <sluice/base/check.h>
#include <sluice/futures/wait_queue.h>
#include <sluice/sync/mutex.h>

namespace sluice {

class condition {
 public:
  condition() noexcept : word_(0) {}
  condition(const condition&) = delete;
  condition& operator=(const condition&) = delete;
  // Allowed as soon as everybody has been notified, though they may still be on their way out of wait().
  ~condition() { SLUICE_CHECK(!(word_.load() & word::queued), "a condition was destroyed while somebody waits for it"); }

  // Unlocks, blocks until notified, and locks again, whatever happened. Throws cancelled (locked again: that wait is not
  // cancelled), std::system_error if `lock` is not locked.
  void wait(std::unique_lock<mutex>& lock);
  // Until is_true(), which is called with the lock held.
  template <class Predicate>
  void wait(std::unique_lock<mutex>& lock, Predicate is_true) {
    while (!is_true()) wait(lock);
  }

  void notify_one() noexcept { notify(false); }
  void notify_all() noexcept { notify(true); }

 private:
  friend class notified_event;
  using word = detail::guarded_word;
  static constexpr std::uint64_t notification = word::first_free;
  static std::uint64_t count(std::uint64_t w) noexcept { return w & ~(notification - 1); }

  void notify(bool all) noexcept;
  bool arm(wait_node& node, std::uint64_t seen, waiter& w, std::uint32_t index) noexcept;
  void disarm(wait_node& node) noexcept;

  word word_;
  wait_queue queue_;
};

// The event "there was a notification since this was made", or since the last take(). Make it with the mutex locked.
class notified_event {
 public:
  using value_type = void;
  explicit notified_event(condition& c) noexcept : condition_(&c) { take(); }

  bool poll() const noexcept { return condition::count(condition_->word_.load()) != seen_; }
  bool arm(waiter& w, std::uint32_t index) noexcept { return condition_->arm(node_, seen_, w, index); }
  void disarm() noexcept { condition_->disarm(node_); }
  void take() noexcept { seen_ = condition::count(condition_->word_.load()); }
  std::uint64_t look() const noexcept {
    const std::uint64_t now = condition::count(condition_->word_.look());
    return now | (now != seen_);
  }
  void describe(wait_listener& l) const noexcept { l.add({.kind = "condition", .address = condition_}); }

 private:
  condition* condition_;
  std::uint64_t seen_ = 0;
  wait_node node_;
};

inline notified_event notified(condition& c) noexcept { return notified_event(c); }

}  // namespace sluice
