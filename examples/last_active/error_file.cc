#include "examples/last_active/error_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace last_active {

error_file::error_file(std::string name)
    : name_(std::move(name)), fd_(::open(name_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), name_);
}

error_file::~error_file() { ::close(fd_); }

// 0, or an errno.
int error_file::append(std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t n = ::write(fd_, text.data(), text.size());
    if (n < 0 && errno != EINTR) return errno;
    if (n > 0) text.remove_prefix(static_cast<std::size_t>(n));
  }
  return 0;
}

bool error_file::keep(const sluice::channel<std::string>& in, reporter& tell) {
  bool failed = false;
  std::uint64_t dropped = 0;
  for (const std::string& lines : in) {
    if (!failed)
      if (const int error = append(lines); error != 0) {
        tell.say("cannot write " + name_ + ": " + std::generic_category().message(error) + "; bad lines are only counted");
        failed = true;
      }
    if (failed) dropped += static_cast<std::uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
  }
  if (failed) tell.say("up to " + std::to_string(dropped) + " bad lines are missing in " + name_);
  return !failed;
}

}  // namespace last_active
