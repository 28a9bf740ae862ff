// chunker.h - cuts the bytes of one input into chunks of whole lines, and counts the lines.
//
//   chunker cut("access.log");
//   while (... n = read(fd, cut.room().data(), cut.room().size()) ...) {
//     cut.filled(n);
//     if (auto c = cut.full()) use(*c);       // or whole_lines(), when the input pauses
//   }
//   if (auto c = cut.rest()) use(*c);         // the end of the input ends its last line
//
// A line longer than `longest_line` is cut there: what comes after is dropped up to its newline.
// Threads: one at a time.
#pragma once

#include "examples/last_active/chunk.h"

#include <optional>
#include <span>

namespace last_active {

class chunker {
 public:
  static constexpr std::size_t default_size = 256 * 1024;
  static constexpr std::size_t default_longest_line = 1024 * 1024;

  explicit chunker(std::string_view source, std::size_t size = default_size,
                   std::size_t longest_line = default_longest_line);

  // Where the next bytes go: never empty, valid until the next call of another member.
  std::span<char> room();
  void filled(std::size_t n);

  std::optional<chunk> full();         // whole lines, if there is little room left
  std::optional<chunk> whole_lines();  // all whole lines there are
  std::optional<chunk> rest();         // everything, the last line's newline missing or not

  bool in_a_line() const noexcept { return used_ != 0 || dropping_; }  // after whole_lines(): an unfinished line is left
  std::uint64_t next_line() const noexcept { return next_line_; }

  // The source begins anew, at line 1. Call rest() first.
  void restart() noexcept;

 private:
  std::optional<chunk> cut(std::size_t end);
  void allocate(std::size_t capacity);

  std::string_view source_;
  std::size_t size_;
  std::size_t longest_line_;
  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0;
  std::size_t used_ = 0;
  std::size_t lines_end_ = 0;  // behind the last newline in the used part
  std::uint64_t next_line_ = 1;
  bool dropping_ = false;  // the rest of a line that was too long
};

}  // namespace last_active
