#include "examples/last_active/log_line.h"

#include "examples/last_active/log_time.h"

namespace last_active {
namespace {

constexpr auto npos = std::string_view::npos;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// Drops a quoted field from the front of `rest`. False if there is none, or it does not end.
bool skip_quoted(std::string_view& rest) noexcept {
  if (rest.empty() || rest.front() != '"') return false;
  for (std::size_t from = 1;;) {
    const std::size_t end = rest.find('"', from);
    if (end == npos) return false;
    std::size_t escapes = 0;
    while (rest[end - 1 - escapes] == '\\') ++escapes;  // stops at the opening quote at the latest
    if (escapes % 2 == 0) {
      rest.remove_prefix(end + 1);
      return true;
    }
    from = end + 1;
  }
}

bool skip(std::string_view& rest, char c) noexcept {
  if (rest.empty() || rest.front() != c) return false;
  rest.remove_prefix(1);
  return true;
}

std::size_t skip_digits(std::string_view& rest) noexcept {
  std::size_t n = 0;
  while (n < rest.size() && is_digit(rest[n])) ++n;
  rest.remove_prefix(n);
  return n;
}

bool printable(std::string_view user) noexcept {
  for (const char c : user)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  return true;
}

// What follows `[time] `: a torn line fails here, so that half a line never passes for a whole one.
line_fault check_tail(std::string_view rest) noexcept {
  if (!skip_quoted(rest) || !skip(rest, ' ')) return line_fault::bad_request;
  if (skip_digits(rest) != 3 || !skip(rest, ' ')) return line_fault::bad_status;
  if ((skip_digits(rest) == 0 && !skip(rest, '-')) || !skip(rest, ' ')) return line_fault::bad_size;
  if (!skip_quoted(rest) || !skip(rest, ' ') || !skip_quoted(rest)) return line_fault::bad_agent;
  return rest.empty() || rest.front() == ' ' ? line_fault::none : line_fault::bad_agent;
}

}  // namespace

std::string_view describe(line_fault fault) noexcept {
  switch (fault) {
    case line_fault::none:
      return "no fault";
    case line_fault::empty:
      return "empty line";
    case line_fault::no_address:
      return "no address at the start";
    case line_fault::no_time:
      return "no [time] after address, identity and user";
    case line_fault::bad_time:
      return "no such time";
    case line_fault::bad_request:
      return "no \"request\" after the time";
    case line_fault::bad_status:
      return "no status of three digits after the request";
    case line_fault::bad_size:
      return "no size after the status";
    case line_fault::bad_agent:
      return "no \"referer\" \"agent\" at the end";
    case line_fault::bad_user:
      return "a control character in the user or address";
  }
  return "unknown fault";
}

line_fault parse_log_line(std::string_view line, activity& out) noexcept {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  if (line.empty()) return line_fault::empty;
  const std::size_t address_end = line.find(' ');
  if (address_end == npos || address_end == 0) return line_fault::no_address;
  const std::size_t identity_end = line.find(' ', address_end + 1);
  if (identity_end == npos) return line_fault::no_time;

  // A user's name may hold spaces and brackets, but no plain quote: `[time] "` cannot be forged by choosing a name.
  const std::size_t user_begin = identity_end + 1;
  bool looked_like_time = false;
  for (std::size_t open = line.find(" [", user_begin - 1); open != npos; open = line.find(" [", open + 1)) {
    const std::size_t time_begin = open + 2;
    const std::size_t close = time_begin + log_time_size;
    if (open < user_begin || line.size() < close + 3 || line.compare(close, 3, "] \"") != 0) continue;
    looked_like_time = true;
    const auto when = parse_log_time(line.substr(time_begin, log_time_size));
    if (!when) continue;
    if (const line_fault fault = check_tail(line.substr(close + 2)); fault != line_fault::none) return fault;
    std::string_view user = line.substr(user_begin, open - user_begin);
    if (user.empty() || user == "-" || user == "\"\"") user = line.substr(0, address_end);
    if (!printable(user)) return line_fault::bad_user;
    out = {user, *when};
    return line_fault::none;
  }
  return looked_like_time ? line_fault::bad_time : line_fault::no_time;
}

}  // namespace last_active
