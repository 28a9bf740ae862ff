// semaphore.h - so many at a time.
//
//   semaphore slots(8);
//   { permit mine(slots); ... }                            // or acquire() and release()
//   auto two = acquire(slots, 2);  auto late = after(1s);  // as an event
//   if (select(two, late) == two) { permit held = two.take(); ... }
//
// Whoever asks for several gets all of them at once.
// Threads: everything may be called from any fiber or thread; acquire() and permit's constructor block, the rest does not.
// Orders:  first come, first served, so a request for many is not overtaken for ever by requests for few: while somebody
//          waits, those who come later wait too. What happened before a release is visible to whoever gets its permits.
// Cost:    if nobody waits, one compare-and-swap to acquire, one to release.
//
// Invariants: queue_ not empty => `queued` is set; and then, with the guard free, the first in it wants more than there is.
#pragma once

#include <sluice/base/check.h>
#include <sluice/futures/wait.h>
#include <sluice/futures/wait_queue.h>
#include <sluice/sync/detail/guarded_word.h>

#include <cstddef>
#include <utility>

namespace sluice {

class acquire_event;

class semaphore {
 public:
  static constexpr std::size_t max() noexcept { return detail::counted::most; }

  // std::invalid_argument beyond max().
  explicit semaphore(std::size_t permits);
  semaphore(const semaphore&) = delete;
  semaphore& operator=(const semaphore&) = delete;
  ~semaphore() { SLUICE_CHECK(!(word_.load() & word::queued), "a semaphore was destroyed while somebody waits for it"); }

  // Blocks until the caller has n permits. Throws cancelled (none acquired), std::invalid_argument beyond max().
  void acquire(std::size_t n = 1);
  // False if they are not there, or somebody waits.
  bool try_acquire(std::size_t n = 1) noexcept {
    return word_.step([n](std::uint64_t w) { return serves(w, n); }, [n](std::uint64_t w) { return w - n * counted::one; });
  }
  // n more permits, from whomever. std::overflow_error if there would be more than max(); then nothing has changed.
  // Whoever gets them may destroy the semaphore at once.
  void release(std::size_t n = 1);

  // At some moment during the call.
  std::size_t available() const noexcept { return counted::count(word_.load()); }

 private:
  friend class acquire_event;
  using word = detail::guarded_word;
  using counted = detail::counted;

  struct place : wait_node {
    explicit place(std::size_t n) noexcept : wanted(n) {}
    std::size_t wanted;
    bool granted = false;
  };

  static bool serves(std::uint64_t w, std::size_t n) noexcept { return !(w & word::queued) && counted::count(w) >= n; }
  bool arm(place& p, waiter& w, std::uint32_t index) noexcept;
  void disarm(place& p) noexcept;
  std::uint64_t serve(std::uint64_t w, won_chain& served) noexcept;

  word word_;
  wait_queue queue_;
};

// Some permits; they go back when it goes.
class [[nodiscard]] permit {
 public:
  permit() = default;
  // Blocks, as semaphore::acquire().
  explicit permit(semaphore& s, std::size_t n = 1) : semaphore_(&s), count_(n) { s.acquire(n); }
  // Permits that the caller has acquired.
  permit(semaphore& s, std::size_t n, std::adopt_lock_t) noexcept : semaphore_(&s), count_(n) {}
  permit(permit&& other) noexcept : semaphore_(other.semaphore_), count_(std::exchange(other.count_, 0)) {}
  permit& operator=(permit other) noexcept {
    std::swap(semaphore_, other.semaphore_);
    std::swap(count_, other.count_);
    return *this;
  }
  ~permit() { release(); }

  std::size_t count() const noexcept { return count_; }
  // Gives them back now.
  void release() noexcept {
    if (count_ > 0) semaphore_->release(std::exchange(count_, 0));
  }
  // They are used up and do not go back.
  void forget() noexcept { count_ = 0; }

 private:
  semaphore* semaphore_ = nullptr;
  std::size_t count_ = 0;
};

// The event "the permits are mine". Not taken, it gives them back when it goes.
class acquire_event {
 public:
  using value_type = permit;
  // std::invalid_argument beyond max().
  acquire_event(semaphore& s, std::size_t n);
  acquire_event(acquire_event&& other) noexcept : semaphore_(other.semaphore_), place_(other.place_.wanted) {
    place_.granted = std::exchange(other.place_.granted, false);
  }
  acquire_event& operator=(acquire_event other) noexcept {
    std::swap(semaphore_, other.semaphore_);
    std::swap(place_.wanted, other.place_.wanted);
    std::swap(place_.granted, other.place_.granted);
    return *this;
  }
  ~acquire_event() {
    if (place_.granted) semaphore_->release(place_.wanted);
  }

  bool poll() noexcept { return place_.granted || (place_.granted = semaphore_->try_acquire(place_.wanted)); }
  bool arm(waiter& w, std::uint32_t index) noexcept { return semaphore_->arm(place_, w, index); }
  void disarm() noexcept { semaphore_->disarm(place_); }
  // The permits; the event may then be waited for again.
  permit take() noexcept {
    SLUICE_CHECK(place_.granted, "take() of permits that were not won");
    place_.granted = false;
    return {*semaphore_, place_.wanted, std::adopt_lock};
  }
  std::uint64_t look() const noexcept {
    const std::uint64_t w = semaphore_->word_.look();
    return (w & ~std::uint64_t{detail::counted::one - 1}) | (place_.granted || semaphore::serves(w, place_.wanted));
  }
  void describe(wait_listener& l) const noexcept {
    l.add({.action = "permits of", .kind = "semaphore", .address = semaphore_, .amount = place_.wanted, .unit = "wanted"});
  }

 private:
  semaphore* semaphore_;
  semaphore::place place_;
};

inline acquire_event acquire(semaphore& s, std::size_t n = 1) { return {s, n}; }

}  // namespace sluice
