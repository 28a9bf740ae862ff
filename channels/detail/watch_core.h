// watch_core.h - the newest value, the number of its version, and those who wait for another.
//
// Invariant: with the lock held, nobody who waits has seen less than the newest version, and nobody waits if it is closed.
// Lock: mutex_. With it held only claims and a nothrow move of T happen; values are copied and destroyed without it.
#pragma once

#include <sluice/base/check.h>
#include <sluice/base/spinlock.h>
#include <sluice/channels/detail/label.h>
#include <sluice/channels/detail/shared_value.h>
#include <sluice/futures/event.h>
#include <sluice/futures/wait_queue.h>

#include <atomic>
#include <cstdint>
#include <mutex>

namespace sluice::detail {

template <class T>
class watch_core : public ref_counted {
 public:
  struct version {
    std::uint64_t number;
    bool closed;
  };
  struct snapshot {
    shared_value_ptr<T> value;
    version at;
  };

  watch_core(T&& first, std::string_view name) : newest_(shared_value<T>::make()), label_(name, "watch", *this) {
    newest_->fill(std::move(first));
  }
  ~watch_core() override {
    label_.withdraw();
    SLUICE_CHECK(waiting_.empty(), "a watch was destroyed while somebody waits for it");
  }

  const char* name() const noexcept { return label_.text(); }
  channel_stats stats() noexcept {
    const std::lock_guard locked(mutex_);
    return {.buffered = 1, .capacity = 1, .waiting_receivers = waiting_.size(), .closed = now().closed};
  }

  version now() const noexcept { return version_of(word_.load(std::memory_order_acquire)); }
  bool news_since(std::uint64_t seen) const noexcept { return is_news(now(), seen); }
  std::uint64_t look(std::uint64_t seen) const noexcept {
    const std::uint64_t word = word_.load(std::memory_order_seq_cst);
    return word << 1 | (is_news(version_of(word), seen) ? may_be_ready : 0);
  }
  snapshot newest() noexcept {
    const std::lock_guard locked(mutex_);
    return {newest_, now()};
  }

  // False: closed, and nothing was moved.
  bool set(T& value) {
    auto other = shared_value<T>::make();  // then the one before
    won_chain woken;
    {
      const std::lock_guard locked(mutex_);
      if (now().closed) return false;
      other->fill(std::move(value));
      std::swap(newest_, other);
      change(one_version, woken);
    }
    woken.finish_all();
    return true;
  }
  bool close() noexcept {
    won_chain woken;
    {
      const std::lock_guard locked(mutex_);
      if (now().closed) return false;
      change(closed, woken);
    }
    woken.finish_all();
    return true;
  }

  // As event::arm.
  bool arm(wait_node& node, std::uint64_t seen, waiter& w, std::uint32_t index) noexcept {
    const std::lock_guard locked(mutex_);
    if (news_since(seen)) {
      w.claim_own(index);
      return false;
    }
    waiting_.push(node, w, index);
    return true;
  }
  void disarm(wait_node& node) noexcept {
    const std::lock_guard locked(mutex_);
    if (node.linked()) wait_queue::unlink(node);
  }

 private:
  static constexpr std::uint64_t closed = 1, one_version = 2;
  static version version_of(std::uint64_t word) noexcept { return {word / one_version, (word & closed) != 0}; }
  static bool is_news(version v, std::uint64_t seen) noexcept { return v.number != seen || v.closed; }

  void change(std::uint64_t by, won_chain& woken) noexcept {
    word_.fetch_add(by, std::memory_order_seq_cst);
    while (wait_node* node = waiting_.pop_won()) woken.push(*node);
  }

  spinlock mutex_;
  std::atomic<std::uint64_t> word_{0};  // changed with the lock held, read without
  shared_value_ptr<T> newest_;
  wait_queue waiting_;
  label label_;
};

}  // namespace sluice::detail
