#include "examples/last_active/interrupt.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace last_active {
namespace {

int checked(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

void make_readable(int event_fd) noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(event_fd, &one, sizeof one);  // fails only when it is readable already
}

}  // namespace

interrupt::interrupt() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  if (const int error = pthread_sigmask(SIG_BLOCK, &signals, nullptr); error != 0)
    throw std::system_error(error, std::generic_category(), "blocking signals");
  stop_fd_ = checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
  quit_fd_ = checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
  signal_fd_ = checked(signalfd(-1, &signals, SFD_CLOEXEC), "signalfd");
  watcher_ = std::thread([this] { watch(); });
}

interrupt::~interrupt() {
  make_readable(quit_fd_);
  watcher_.join();
  for (const int fd : {stop_fd_, quit_fd_, signal_fd_}) ::close(fd);
}

void interrupt::request() noexcept {
  stopping_.close();
  make_readable(stop_fd_);
}

void interrupt::watch() noexcept {
  for (;;) {
    pollfd fds[]{{signal_fd_, POLLIN, 0}, {quit_fd_, POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0) continue;
    if (fds[1].revents != 0) return;
    signalfd_siginfo info;
    if (::read(signal_fd_, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) continue;
    const int number = static_cast<int>(info.ssi_signo);
    if (signal_.exchange(number) != 0) ::_exit(128 + number);
    request();
  }
}

}  // namespace last_active
