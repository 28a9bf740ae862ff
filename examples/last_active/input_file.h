// input_file.h - one open input: a file, a pipe, standard input.
// Threads: one at a time, not a fiber: reading blocks the thread.
#pragma once

#include "examples/last_active/chunker.h"
#include "examples/last_active/interrupt.h"

#include <sluice/channels/channel.h>

#include <string>
#include <utility>

namespace last_active {

class input_file {
 public:
  // Takes `fd` over. `name` outlives the job.
  input_file(std::string_view name, int fd) noexcept : name_(name), fd_(fd), cut_(name) {}
  input_file(input_file&& other) noexcept
      : name_(other.name_), fd_(std::exchange(other.fd_, -1)), cut_(std::move(other.cut_)), offset_(other.offset_) {}
  input_file& operator=(input_file&&) = delete;
  ~input_file();

  // Opens the file `name`; throws std::system_error.
  static input_file open(const std::string& name);

  enum class end { of_file, stopped };

  // Reads up to the present end of the input and sends whole lines on; an unfinished line is kept for the next time. Blocks
  // while a pipe is empty and while `out` is full; not any more once `stop` is requested. Throws std::system_error.
  end pump(const sluice::channel<chunk>& out, const interrupt& stop);

  // The input is over: its last line is finished, too.
  void finish(const sluice::channel<chunk>& out);

  // Reads from the start again.
  void rewind();

  std::string_view name() const noexcept { return name_; }
  int fd() const noexcept { return fd_; }
  std::uint64_t offset() const noexcept { return offset_; }
  std::uint64_t next_line() const noexcept { return cut_.next_line(); }

 private:
  void wait_for_input(const sluice::channel<chunk>& out, const interrupt& stop);

  std::string_view name_;
  int fd_;
  chunker cut_;
  std::uint64_t offset_ = 0;
};

}  // namespace last_active
