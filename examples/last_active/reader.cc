#include "examples/last_active/reader.h"

#include "examples/last_active/input_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace last_active {
namespace {

input_file open_input(const std::string& name) {
  if (name != "-") return input_file::open(name);
  const int fd = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), name);
  return {"(standard input)", fd};
}

}  // namespace

std::string why_not(std::string_view name, const std::system_error& e) {
  return std::string(name == "-" ? "standard input" : name) + ": " + e.code().message();
}

read_result read_inputs(const options& o, const sluice::channel<chunk>& out, const interrupt& stop, reporter& tell) {
  read_result result;
  for (const std::string& name : o.inputs) {
    std::uint64_t next_line = 1;
    try {
      input_file input = open_input(name);
      try {
        if (input.pump(out, stop) == input_file::end::stopped) {
          result.unfinished = true;
          return result;
        }
      } catch (...) {
        next_line = input.next_line();
        throw;
      }
      input.finish(out);
    } catch (const std::system_error& e) {
      tell.say("cannot read " + why_not(name, e) + (next_line > 1 ? " after line " + std::to_string(next_line - 1) : ""));
      result.failed = true;
    }
  }
  return result;
}

}  // namespace last_active
