// prefetch.h - starts to fetch what is about to be written.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice::detail {

// The cache lines that hold [begin, begin + size), which need not be memory.
[[gnu::always_inline]] inline void prefetch(const void* begin, std::size_t size) noexcept {
  constexpr std::uintptr_t line = 64;
  const auto first = reinterpret_cast<std::uintptr_t>(begin);
  for (std::uintptr_t at = first & ~(line - 1); at < first + size; at += line)
    __builtin_prefetch(reinterpret_cast<const void*>(at), 1);
}

}  // namespace sluice::detail
