// chunk.h - what travels from the reader to the parsers: many whole lines at once, so that the cost of a channel is shared
// by thousands of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace last_active {

struct chunk {
  std::string_view source;       // the input's name; lives as long as the job
  std::uint64_t first_line = 1;  // in the source
  std::unique_ptr<char[]> bytes;
  std::size_t size = 0;

  std::string_view text() const noexcept { return {bytes.get(), size}; }
};

}  // namespace last_active
