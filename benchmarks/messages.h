// messages.h - numbers that are sent through channels, and whether all of them arrived.
#pragma once

#include <sluice/sluice.h>

#include <cstdint>
#include <vector>

namespace bench {

using channel = sluice::channel<std::int64_t>;

inline std::vector<channel> make_channels(std::size_t n, std::size_t capacity) {
  std::vector<channel> channels;
  for (std::size_t i = 0; i < n; ++i) channels.emplace_back(capacity);
  return channels;
}

struct tally {
  std::int64_t count = 0, sum = 0;

  tally& operator+=(const tally& t) {
    count += t.count;
    sum += t.sum;
    return *this;
  }
  // Did each of 0, 1, ..., n - 1 arrive once? (Of what a defect may do, this misses only losses that add up.)
  bool is_all_of(std::int64_t n) const { return count == n && sum == n * (n - 1) / 2; }
};

inline tally drain(const channel& c) {
  tally t;
  for (const std::int64_t v : c) {
    t.sum += v;
    ++t.count;
  }
  return t;
}

}  // namespace bench
