// down_counter.h - a number of things that are not done yet, and everybody who waits until there are none: what a latch and
// a wait_group have in common.
//
// Invariants: queue_ not empty => `queued` is set, and the count is not 0. Whoever sees that the count is 0 may destroy the
//   counter at once: the word that says so is the last touch of whoever made it so.
// Orders:  what happened before a step down is visible to whoever sees 0.
#pragma once

#include <sluice/base/check.h>
#include <sluice/futures/wait.h>
#include <sluice/futures/wait_queue.h>
#include <sluice/sync/detail/guarded_word.h>

#include <cstddef>

namespace sluice::detail {

class down_counter {
 public:
  // `owner`: what errors call it. std::invalid_argument if n is negative or beyond counted::most.
  down_counter(const char* owner, std::ptrdiff_t n);
  down_counter(const down_counter&) = delete;
  down_counter& operator=(const down_counter&) = delete;
  ~down_counter() { SLUICE_CHECK(!(word_.load() & word::queued), "a latch or wait_group was destroyed while waited for"); }

  // Up or down. std::logic_error if that would lead below 0 or beyond counted::most; then nothing has changed.
  void add(std::ptrdiff_t n);

  bool is_zero() const noexcept { return counted::count(word_.load()) == 0; }
  std::uint64_t look() const noexcept {
    const std::uint64_t w = word_.look();
    return (w & ~std::uint64_t{counted::one - 1}) | (counted::count(w) == 0);
  }
  bool arm(wait_node& node, waiter& w, std::uint32_t index) noexcept;
  void disarm(wait_node& node) noexcept;
  void describe(wait_listener& l) const noexcept {
    l.add({.kind = owner_, .address = this, .amount = counted::count(word_.load()), .unit = "to go"});
  }

 private:
  using word = guarded_word;

  const char* const owner_;
  word word_;
  wait_queue queue_;
};

// The event "the count is 0".
class zero_event {
 public:
  using value_type = void;
  explicit zero_event(down_counter& c) noexcept : counter_(&c) {}

  bool poll() const noexcept { return counter_->is_zero(); }
  bool arm(waiter& w, std::uint32_t index) noexcept { return counter_->arm(node_, w, index); }
  void disarm() noexcept { counter_->disarm(node_); }
  void take() const noexcept {}
  std::uint64_t look() const noexcept { return counter_->look(); }
  void describe(wait_listener& l) const noexcept { counter_->describe(l); }

 private:
  down_counter* counter_;
  wait_node node_;
};

}  // namespace sluice::detail
