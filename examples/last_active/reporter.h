// reporter.h - the one way to standard error: messages, and a progress line for a person that messages do not tear.
// Threads: all members may be called from any thread. They block while the terminal does.
#pragma once

#include <mutex>
#include <string>
#include <string_view>

namespace last_active {

class reporter {
 public:
  // One line, "last_active: " in front of it.
  void say(std::string_view message);
  // Replaces the progress line: in place on a terminal, else as a line of its own.
  void progress(std::string_view line);
  // Takes the progress line away.
  void clear_progress();

  static bool on_terminal() noexcept;

 private:
  void write(std::string text) noexcept;
  std::mutex mutex_;
  bool line_open_ = false;
};

}  // namespace last_active
