// hog.h - a fiber that keeps its worker.
//
//   runtime_options options;
//   options.on_hog = [](const hog_report& hog) { std::cerr << hog; };
//
//   sluice: fiber 'parser' has kept its worker for 14 ms without a wait
//       at parse(std::string_view) (parser.cc:120)
//       at session(connection&) (server.cc:40)
//     3 pinned fibers wait behind it: 'log', #12, #15
//
// Others are not held up by it, since a spare worker stands in; but those that are pinned to its worker are. What takes long
// belongs into blocking(), or calls this_fiber::yield() now and then.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

namespace sluice {

struct hog_report {
  std::string fiber;  // its name in quotes, else its number
  std::chrono::milliseconds kept{};
  bool sleeps = false;                     // in a call that blocks the thread; else it computes
  std::vector<std::uintptr_t> stack;       // addresses within its calls, innermost first; empty if its thread gave no answer
  std::vector<std::string> pinned_behind;  // fibers that are ready and can only run on this worker: the first 16
  std::size_t pinned_behind_count = 0;
};

// In words, as above. Looks up names and lines, for which it may start a process: blocks for a while.
std::ostream& operator<<(std::ostream& out, const hog_report& hog);

}  // namespace sluice
