// channel_core.h - a channel: values, two queues of waiters, one lock.
//
// Invariants, with the lock held
//   C1  values_ not empty          => no undecided receiver is queued
//   C2  fewer values than capacity => no undecided sender is queued
//   C3  closed                     => nobody is queued
//   C4  two undecided waits of different parties never stand in both queues (they would have been paired)
// Lock: word_. With it held only claims (try_win, claim_own, pair) and nothrow moves of T happen; finish(), which may wake
//   somebody, comes after the unlock. A value that goes from one party to another directly moves after the unlock too:
//   both frames stay until the peer is finished. (In a batch it moves under the lock: many parties are finished at its end.)
// Order: FIFO of values, and of waiters among those that still wait.
#pragma once

#include <sluice/base/check.h>
#include <sluice/base/intrusive_ptr.h>
#include <sluice/channels/detail/channel_nodes.h>
#include <sluice/channels/detail/channel_word.h>
#include <sluice/channels/detail/label.h>
#include <sluice/channels/detail/value_queue.h>
#include <sluice/channels/options.h>
#include <sluice/futures/wait_queue.h>

#include <exception>
#include <functional>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace sluice::detail {

template <class T>
class channel_core : public ref_counted {
  static_assert(std::is_object_v<T>, "sluice: a channel carries values of an object type");
  static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>,
                "sluice: a channel's T must not throw when it is moved or destroyed, else a value could be lost on its "
                "way; make the move constructor noexcept, or send a std::unique_ptr<T>");

 public:
  using recv_node = detail::recv_node<T>;
  using send_node = detail::send_node<T>;

  explicit channel_core(std::size_t capacity)
      : word_(capacity > 0 ? channel_word::send_ready : 0), capacity_(capacity), values_(capacity) {}
  explicit channel_core(unbounded_t) : word_(channel_word::send_ready), capacity_(unbounded), values_(first_block) {}
  explicit channel_core(channel_options<T>&& o)
      : word_(o.capacity > 0 ? channel_word::send_ready : 0),
        when_full_(o.when_full),
        capacity_(o.capacity),
        values_(is_unbounded() ? first_block : capacity_),
        undelivered_(std::move(o.undelivered)),
        label_(o.name, "channel", *this) {}
  ~channel_core() override {
    label_.withdraw();
    SLUICE_CHECK(receivers_.empty() && senders_.empty(), "a channel was destroyed while somebody waits in it");
    if (undelivered_)
      for (std::optional<T> left; values_.size() > 0; left.reset()) {
        values_.pop(left);
        give_up(*std::move(left));
      }
  }

  const channel_word& word() const noexcept { return word_; }
  std::size_t capacity() const noexcept { return capacity_; }
  bool is_unbounded() const noexcept { return capacity_ == unbounded; }
  std::size_t size() noexcept {
    section s(*this);
    return values_.size();
  }

  const char* name() const noexcept { return label_.text(); }
  channel_stats stats() noexcept {
    section s(*this);
    return {values_.size(), capacity_, receivers_.size(), senders_.size(), closed_};
  }

  // Without waiting: true if it was done (or the channel is closed, see n.state).
  bool poll(recv_node& n) noexcept {
    if (n.state != transfer::pending) return true;
    if (!word_.may_be(channel_word::recv_ready)) return false;
    section s(*this);
    return receive(n, s, nullptr, 0) == attempt::done;
  }
  bool poll(send_node& n) {
    if (n.state != transfer::pending) return true;
    if (!word_.may_be(channel_word::send_ready)) return false;
    section s(*this);
    make_room(s);
    return send(n, s, nullptr, 0) == attempt::done;
  }

  // As event::arm.
  bool arm(recv_node& n, waiter& w, std::uint32_t index) noexcept {
    section s(*this);
    const bool waits = receive(n, s, &w, index) == attempt::must_wait;
    if (waits) receivers_.push(n, w, index);
    return waits;
  }
  bool arm(send_node& n, waiter& w, std::uint32_t index) noexcept {
    section s(*this);
    make_room(s);  // never has to: a send that needs no waiting was done by poll
    const bool waits = send(n, s, &w, index) == attempt::must_wait;
    if (waits) senders_.push(n, w, index);
    return waits;
  }
  // The rest of a send whose wait is won: see send_when_full().
  void complete(send_node& n) noexcept {
    if (n.state == transfer::pending) [[unlikely]]
      send_after_all(n);
  }
  void disarm(wait_node& n) noexcept {
    section s(*this);
    if (n.linked()) wait_queue::unlink(n);
  }

  // Many at once: channel_batch.h.
  std::size_t send_some(std::span<T> values) noexcept;
  std::size_t receive_some(std::vector<T>& out, std::size_t most);

  // False: it was closed already, and `error` is ignored.
  bool close(std::exception_ptr error) noexcept {
    wait_queue receivers, senders;  // guarded by word_, as before
    {
      section s(*this);
      if (closed_) return false;
      closed_ = true;
      error_ = std::move(error);
      receivers.take_all(receivers_);
      senders.take_all(senders_);
    }
    refuse_all<recv_node>(receivers);
    refuse_all<send_node>(senders);
    return true;
  }

  // The end of a value that was accepted and that nobody will receive. Requires that no lock is held.
  [[gnu::cold, gnu::noinline]] void give_up(T&& value) noexcept {
    T last(std::move(value));
    if (undelivered_) undelivered_(std::move(last));
  }

  // Requires a receive that ended with transfer::closed; error_ does not change after that.
  void throw_close_error() const {
    if (error_) std::rethrow_exception(error_);
  }

  // Named ends (sender, receiver): when the last of either kind goes, the channel closes.
  struct end_count {
    std::atomic<std::uint32_t> senders{0}, receivers{0};
  } ends;

 private:
  static constexpr std::size_t first_block = 32;

  // The critical section. Unlocking publishes the ready bits.
  class section {
   public:
    explicit section(channel_core& c) noexcept : core_(c) { core_.word_.lock(); }
    section(const section&) = delete;
    section& operator=(const section&) = delete;
    ~section() {
      if (held_) unlock();
    }
    void unlock() noexcept {
      held_ = false;
      core_.word_.unlock(core_.ready_bits());
    }
    void lock() noexcept {
      core_.word_.lock();
      held_ = true;
    }

   private:
    channel_core& core_;
    bool held_ = true;
  };

  std::uint64_t ready_bits() const noexcept {
    if (closed_) return channel_word::closed | channel_word::recv_ready | channel_word::send_ready;
    std::uint64_t bits = 0;
    if (values_.size() > 0 || !senders_.empty()) bits |= channel_word::recv_ready;
    if (values_.size() < capacity_ || !receivers_.empty() || when_full_ != overflow::block) bits |= channel_word::send_ready;
    return bits;
  }

  // What can be received without waiting; a guess where waiting senders are all there is.
  std::size_t available() const noexcept { return values_.size() + (senders_.empty() ? 0 : 1); }

  // An unbounded channel gets its memory before anything changes, and outside the lock.
  void make_room(section& s) {
    if (!is_unbounded()) return;
    while (values_.wants_block()) {
      const std::size_t slots = values_.next_block_slots();
      s.unlock();
      auto* fresh = value_queue<T>::block::make(slots);
      s.lock();
      values_.add(fresh);
    }
  }

  // In parts: nobody else waits long for the lock, and a part is still in the cache when its owners are woken.
  template <class Node>
  void refuse_all(wait_queue& waiting) noexcept {
    constexpr int together = 64;
    for (bool more = true; more;) {
      won_chain refused;
      {
        section s(*this);
        for (int i = 0; i < together && more; ++i) {
          if (wait_node* const n = waiting.pop_won()) {
            static_cast<Node*>(n)->state = transfer::closed;
            refused.push(*n);
          } else {
            more = false;
          }
        }
      }
      refused.finish_all();
    }
  }

  static wait_queue::paired match(wait_queue& peers, waiter* self, std::uint32_t index) noexcept {
    if (self != nullptr) return peers.pair_with_first(*self, index);
    wait_node* peer = peers.pop_won();
    return {peer != nullptr ? waiter::pairing::both : waiter::pairing::lost_peer, peer};
  }

  attempt receive(recv_node& n, section& s, waiter* self, std::uint32_t index) noexcept {
    if (values_.size() > 0) {
      if (!claim(self, index)) return attempt::decided_elsewhere;
      values_.pop(n.slot);
      n.state = transfer::done;
      if (wait_node* p = senders_.pop_won()) {  // its value takes the place that became free
        auto& sender = static_cast<send_node&>(*p);
        values_.push(std::move(*sender.value));
        sender.state = transfer::done;
        s.unlock();
        sender.finish();
      }
      return attempt::done;
    }
    if (!senders_.empty()) {
      const auto [how, p] = match(senders_, self, index);
      if (how == waiter::pairing::lost_self) return attempt::decided_elsewhere;
      if (how == waiter::pairing::both) {
        s.unlock();
        auto& sender = static_cast<send_node&>(*p);
        n.slot.emplace(std::move(*sender.value));
        n.state = transfer::done;
        sender.state = transfer::done;
        sender.finish();
        return attempt::done;
      }
    }
    if (!closed_) return attempt::must_wait;
    if (!claim(self, index)) return attempt::decided_elsewhere;
    n.state = transfer::closed;
    return attempt::done;
  }

  attempt send(send_node& n, section& s, waiter* self, std::uint32_t index) noexcept {
    if (closed_) {
      if (!claim(self, index)) return attempt::decided_elsewhere;
      n.state = transfer::closed;
      return attempt::done;
    }
    if (!receivers_.empty()) {
      const auto [how, p] = match(receivers_, self, index);
      if (how == waiter::pairing::lost_self) return attempt::decided_elsewhere;
      if (how == waiter::pairing::both) {
        s.unlock();
        auto& receiver = static_cast<recv_node&>(*p);
        receiver.slot.emplace(std::move(*n.value));
        receiver.state = transfer::done;
        n.state = transfer::done;
        receiver.finish();
        return attempt::done;
      }
    }
    if (values_.size() >= capacity_) return send_when_full(n, s, self, index);
    if (!claim(self, index)) return attempt::decided_elsewhere;
    // Who is still queued is of this very wait and was passed over. It is decided now: they drop out, and a set hears of it.
    receivers_.pop_won();
    values_.push(std::move(*n.value));
    n.state = transfer::done;
    return attempt::done;
  }

  // What is dropped goes to the user's code, which may not run while a wait is being armed: there the wait is only decided,
  // and complete() sends.
  [[gnu::cold, gnu::noinline]] attempt send_when_full(send_node& n, section& s, waiter* self, std::uint32_t index) noexcept {
    if (when_full_ == overflow::block) return attempt::must_wait;
    if (self != nullptr) {
      self->claim_own(index);
      return attempt::decided_elsewhere;
    }
    n.state = transfer::done;
    if (when_full_ == overflow::drop_newest) {
      s.unlock();
      give_up(std::move(*n.value));
    } else {
      std::optional<T> oldest;
      values_.pop(oldest);
      values_.push(std::move(*n.value));
      s.unlock();
      give_up(*std::move(oldest));
    }
    return attempt::done;
  }

  [[gnu::cold, gnu::noinline]] void send_after_all(send_node& n) noexcept {
    section s(*this);
    send(n, s, nullptr, 0);
  }

  alignas(64) channel_word word_;  // in one cache line with the first of what it guards
  // Guarded by word_:
  bool closed_ = false;
  const overflow when_full_ = overflow::block;
  const std::size_t capacity_;
  value_queue<T> values_;
  wait_queue receivers_;
  wait_queue senders_;
  std::exception_ptr error_;
  // Not guarded:
  const std::function<void(T&&)> undelivered_;
  label label_;
};

}  // namespace sluice::detail
