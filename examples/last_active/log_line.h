// log_line.h - who was active when, from one line of an access log in the combined format:
//
//   address identity user [time] "request" status bytes "referer" "agent"
//
// Further fields may follow after a space. Quotes inside a quoted field are escaped by the server (\" or \x22).
#pragma once

#include <cstdint>
#include <string_view>

namespace last_active {

enum class line_fault { none, empty, no_address, no_time, bad_time, bad_request, bad_status, bad_size, bad_agent, bad_user };

// For a person: "no [time]" and the like.
std::string_view describe(line_fault fault) noexcept;

struct activity {
  std::string_view user;  // the remote user; the address if there is none. Points into the line.
  std::int64_t when = 0;  // seconds since 1970 UTC
};

// `line` has no newline at its end; a carriage return there is ignored. Sets `out` only if there is no fault.
line_fault parse_log_line(std::string_view line, activity& out) noexcept;

}  // namespace last_active
