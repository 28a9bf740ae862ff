// registry.h - all fibers of a runtime that are not retired yet, sharded so that spawning does not meet in one line.
#pragma once

#include <sluice/base/spinlock.h>
#include <sluice/runtime/detail/fiber.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

namespace sluice::detail {

class registry {
 public:
  explicit registry(std::size_t shards) : count_(shards), shards_(std::make_unique<shard[]>(shards)) {}

  // A number that no other fiber of this runtime has. `before` runs under the lock that visit() takes.
  template <class F>
  std::uint64_t add(fiber& f, std::size_t shard_index, F before) {
    shard& s = shards_[shard_index];
    const std::lock_guard guard(s.lock);
    before();
    f.shard_ = shard_index;
    f.prev_registered_ = nullptr;
    f.next_registered_ = s.first;
    if (s.first != nullptr) s.first->prev_registered_ = &f;
    s.first = &f;
    return ++s.added * count_ + shard_index;
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
  struct alignas(64) shard {
    spinlock lock;
    fiber* first = nullptr;
    std::uint64_t added = 0, removed = 0;
  };
  const std::size_t count_;
  std::unique_ptr<shard[]> shards_;
};

}  // namespace sluice::detail
