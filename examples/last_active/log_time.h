// log_time.h - the time in a web server's log line.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace last_active {

inline constexpr std::size_t log_time_size = 26;  // 10/Oct/2000:13:55:36 -0700

// Seconds since 1970 UTC, the zone's offset respected. Empty unless `text` is exactly such a time and its day exists.
std::optional<std::int64_t> parse_log_time(std::string_view text) noexcept;

}  // namespace last_active
