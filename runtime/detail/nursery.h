// nursery.h - fibers that belong together: what scope and race stand on.
//
// A child is in one of two rings while its function runs: those who were not asked to stop yet, and those who were. So
// asking all of them needs no list of its own, and who is done is found and unlinked in O(1). A failed child is kept by a
// reference until its error was handed out, or else it is reported like that of any fiber whose future was dropped.
//
// Threads: cancel() from anywhere; join() and what comes after it belong to the owner.
// Lock: lock_ guards the rings, the counts and the owner's wait. With it held only try_win is called; who is asked to stop,
//   woken or let go is so after unlock.
// Invariants: a child touches the nursery last under the lock, in ended(); the owner sees population_ == 0 under the lock.
//   stopping_ is set once; whoever sets it wakes the owner, and from then on the owner waits under a shield.
#pragma once

#include <sluice/base/intrusive_ptr.h>
#include <sluice/base/ring_link.h>
#include <sluice/base/spinlock.h>
#include <sluice/futures/wait_queue.h>
#include <sluice/runtime/detail/fiber.h>

#include <cstddef>
#include <cstdint>
#include <exception>

namespace sluice::detail {

class nursery;

// What a fiber has to say to its nursery: born, done (its function is over); and to home() directly, since the child may be
// gone by then: ended (nothing of it is left to run).
class child : private ring_link {
 public:
  explicit child(nursery& home) noexcept : home_(home) {}

  void born(ref_counted& state, fiber& f) noexcept;
  void done(const std::exception_ptr& error) noexcept;
  bool error_was_seen() const noexcept { return error_was_seen_; }
  nursery& home() const noexcept { return home_; }

 private:
  friend class nursery;
  nursery& home_;
  ref_counted* state_ = nullptr;  // keeps its memory
  fiber* fiber_ = nullptr;
  std::exception_ptr error_;  // that the nursery keeps it for
  std::size_t number_ = 0;
  bool error_was_seen_ = false;  // the owner's; the last reference to go reads it
};

class nursery {
 public:
  enum class stops_at { first_failure, first_completion };
  explicit nursery(stops_at when) noexcept : when_(when) {}
  nursery(const nursery&) = delete;
  nursery& operator=(const nursery&) = delete;
  // Unless joined: cancels and awaits all. Errors that nobody has taken are reported.
  ~nursery();

  // std::logic_error once joined.
  void check_open() const;
  // Asks every child to stop, those that are yet to come included.
  void cancel() noexcept;
  // Blocks until every child has ended. If the wait is cancelled before the nursery stops, all are cancelled and awaited,
  // and it throws what the wait threw.
  void join();

  // One child has: its last touch of the nursery.
  void ended() noexcept;

  // After join(). The earliest error that was not taken; null if there is none.
  std::exception_ptr take_error() noexcept;
  // Which child, counted from 0 in the order of their birth, was done first.
  std::size_t first_done() const noexcept { return first_done_; }

 private:
  friend class child;
  class settled_event;
  static constexpr std::size_t nobody = static_cast<std::size_t>(-1);

  wait_node* begin_to_stop() noexcept;
  void ask_all() noexcept;
  void await_all() noexcept;

  const stops_at when_;
  spinlock lock_;
  ring_link unasked_;
  ring_link asked_;
  ring_link failed_;  // in the order of their failures
  wait_queue owner_;
  std::size_t population_ = 0;
  std::size_t births_ = 0;
  std::size_t first_done_ = nobody;
  bool stopping_ = false;
  bool joined_ = false;  // the owner's
};

}  // namespace sluice::detail
