// options.h - the command line.
#pragma once

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace last_active {

struct options {
  std::vector<std::string> inputs;  // at least one; "-" is standard input
  std::string database = "last_active.db";
  std::string errors;  // empty: bad lines are only counted
  std::chrono::milliseconds tick{1000};
  std::chrono::milliseconds retry{30'000};
  std::size_t max_pending = 1'000'000;
  unsigned parsers = 0;  // 0: one for each hardware thread
  bool follow = false;
  enum class progress_mode { if_terminal, always, never } progress = progress_mode::if_terminal;
  bool help = false;
};

// What is wrong with the command line, for a person.
class usage_error : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// `arguments` without the program's name. Throws usage_error.
options parse_options(const std::vector<std::string>& arguments);

// "250ms", "1.5s", "2m", "1h"; a plain number means seconds. Throws usage_error naming `option` and `text`.
std::chrono::milliseconds parse_duration(std::string_view option, std::string_view text);

std::string_view help_text() noexcept;

}  // namespace last_active
