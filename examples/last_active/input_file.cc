#include "examples/last_active/input_file.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace last_active {

input_file input_file::open(const std::string& name) {
  // Without O_NONBLOCK, opening a named pipe would wait for its writer, deaf to signals.
  const int fd = ::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), name);
  return {name, fd};
}

input_file::~input_file() {
  if (fd_ >= 0) ::close(fd_);
}

// Returns when there is something to read or the job is to stop. Lines that are whole do not wait for more of them.
void input_file::wait_for_input(const sluice::channel<chunk>& out, const interrupt& stop) {
  pollfd fds[]{{fd_, POLLIN, 0}, {stop.fd(), POLLIN, 0}};
  if (::poll(fds, 2, 0) != 0) return;
  if (auto c = cut_.whole_lines()) out.send(std::move(*c));
  ::poll(fds, 2, -1);
}

input_file::end input_file::pump(const sluice::channel<chunk>& out, const interrupt& stop) {
  for (;;) {
    wait_for_input(out, stop);
    if (stop.requested()) break;
    const auto room = cut_.room();
    const ssize_t n = ::read(fd_, room.data(), room.size());
    if (n < 0) {
      if (errno == EINTR || errno == EAGAIN) continue;
      throw std::system_error(errno, std::generic_category(), std::string(name_));
    }
    if (n == 0) {
      if (auto c = cut_.whole_lines()) out.send(std::move(*c));
      return end::of_file;
    }
    cut_.filled(static_cast<std::size_t>(n));
    offset_ += static_cast<std::uint64_t>(n);
    if (auto c = cut_.full()) out.send(std::move(*c));
  }
  if (auto c = cut_.whole_lines()) out.send(std::move(*c));  // what was read is written
  return end::stopped;
}

void input_file::finish(const sluice::channel<chunk>& out) {
  if (auto c = cut_.rest()) out.send(std::move(*c));
}

void input_file::rewind() {
  if (::lseek(fd_, 0, SEEK_SET) < 0) throw std::system_error(errno, std::generic_category(), std::string(name_));
  offset_ = 0;
  cut_.restart();
}

}  // namespace last_active
