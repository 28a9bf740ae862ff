// broadcast_core.h - a broadcast: the values that somebody has yet to see, its subscribers, one lock.
//
// Values are numbered. The ring holds [head_, tail_), each value with the number of subscribers that will still take it; a
// subscriber will take those from its `at` on. When nobody will take the oldest any more, it leaves.
// Invariants, with the lock held
//   B1  at < tail_ (a value is there)  => no undecided receiver of that subscriber is queued
//   B2  room in the ring               => no undecided sender is queued
//   B3  closed                         => nobody is queued
//   B4  at < head_                     => the head_ - at values between were dropped to make room
// Lock: word_, as in channel_core. Values are copied, and destroyed, by those who hold a reference, without the lock.
#pragma once

#include <sluice/base/check.h>
#include <sluice/channels/detail/channel_nodes.h>
#include <sluice/channels/detail/channel_word.h>
#include <sluice/channels/detail/label.h>
#include <sluice/channels/detail/shared_value.h>
#include <sluice/channels/options.h>
#include <sluice/futures/wait_queue.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace sluice::detail {

template <class T>
class broadcast_core : public ref_counted {
 public:
  struct send_node : wait_node {
    T* value = nullptr;  // the sender's, until state is done
    transfer state = transfer::pending;
    shared_value_ptr<T> place;      // where it will be seen
    shared_value_ptr<T> displaced;  // what it made room from; destroyed without the lock, with the node
  };
  struct recv_node : wait_node {
    shared_value_ptr<T> got;
    std::uint64_t lagged = 0;
    transfer state = transfer::pending;
  };
  struct subscriber {
    std::uint64_t at = 0;
    std::atomic<bool> ready{false};  // at < tail_, or closed
    wait_queue waiting;
    subscriber* next = nullptr;
  };

  broadcast_core(std::size_t capacity, overflow when_full, std::string_view name)
      : word_(channel_word::send_ready),
        blocks_(when_full == overflow::block),
        ring_(checked(capacity, when_full)),
        label_(name, "broadcast", *this) {}
  ~broadcast_core() override {
    label_.withdraw();
    SLUICE_CHECK(senders_.empty(), "a broadcast was destroyed while somebody waits in it");
  }

  const channel_word& word() const noexcept { return word_; }
  std::size_t capacity() const noexcept { return ring_.size(); }
  std::size_t subscribers() noexcept {
    const section locked(*this);
    return subscriber_count_;
  }

  const char* name() const noexcept { return label_.text(); }
  channel_stats stats() noexcept {
    const section locked(*this);
    channel_stats now{
        .buffered = tail_ - head_, .capacity = ring_.size(), .waiting_senders = senders_.size(), .closed = closed_};
    for (subscriber* s = subscribers_; s != nullptr; s = s->next) now.waiting_receivers += s->waiting.size();
    return now;
  }

  void join(subscriber& s) noexcept {
    const section locked(*this);
    s.at = tail_;
    s.ready.store(closed_, std::memory_order_release);
    s.next = std::exchange(subscribers_, &s);
    ++subscriber_count_;
  }
  void leave(subscriber& s) noexcept {
    {
      const section locked(*this);
      SLUICE_CHECK(s.waiting.empty(), "a subscription was destroyed while somebody waits for it");
      subscriber** link = &subscribers_;
      while (*link != &s) link = &(*link)->next;
      *link = s.next;
      --subscriber_count_;
      for (std::uint64_t i = std::max(s.at, head_); i < tail_; ++i) --slot_of(i).unseen;
    }
    while (drop_unwanted()) {}
  }

  bool poll(send_node& n) {
    if (n.state != transfer::pending) return true;
    if (!n.place) n.place = shared_value<T>::make();
    if (!word_.may_be(channel_word::send_ready)) return false;
    won_chain served;
    {
      const section locked(*this);
      send(n, served, nullptr, 0);
    }
    served.finish_all();
    return n.state != transfer::pending;
  }
  bool poll(recv_node& n, subscriber& s) noexcept {
    if (n.state != transfer::pending) return true;
    if (!s.ready.load(std::memory_order_acquire)) return false;
    won_chain served;
    {
      const section locked(*this);
      receive(n, s, served, nullptr, 0);
    }
    served.finish_all();
    return n.state != transfer::pending;
  }

  // As event::arm.
  bool arm(send_node& n, waiter& w, std::uint32_t index) noexcept {
    if (!n.place) n.place = shared_value<T>::make();  // never has to: poll comes first
    won_chain served;
    bool waits = false;
    {
      const section locked(*this);
      waits = send(n, served, &w, index) == attempt::must_wait;
      if (waits) senders_.push(n, w, index);
    }
    served.finish_all();
    return waits;
  }
  bool arm(recv_node& n, subscriber& s, waiter& w, std::uint32_t index) noexcept {
    won_chain served;
    bool waits = false;
    {
      const section locked(*this);
      waits = receive(n, s, served, &w, index) == attempt::must_wait;
      if (waits) s.waiting.push(n, w, index);
    }
    served.finish_all();
    return waits;
  }
  void complete(send_node&) noexcept {}  // whoever wins a send's wait has done all of it
  void disarm(wait_node& n) noexcept {
    const section locked(*this);
    if (n.linked()) wait_queue::unlink(n);
  }

  // False: it was closed already.
  bool close() noexcept {
    won_chain refused;
    {
      const section locked(*this);
      if (std::exchange(closed_, true)) return false;
      while (wait_node* p = senders_.pop_won()) {
        static_cast<send_node*>(p)->state = transfer::closed;
        refused.push(*p);
      }
      for (subscriber* s = subscribers_; s != nullptr; s = s->next) {
        s->ready.store(true, std::memory_order_release);
        while (wait_node* r = s->waiting.pop_won()) {
          static_cast<recv_node*>(r)->state = transfer::closed;
          refused.push(*r);
        }
      }
    }
    refused.finish_all();
    return true;
  }

 private:
  struct slot {
    shared_value_ptr<T> value;
    std::size_t unseen = 0;  // subscribers that will still take it
  };

  // The critical section. Unlocking publishes the ready bits; those of the subscribers are theirs.
  class section {
   public:
    explicit section(broadcast_core& c) noexcept : core_(c) { core_.word_.lock(); }
    section(const section&) = delete;
    section& operator=(const section&) = delete;
    ~section() { core_.word_.unlock(core_.ready_bits()); }

   private:
    broadcast_core& core_;
  };

  static std::size_t checked(std::size_t capacity, overflow when_full) {
    if (when_full == overflow::drop_newest)
      throw std::invalid_argument("sluice: a broadcast with overflow::drop_newest: who lags misses the oldest values");
    if (capacity == 0 || capacity == unbounded)
      throw std::invalid_argument("sluice: a broadcast cannot have the capacity " +
                                  std::string(capacity == 0 ? "0: it has no place for a value" : "unbounded"));
    return capacity;
  }

  std::uint64_t ready_bits() const noexcept {
    if (closed_) return channel_word::closed | channel_word::send_ready;
    return has_room() || !blocks_ ? channel_word::send_ready : 0;
  }
  bool has_room() const noexcept { return tail_ - head_ < ring_.size(); }
  slot& slot_of(std::uint64_t number) noexcept { return ring_[number % ring_.size()]; }

  attempt send(send_node& n, won_chain& served, waiter* self, std::uint32_t index) noexcept {
    if (!closed_ && !has_room() && blocks_) return attempt::must_wait;
    if (!claim(self, index)) return attempt::decided_elsewhere;
    if (closed_) {
      n.state = transfer::closed;
      return attempt::done;
    }
    if (!has_room()) n.displaced = std::move(slot_of(head_++).value);
    accept(n, served);
    return attempt::done;
  }

  attempt receive(recv_node& n, subscriber& s, won_chain& served, waiter* self, std::uint32_t index) noexcept {
    if (s.at == tail_ && !closed_) return attempt::must_wait;
    if (!claim(self, index)) return attempt::decided_elsewhere;
    if (s.at == tail_) {
      n.state = transfer::closed;
      return attempt::done;
    }
    if (s.at < head_) n.lagged = head_ - std::exchange(s.at, head_);
    slot& from = slot_of(s.at);
    n.state = transfer::done;
    if (--from.unseen == 0 && s.at == head_) {
      n.got = std::move(from.value);
      ++head_;
      serve_senders(served);
    } else {
      n.got = from.value;
    }
    s.ready.store(++s.at < tail_ || closed_, std::memory_order_release);
    return attempt::done;
  }

  // Gives the value to those who wait, and keeps it for the others. Requires room.
  void accept(send_node& n, won_chain& served) noexcept {
    n.place->fill(std::move(*n.value));
    n.state = transfer::done;
    slot& to = slot_of(tail_++);
    to.unseen = 0;
    for (subscriber* s = subscribers_; s != nullptr; s = s->next) {
      if (wait_node* r = s->waiting.pop_won()) {
        auto& receiver = static_cast<recv_node&>(*r);
        receiver.got = n.place;
        receiver.state = transfer::done;
        s->at = tail_;
        served.push(receiver);
      } else {
        s->ready.store(true, std::memory_order_release);
        ++to.unseen;
      }
    }
    if (to.unseen > 0) {
      to.value = std::move(n.place);
    } else if (head_ == tail_ - 1) {
      head_ = tail_;
    }
  }

  void serve_senders(won_chain& served) noexcept {
    while (has_room()) {
      wait_node* const p = senders_.pop_won();
      if (p == nullptr) return;
      accept(static_cast<send_node&>(*p), served);
      served.push(*p);
    }
  }

  // The oldest value, if the subscribers that it was kept for have left: destroyed without the lock. False: there is none.
  bool drop_unwanted() noexcept {
    shared_value_ptr<T> unwanted;
    won_chain served;
    {
      const section locked(*this);
      if (head_ == tail_ || slot_of(head_).unseen > 0) return false;
      unwanted = std::move(slot_of(head_++).value);
      serve_senders(served);
    }
    served.finish_all();
    return true;
  }

  alignas(64) channel_word word_;
  // Guarded by word_:
  bool closed_ = false;
  const bool blocks_;
  std::uint64_t head_ = 0, tail_ = 0;
  std::vector<slot> ring_;
  subscriber* subscribers_ = nullptr;
  std::size_t subscriber_count_ = 0;
  wait_queue senders_;
  // Not guarded:
  label label_;
};

}  // namespace sluice::detail
