// proxy_waiter.h - a waiter that stands for another: events armed on it complete the wait of whoever it is attached to.
//
// This is how several events act as one (choose), and how events stay armed while their owner comes and goes (select_set).
// A claim through a proxy finds its root, the waiter at the end of the chain, and decides that one's word; then the proxy
// notes which of its events it was. While nobody is attached nothing can be won through it, and the proxy is told what it
// missed instead.
//
// Threads: attach, detach and winner() belong to the owner, who is the party that waits; claims come from anywhere.
// Lock: lock_ guards target_ for those who claim; while it is held the target does not return from its wait. Under it, the
//   next proxy's lock in the chain is taken, and words are claimed without waiting; nobody spins on a word and holds it.
//   Lock order: a source's lock, the proxies of one chain from the event upwards, words.
// Invariants: P5  two events with the same root never complete each other.
//   X1  from the claim of the root until the winner has finished, target_ does not change: the winner finishes through it.
#pragma once

#include <sluice/base/spinlock.h>
#include <sluice/futures/waiter.h>

namespace sluice::detail {

class proxy_waiter : public waiter {
 public:
  static constexpr std::uint32_t nobody = ~0U;

  // From now on a claim of `i`, one of the proxy's events, wins w's wait as `index`. Publishes w.
  void attach(waiter& w, std::uint32_t index) noexcept;
  // On return nobody reaches the target through this proxy. Idempotent.
  void detach() noexcept;
  bool attached() const noexcept { return target_ != nullptr; }

  // Which event won the target's wait since attach(), nobody if none did; for the owner, when the wait is settled.
  std::uint32_t winner() const noexcept { return winner_; }
  // Whether one did, while its winner may still be at work. Requires that the wait is decided, and to be attached.
  bool has_winner() noexcept;

  timer_queue& timers() noexcept override { return target_->timers(); }

 protected:
  proxy_waiter() noexcept : waiter(true) {}
  ~proxy_waiter() = default;

  // Somebody could have completed this event, but nobody is attached or the target's wait is decided. Called with lock_
  // held, and that of the event's source; the event's node is unlinked, or about to be.
  virtual void missed(std::uint32_t event) noexcept = 0;

  spinlock lock_;

 private:
  friend class sluice::waiter;

  void wake() noexcept final;

  enum class answer { lost, busy, taken };
  struct claim_result {
    answer what;
    std::uint32_t before;  // the root's word
  };
  // Sets `bits`, and the root's index with them if they decide it. `expected`: taken only if that is the root.
  claim_result claim_root(std::uint32_t event, std::uint32_t bits, const waiter* expected) noexcept;
  // The root if it can still be won (missed() is called if not).
  waiter* live_root(std::uint32_t event) noexcept;

  // For the owner, or with the root's word locked: the chain cannot change.
  waiter& root() noexcept;
  std::uint32_t root_index() noexcept;
  void note_winner(std::uint32_t event) noexcept;

  waiter* target_ = nullptr;  // written by the owner, under lock_
  std::uint32_t index_ = 0;   // likewise
  std::uint32_t winner_ = nobody;
};

}  // namespace sluice::detail
