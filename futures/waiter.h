// waiter.h - whoever can wait (a fiber, a thread, a coroutine), and the one word that decides each of its waits.
//
// Value, close, timeout, cancellation: every reason to wake competes for the same word, and exactly one wins it.
//
//   open ──try_win / claim_own / pair──▶ won ──finish──▶ settled          (parked: the owner sleeps, or is about to)
//
//   bit       set by               meaning
//   parked    owner (commit_park)  only the winner may wake the owner; the owner's frame is off the processor
//   shielded  owner (commit_park)  this wait may not be cancelled (it runs while an exception unwinds the stack)
//   locked    a pairing party      one half of a pair is being decided; ends within a few instructions
//   won       winner               decided; the index of the winning node is in the upper bits
//   done      winner (finish)      the payload is in place: the winner's last touch of an owner that is awake
//
// Invariants (numbers as in docs/protocol.md)
//   P1  won is set once between two calls of open(), and nothing completes a wait without setting it.
//   P4  after `done`, or after wake(), nobody but the owner touches the owner's frame.
//   P6  a pair of published waits is decided in one step: both words locked, in address order, then both won.
// A proxy (proxy_waiter.h) is a waiter whose wait is that of another one; what decides is the word of the last in the chain,
//   its root.
// Orders: a claim acquires and releases; finish() releases and await() acquires, so what the winner wrote is visible to
//   the owner. Storing `parked` and then reading stop_, against storing stop_ and then reading `parked`, is a
//   store-load crossing: those four are sequentially consistent.
#pragma once

#include <sluice/base/spin.h>

#include <atomic>
#include <cstdint>
#include <functional>

namespace sluice {

class waiter;

namespace detail {
class proxy_waiter;
class timer_queue;
}  // namespace detail

struct wait_link {
  wait_link* prev = nullptr;
  wait_link* next = nullptr;
};

// One wait's place in one source's queue. It lives in the event, on the waiting party's frame.
struct wait_node : wait_link {
  wait_node() = default;
  wait_node(const wait_node&) noexcept : wait_node() {}  // a copy is a new place, and it is in no queue
  wait_node& operator=(const wait_node&) noexcept { return *this; }

  bool linked() const noexcept { return next != nullptr; }
  inline bool try_win() noexcept;
  inline void finish() noexcept;

  waiter* owner = nullptr;
  std::uint32_t index = 0;
  bool owner_asleep = false;  // seen by the claim that won; tells finish() who must wake the owner
};

class waiter {
 public:
  // What a wait ends with that no event has won.
  static constexpr std::uint32_t cancelled_index = (1U << 24) - 1;
  static constexpr std::uint32_t expired_index = cancelled_index - 1;  // out of time; also the limit on events

  waiter(const waiter&) = delete;
  waiter& operator=(const waiter&) = delete;

  // ---- The owner: open(), arm events, wait until it is settled (party::await()), disarm those that lost.

  void open() noexcept {
    word_.store(0, std::memory_order_relaxed);
    published_ = false;
  }

  // For an owner that nobody runs: whoever wins the wait calls wake(), at once.
  void open_asleep() noexcept {
    word_.store(parked, std::memory_order_relaxed);
    published_ = false;
  }

  // To be called under the lock that makes the first node of this wait visible to others.
  void publish() noexcept { published_ = true; }

  // Decides the own wait in favour of `index`, payload included. False: somebody else has won it.
  bool claim_own(std::uint32_t index) noexcept {
    if (proxy_) [[unlikely]]
      return claim_own_through(index);
    if (published_) return claim(won | done | index << shift) != was_won;
    word_.store(won | done | index << shift, std::memory_order_relaxed);
    return true;
  }

  enum class pairing { both, lost_self, lost_peer, own };

  // Decides this wait (index) together with the peer's, or neither. The caller holds the lock under which `peer` is linked,
  // and finishes `peer` after it has moved the payload. own: the peer is a case of this same wait (P5).
  pairing pair(std::uint32_t index, wait_node& peer) noexcept;

  // Where the deadlines of this wait are kept.
  virtual detail::timer_queue& timers() noexcept = 0;

  // ---- Others, about a wait of which they hold a linked node. Use wait_node::try_win() and finish().

  enum class claimed { lost, awake, asleep };
  claimed try_win(std::uint32_t index) noexcept {
    if (proxy_) [[unlikely]]
      return try_win_through(index);
    const std::uint32_t before = claim(won | index << shift);
    return before == was_won ? claimed::lost : before & parked ? claimed::asleep : claimed::awake;
  }
  void finish(bool owner_asleep) noexcept {
    if (proxy_) [[unlikely]]
      return finish_through(owner_asleep);
    if (owner_asleep || word_.fetch_or(done, std::memory_order_acq_rel) & parked) wake();
  }

  // ---- Cancellation

  enum stop_level : std::uint8_t { none = 0, once = 1, always = 2 };

  // The next wait that blocks (every such wait, with `always`) is won by cancelled_index. True: it was blocked already and
  // is now decided; the caller must wake() it, with no lock held.
  bool request_stop(stop_level level) noexcept;
  stop_level stop_requested() const noexcept { return static_cast<stop_level>(stop_.load(std::memory_order_acquire)); }

  // For reports: it is parked, and nobody has won its wait yet. Soon out of date.
  bool is_waiting() const noexcept { return (word_.load(std::memory_order_relaxed) & (parked | won)) == parked; }
  // True: it is, and stays so until release_wait(): what it waits for is still there. Whoever wants to win it spins, with a
  // source's lock: take none in between.
  bool hold_wait() noexcept { return is_waiting() && claim(locked) != was_won; }
  void release_wait() noexcept { unlock_word(); }

  // Makes a decided, parked waiter run again. At most once for each commit_park().
  virtual void wake() noexcept = 0;

 protected:
  explicit waiter(bool proxy = false) noexcept : proxy_(proxy) {}
  ~waiter() = default;

  // To be called when the owner's frame may be resumed by others. False: the wait is settled; do not sleep.
  bool commit_park(bool may_be_cancelled) noexcept;

  bool settled() const noexcept { return word_.load(std::memory_order_acquire) & done; }
  // Settled, or woken: the index that has won.
  std::uint32_t decided_for() const noexcept { return word_.load(std::memory_order_acquire) >> shift; }

  // The stop request, if there is one; a `once` is used up by it.
  bool take_stop() noexcept;

 private:
  friend struct wait_node;
  friend class detail::proxy_waiter;
  enum : std::uint32_t { parked = 1, shielded = 2, locked = 4, won = 8, done = 16, shift = 8 };
  static constexpr std::uint32_t was_won = ~0U;  // no word looks like this: some bits below `shift` are never set

  std::uint32_t claim(std::uint32_t bits) noexcept {
    std::uint32_t w = word_.load(std::memory_order_relaxed);
    for (detail::spin_wait spin;;) {
      if (w & won) return was_won;
      if (w & locked) {
        spin.once();
        w = word_.load(std::memory_order_relaxed);
      } else if (word_.compare_exchange_weak(w, w | bits, std::memory_order_seq_cst, std::memory_order_relaxed)) {
        return w;
      }
    }
  }
  void unlock_word() noexcept { word_.fetch_xor(locked, std::memory_order_release); }
  bool deliver_stop() noexcept;
  bool claim_parked() noexcept;

  bool claim_own_through(std::uint32_t index) noexcept;
  claimed try_win_through(std::uint32_t index) noexcept;
  void finish_through(bool owner_asleep) noexcept;
  pairing pair_through(std::uint32_t index, wait_node& peer) noexcept;

  std::atomic<std::uint32_t> word_{won | done};
  std::atomic<std::uint8_t> stop_{none};
  bool published_ = false;  // the owner's: others may hold a node of this wait
  const bool proxy_;
};

inline bool wait_node::try_win() noexcept {
  const auto c = owner->try_win(index);
  owner_asleep = c == waiter::claimed::asleep;
  return c != waiter::claimed::lost;
}

// The last touch of this node: its frame may be gone when finish() returns.
inline void wait_node::finish() noexcept { owner->finish(owner_asleep); }

}  // namespace sluice
