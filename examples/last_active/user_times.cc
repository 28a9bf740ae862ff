#include "examples/last_active/user_times.h"

#include <algorithm>
#include <cassert>
#include <functional>
#include <stdexcept>
#include <utility>

namespace last_active {

std::size_t user_times::hash_of(std::string_view user) noexcept { return std::hash<std::string_view>{}(user); }

void user_times::note(std::string_view user, std::size_t hash, std::int64_t when) {
  if ((entries_.size() + 1) * 2 > slots_.size()) grow(std::max<std::size_t>(64, slots_.size() * 2));
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = hash & mask;; i = (i + 1) & mask) {
    if (slots_[i] == 0) {
      if (entries_.size() >= UINT32_MAX - 1) throw std::length_error("more than four thousand million users in one batch");
      entries_.push_back({names_ == names::copied ? keep(user) : user, hash, when});
      slots_[i] = static_cast<std::uint32_t>(entries_.size());
      return;
    }
    entry& e = entries_[slots_[i] - 1];
    if (e.hash == hash && e.user == user) {
      e.when = std::max(e.when, when);
      return;
    }
  }
}

void user_times::merge(const std::vector<entry>& others) {
  for (const entry& e : others) note(e.user, e.hash, e.when);
}

std::vector<user_times::entry> user_times::take_entries() {
  assert(names_ == names::borrowed);
  std::fill(slots_.begin(), slots_.end(), 0);
  std::vector<entry> next;
  next.reserve(entries_.size());  // the next chunk of a log looks like the last one
  return std::exchange(entries_, std::move(next));
}

void user_times::grow(std::size_t slots) {
  std::vector<std::uint32_t> larger(slots, 0);
  for (std::size_t n = 0; n < entries_.size(); ++n) {
    std::size_t i = entries_[n].hash & (slots - 1);
    while (larger[i] != 0) i = (i + 1) & (slots - 1);
    larger[i] = static_cast<std::uint32_t>(n + 1);
  }
  slots_ = std::move(larger);
}

std::string_view user_times::keep(std::string_view name) {
  constexpr std::size_t block = 16 * 1024;
  if (name.size() > room_left_) {
    const std::size_t size = std::max(block, name.size());
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(size));
    room_ = blocks_.back().get();
    room_left_ = size;
  }
  char* const copy = room_;
  std::copy(name.begin(), name.end(), copy);
  room_ += name.size();
  room_left_ -= name.size();
  return {copy, name.size()};
}

}  // namespace last_active
