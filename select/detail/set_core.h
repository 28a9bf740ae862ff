// set_core.h - what a select_set is: members whose events stay armed between waits, and the list of those to look at.
//
// A member is silent (armed: its source will tell), ready (to be looked at, first come first served), or it has won. A
// source that could complete a member while nobody waits for the set, or when another event has won the wait, tells
// missed(): the member becomes ready and is looked at in the next wait. So a wait touches ready members only, and nothing is
// taken from a source before somebody wants it.
//
// Threads: a set belongs to one party at a time; missed() comes from sources.
// Lock: the proxy's lock_ guards ready_, and slots_ against those who do not own the set.
// Invariants
//   G1  a member that is neither won nor about to be looked at is armed, or missed() has made it ready
//   G2  attached only while the owner waits; so nothing is won between waits
//   G3  the set is attached before a member is armed: two sets that meet decide each other, or one of them is not waiting;
//       they cannot push each other aside for ever (P11)
#pragma once

#include <sluice/futures/deadline.h>
#include <sluice/futures/proxy_waiter.h>
#include <sluice/futures/timer_heap.h>
#include <sluice/futures/wait_source.h>
#include <sluice/futures/wait_queue.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace sluice::detail {

class set_member {
 public:
  virtual ~set_member() = default;
  virtual bool poll() = 0;
  virtual bool arm(waiter& w, std::uint32_t index) noexcept = 0;
  virtual void disarm() noexcept = 0;
  virtual bool complete() = 0;
  // take(), and what the user wants done with it.
  virtual void handle() = 0;
  virtual bool spent() const noexcept = 0;
  virtual void describe(wait_listener& l) const noexcept = 0;

 private:
  friend class set_core;
  wait_node place_;  // in ready_
  std::uint32_t generation_ = 0;
  std::uint32_t polled_in_ = 0;  // the round
  bool armed_ = false;           // arm() was called, and it has not won or been withdrawn since
};

class set_core final : public proxy_waiter, private timer_queue {
 public:
  struct key {
    std::uint32_t index = nobody;
    std::uint32_t generation = 0;
    friend bool operator==(const key&, const key&) = default;
  };

  set_core() = default;
  ~set_core();

  key add(std::unique_ptr<set_member> m);
  bool remove(key k) noexcept;
  void clear() noexcept;
  std::size_t size() const noexcept { return size_; }

  // An event: one member that can be completed, whatever it is.
  bool poll();
  bool arm(waiter& w, std::uint32_t index) noexcept;
  void disarm() noexcept;
  bool complete();
  void take();
  void describe(wait_listener& l) const noexcept;

 private:
  static constexpr std::uint32_t due_timer = nobody - 1;

  void missed(std::uint32_t event) noexcept override;
  timer_queue& timers() noexcept override { return *this; }
  void add(timer_node& node, waiter& w, std::uint32_t index) noexcept override;
  void remove(timer_node& node) noexcept override;

  set_member& member(std::uint32_t index) noexcept { return *slots_[index]; }
  std::uint32_t free_slot();
  wait_node* next_ready() noexcept;
  void make_ready(std::uint32_t index) noexcept;
  void not_ready(std::uint32_t index) noexcept;
  template <class F>
  bool ask(std::uint32_t index, F verb);
  void settle() noexcept;
  void handled() noexcept;
  bool fire_due_timers() noexcept;
  void forget_earliest() noexcept;
  void discard(std::uint32_t index) noexcept;

  std::vector<std::unique_ptr<set_member>> slots_;
  std::vector<std::uint32_t> free_;
  std::uint32_t generation_ = 0;
  std::size_t size_ = 0;
  wait_queue ready_;

  std::uint32_t done_ = nobody;     // has won, its handler has not begun
  std::uint32_t running_ = nobody;  // its handler runs, or its poll or complete
  std::uint32_t round_ = 0;         // of poll()
  bool running_removed_ = false;    // and it has removed itself
  std::uint32_t unarmed_ = nobody;  // arm() was refused: the wait was decided elsewhere, or by this one
  timer_heap deadlines_;            // of members; only the owner touches it
  timer_node earliest_;             // in the queue of the party that waits
};

}  // namespace sluice::detail
