#include "examples/last_active/log_time.h"

#include <array>

namespace last_active {
namespace {

// The number written in `count` digits from `at` on, or a negative one if something else stands there.
int digits(std::string_view text, std::size_t at, std::size_t count) noexcept {
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    const unsigned digit = static_cast<unsigned char>(text[i]) - unsigned{'0'};
    if (digit > 9) return -1;
    value = value * 10 + static_cast<int>(digit);
  }
  return value;
}

constexpr std::uint32_t letters(char a, char b, char c) noexcept {
  return static_cast<std::uint32_t>(static_cast<unsigned char>(a)) << 16 |
         static_cast<std::uint32_t>(static_cast<unsigned char>(b)) << 8 | static_cast<unsigned char>(c);
}

int month_number(std::string_view text) noexcept {
  switch (letters(text[0], text[1], text[2])) {
    case letters('J', 'a', 'n'):
      return 1;
    case letters('F', 'e', 'b'):
      return 2;
    case letters('M', 'a', 'r'):
      return 3;
    case letters('A', 'p', 'r'):
      return 4;
    case letters('M', 'a', 'y'):
      return 5;
    case letters('J', 'u', 'n'):
      return 6;
    case letters('J', 'u', 'l'):
      return 7;
    case letters('A', 'u', 'g'):
      return 8;
    case letters('S', 'e', 'p'):
      return 9;
    case letters('O', 'c', 't'):
      return 10;
    case letters('N', 'o', 'v'):
      return 11;
    case letters('D', 'e', 'c'):
      return 12;
    default:
      return 0;
  }
}

constexpr bool leap(int year) noexcept { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int days_in(int month, int year) noexcept {
  constexpr std::array days{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && leap(year) ? 29 : days[static_cast<std::size_t>(month - 1)];
}

// Days from 1970-01-01 to the given day. `year` is at least 0, and 0 counts as a leap year.
std::int64_t days_since_1970(int year, int month, int day) noexcept {
  constexpr std::array before{0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
  const std::int64_t last = year - 1;  // the last full year
  const std::int64_t leaps = year == 0 ? -1 : last / 4 - last / 100 + last / 400;
  constexpr std::int64_t leaps_before_1970 = 1969 / 4 - 1969 / 100 + 1969 / 400;
  const std::int64_t in_year = before[static_cast<std::size_t>(month - 1)] + (month > 2 && leap(year)) + day - 1;
  return (year - std::int64_t{1970}) * 365 + leaps - leaps_before_1970 + in_year;
}

}  // namespace

std::optional<std::int64_t> parse_log_time(std::string_view t) noexcept {
  if (t.size() != log_time_size || t[2] != '/' || t[6] != '/' || t[11] != ':' || t[14] != ':' || t[17] != ':' ||
      t[20] != ' ' || (t[21] != '+' && t[21] != '-'))
    return {};
  const int day = digits(t, 0, 2), month = month_number(t.substr(3)), year = digits(t, 7, 4);
  const int hour = digits(t, 12, 2), minute = digits(t, 15, 2), second = digits(t, 18, 2);
  const int zone_hours = digits(t, 22, 2), zone_minutes = digits(t, 24, 2);
  if (month == 0 || year < 0 || day < 1 || day > days_in(month, year)) return {};
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return {};  // 60: a leap second
  if (zone_hours < 0 || zone_hours > 23 || zone_minutes < 0 || zone_minutes > 59) return {};
  const int offset = (zone_hours * 60 + zone_minutes) * 60 * (t[21] == '-' ? -1 : 1);
  return days_since_1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
}

}  // namespace last_active
