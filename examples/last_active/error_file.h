// error_file.h - keeps the bad lines, on a thread of its own, since files block.
#pragma once

#include "examples/last_active/reporter.h"

#include <sluice/channels/channel.h>

#include <string>

namespace last_active {

class error_file {
 public:
  // Opens `name` to append to it; throws std::system_error.
  explicit error_file(std::string name);
  ~error_file();
  error_file(const error_file&) = delete;
  error_file& operator=(const error_file&) = delete;

  // Appends what arrives until `in` is closed and drained. After a failure it goes on taking (nobody is held up) and drops;
  // the failure, and then the number of lines that were dropped, are reported. False: something was dropped.
  bool keep(const sluice::channel<std::string>& in, reporter& tell);

 private:
  int append(std::string_view text) noexcept;
  std::string name_;
  int fd_;
};

}  // namespace last_active
