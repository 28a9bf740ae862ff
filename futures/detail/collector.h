// collector.h - notes the order in which shared states become ready.
//
// Each state has a slot, a waiter that nobody runs: it puts itself in a line and wakes the one who reads it.
// A line in which each has its place; the reader takes them from the front.
#pragma once

#include <sluice/base/spinlock.h>
#include <sluice/futures/callback_waiter.h>
#include <sluice/futures/shared_state.h>
#include <sluice/futures/wait_source.h>

#include <cstddef>
#include <memory>
#include <optional>

namespace sluice::detail {

class collector {
 public:
  explicit collector(std::size_t n);
  collector(const collector&) = delete;
  collector& operator=(const collector&) = delete;
  // Withdraws those that are left. May wait for one that is just completing; not cancelled.
  ~collector();

  // As the next one, at most n times; then start().
  void add(shared_state_base& state) noexcept;
  void start();

  std::size_t left() const noexcept { return left_; }

  // The event "one more has completed, or none is left".
  bool poll() noexcept;
  bool arm(waiter& w, std::uint32_t index) noexcept;
  void disarm() noexcept;
  std::optional<std::size_t> take() noexcept;
  void describe(wait_listener& l) const noexcept {
    l.add({.action = "the next of several", .kind = "futures", .address = this, .amount = left_, .unit = "to go"});
  }

 private:
  class slot final : public callback_waiter {
   public:
    collector* owner = nullptr;
    intrusive_ptr<shared_state_base> state;
    wait_node node;
    slot* next = nullptr;

   private:
    void wake() noexcept override { owner->join(*this); }
  };
  void join(slot& s) noexcept;
  void append(slot& s) noexcept;
  bool take_first() noexcept;

  // The reader's:
  const std::unique_ptr<slot[]> slots_;
  std::size_t added_ = 0, armed_ = 0;
  std::size_t left_ = 0;  // of those added, not taken yet
  wait_node reading_;
  slot* taken_ = nullptr;  // by poll(), for take()

  spinlock lock_;  // guards what follows
  std::size_t joined_ = 0;
  slot* first_ = nullptr;
  slot** last_ = &first_;
  wait_queue reader_;
};

}  // namespace sluice::detail
