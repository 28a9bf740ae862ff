#include "examples/last_active/reporter.h"

#include <unistd.h>

#include <cerrno>

namespace last_active {
namespace {

constexpr std::string_view clear_line = "\r\033[K";

}  // namespace

bool reporter::on_terminal() noexcept { return ::isatty(STDERR_FILENO) == 1; }

void reporter::write(std::string text) noexcept {
  for (std::string_view left = text; !left.empty();) {
    const ssize_t n = ::write(STDERR_FILENO, left.data(), left.size());
    if (n < 0 && errno != EINTR) return;  // nobody can be told
    if (n > 0) left.remove_prefix(static_cast<std::size_t>(n));
  }
}

void reporter::say(std::string_view message) {
  const std::scoped_lock lock(mutex_);
  write(std::string(line_open_ ? clear_line : "").append("last_active: ").append(message).append(1, '\n'));
  line_open_ = false;
}

void reporter::progress(std::string_view line) {
  const std::scoped_lock lock(mutex_);
  if (on_terminal()) {
    write(std::string(clear_line).append(line));
    line_open_ = true;
  } else {
    write(std::string(line).append(1, '\n'));
  }
}

void reporter::clear_progress() {
  const std::scoped_lock lock(mutex_);
  if (line_open_) write(std::string(clear_line));
  line_open_ = false;
}

}  // namespace last_active
