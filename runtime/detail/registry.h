// registry.h - all fibers of a runtime that are not retired yet, sharded so that spawning does not meet in one line.
#pragma once

#include <sluice/base/cycles.h>
#include <sluice/base/spinlock.h>
#include <sluice/runtime/detail/fiber.h>
#include <sluice/runtime/detail/heavy_fence.h>

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>

namespace sluice::detail {

class registry {
 public:
  explicit registry(std::size_t shards) : count_(shards), shards_(std::make_unique<shard[]>(shards)) {}

  // Gives it a number that no other fiber of this runtime has. `before` runs under the lock that visit() takes; false, from
  // both: it is not added.
  template <class F>
  bool add(fiber& f, std::size_t shard_index, F before) {
    shard& s = shards_[shard_index];
    const std::lock_guard guard(s.lock);
    if (!before()) return false;
    f.shard_ = static_cast<std::uint32_t>(shard_index);
    f.prev_registered_ = nullptr;
    f.next_registered_ = s.first;
    if (s.first != nullptr) s.first->prev_registered_ = &f;
    s.first = &f;
    f.number_ = ++s.added * count_ + shard_index;
    return true;
  }

  void remove(fiber& f) noexcept {
    shard& s = shards_[f.shard_];
    const std::lock_guard guard(s.lock);
    (f.prev_registered_ == nullptr ? s.first : f.prev_registered_->next_registered_) = f.next_registered_;
    if (f.next_registered_ != nullptr) f.next_registered_->prev_registered_ = f.prev_registered_;
    ++s.removed;
  }

  struct figures {
    std::uint64_t added = 0, removed = 0;
  };
  figures counted() noexcept {
    figures sum;
    for (std::size_t i = 0; i < count_; ++i) {
      const std::lock_guard guard(shards_[i].lock);
      sum.added += shards_[i].added;
      sum.removed += shards_[i].removed;
    }
    return sum;
  }

  // Under the lock of each shard in turn.
  template <class F>
  void visit(F f) {
    for (std::size_t i = 0; i < count_; ++i) {
      const std::lock_guard guard(shards_[i].lock);
      for (fiber* each = shards_[i].first; each != nullptr; each = each->next_registered_) f(*each);
    }
  }

  // Shows each fiber that was there at the beginning and has not ended: one that is not running to parked(fiber&), which
  // does not run before that returns, with no lock held; one that is running to running(fiber&), under its shard's lock.
  // Both are noexcept and soon done. The others go on meanwhile. False: nothing could be held here (see heavy_fence), and
  // all have been shown as running.
  template <class Parked, class Running>
  bool inspect(Parked parked, Running running) {
    bool can_hold = true;
    for (std::size_t i = 0; i < count_; ++i) inspect(shards_[i], parked, running, can_hold);
    return can_hold;
  }

  // Whether there was a moment at which all shards were empty: two rounds between which none was added anywhere.
  bool empty() noexcept {
    const auto added = [this]() -> std::optional<std::uint64_t> {
      std::uint64_t sum = 0;
      for (std::size_t i = 0; i < count_; ++i) {
        const std::lock_guard guard(shards_[i].lock);
        if (shards_[i].first != nullptr) return std::nullopt;
        sum += shards_[i].added;
      }
      return sum;
    };
    const auto before = added();
    return before && added() == before;
  }

 private:
  friend struct debugger_access;
  struct alignas(64) shard {
    spinlock lock;
    fiber* first = nullptr;
    std::uint64_t added = 0, removed = 0;
  };

  // A few at a time, for the lock's sake and for theirs. A fiber that is held cannot end, so the last one of each batch is
  // where the next begins; its neighbours that were shown as running are known by their numbers, which descend in the list.
  static constexpr std::size_t batch = 32;
  template <class Parked, class Running>
  void inspect(shard& s, Parked& parked, Running& running, bool& can_hold) {
    std::array<fiber*, batch> held;
    std::size_t count = 0;
    fiber* last = nullptr;
    std::uint64_t shown = std::numeric_limits<std::uint64_t>::max();
    do {
      {
        const std::lock_guard guard(s.lock);
        fiber* f = last == nullptr ? s.first : last->next_registered_;
        if (last != nullptr) release(*last);
        for (count = 0; count == 0 && f != nullptr;) {
          std::array<fiber*, batch> asked;
          std::size_t n = 0;
          for (; f != nullptr && n < batch; f = f->next_registered_) {
            if (f->number_ >= shown) continue;
            f->held_.fetch_add(1, std::memory_order_relaxed);
            asked[n++] = f;
          }
          can_hold = heavy_fence() && can_hold;
          const std::uint64_t fenced = cycle_count();
          for (std::size_t i = 0; i < n; ++i) {
            shown = asked[i]->number_;
            if (can_hold && stands_still(*asked[i], fenced + soon)) {
              held[count++] = asked[i];
            } else {
              release(*asked[i]);
              running(*asked[i]);
            }
          }
        }
      }
      last = count > 0 ? held[count - 1] : nullptr;
      for (std::size_t i = 0; i < count; ++i) {
        parked(*held[i]);
        if (held[i] != last) release(*held[i]);
      }
    } while (last != nullptr);
  }
  // Most that run now will wait within a microsecond, and then stand still, since they are held.
  static constexpr std::uint64_t soon = 20'000;  // cycles
  static bool stands_still(fiber& f, std::uint64_t until) noexcept {
    while (f.running_.load(std::memory_order_acquire)) {
      if (cycle_count() > until) return false;
      cpu_relax();
    }
    return true;
  }
  static void release(fiber& f) noexcept { f.held_.fetch_sub(1, std::memory_order_release); }

  const std::size_t count_;
  std::unique_ptr<shard[]> shards_;
};

}  // namespace sluice::detail
