// user_times.h - the newest time of each user: what every stage keeps, hands on and merges.
//
// A hash table whose entries lie side by side, so that handing on and merging walk an array. Merging takes the maximum for
// each user: the order of events and of batches does not matter, and doing it twice changes nothing.
// Threads: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace last_active {

class user_times {
 public:
  struct entry {
    std::string_view user;
    std::size_t hash;
    std::int64_t when;
  };
  enum class names {
    copied,    // the table keeps its own copy of each name
    borrowed,  // names point into memory that outlives their use
  };

  explicit user_times(names kept = names::copied) noexcept : names_(kept) {}

  void note(std::string_view user, std::int64_t when) { note(user, hash_of(user), when); }
  void merge(const std::vector<entry>& others);
  void merge(const user_times& other) { merge(other.entries_); }

  bool empty() const noexcept { return entries_.empty(); }
  std::size_t size() const noexcept { return entries_.size(); }
  const std::vector<entry>& entries() const noexcept { return entries_; }

  // Moves the entries out; the table is empty and keeps its index for the next ones. For borrowed names only, since copied
  // ones live in the table.
  std::vector<entry> take_entries();

 private:
  static std::size_t hash_of(std::string_view user) noexcept;
  void note(std::string_view user, std::size_t hash, std::int64_t when);
  void grow(std::size_t slots);
  std::string_view keep(std::string_view name);

  names names_;
  std::vector<entry> entries_;
  std::vector<std::uint32_t> slots_;  // 0: free; else 1 + an index into entries_. At most half are in use.
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* room_ = nullptr;
  std::size_t room_left_ = 0;
};

}  // namespace last_active
