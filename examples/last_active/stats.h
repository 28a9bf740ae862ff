// stats.h - what the stages count, for the progress line and the summary. Each number is right by itself; together they
// are of slightly different moments.
#pragma once

#include <atomic>
#include <cstdint>

namespace last_active {

struct stats {
  std::atomic<std::uint64_t> lines{0};  // parsed, bad ones included
  std::atomic<std::uint64_t> bad_lines{0};
  std::atomic<std::uint64_t> batches{0};  // written
  std::atomic<std::uint64_t> updates{0};  // users in those batches
  std::atomic<std::uint64_t> pending{0};  // users that wait for the next batch
  std::atomic<bool> retrying{false};      // the database refuses the current batch
};

}  // namespace last_active
