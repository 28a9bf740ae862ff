// interrupt.h - SIGINT and SIGTERM as something that can be waited for, by select and by poll(2).
//
// Make it first, in main's thread: threads started later inherit the blocked signals. The first signal asks the job to
// finish; the second ends the process at once, with 128 + the signal as its status.
// Threads: all members may be called from any fiber or thread.
#pragma once

#include <sluice/channels/channel.h>

#include <atomic>
#include <thread>

namespace last_active {

class interrupt {
 public:
  interrupt();  // throws std::system_error
  ~interrupt();
  interrupt(const interrupt&) = delete;
  interrupt& operator=(const interrupt&) = delete;

  // Asks the job to finish, as the first signal does.
  void request() noexcept;

  bool requested() const noexcept { return stopping_.closed(); }
  int signal() const noexcept { return signal_.load(); }  // the first one; 0 if there was none

  // Closed from the moment of the request: recv(stopping()) is then ready.
  const sluice::channel<char>& stopping() const noexcept { return stopping_; }
  // Readable from then on. Not to be read from.
  int fd() const noexcept { return stop_fd_; }

 private:
  void watch() noexcept;

  sluice::channel<char> stopping_;
  std::atomic<int> signal_{0};
  int stop_fd_ = -1;
  int quit_fd_ = -1;
  int signal_fd_ = -1;
  std::thread watcher_;
};

}  // namespace last_active
