// symbols.h - what stands at an address of the program's code, in words.
//
//   symbols known;
//   known.look_up(where.frames());                     // as many as possible at a time: it may start a process
//   out << known.lines(where.frames());
//
// Names come from the dynamic symbols (a program linked with -rdynamic has all of its own there). File, line, inlined calls
// and all other names come from `addr2line`, if that program is installed. What nobody knows is module+offset.
// Threads: an object belongs to one. Blocks for as long as addr2line takes: up to seconds for a large program. Never from a
// signal handler.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace sluice::detail {

// One call, perhaps inlined into the next outer one.
struct call {
  std::string function;  // demangled; empty if not known
  std::string file;      // as the compiler was given it; empty if not known
  unsigned line = 0;
  std::string place;  // module+offset
  enum class owner : std::uint8_t { user, standard, library, internal } whose = owner::user;
};

// What a mangled name means; any other name as it is.
std::string demangled(const char* name);

// "file.cc:12", or as much of it as is known.
std::string source_line(const call& c);
// "f(int) (file.cc:12)", likewise.
std::string to_text(const call& c);

class symbols {
 public:
  // Addresses within the instructions that call, as backtrace has them.
  void look_up(std::span<const std::uintptr_t> addresses);

  // All that have been looked up: innermost first. What is ours is left out, but for the call that entered it: the waiting
  // below that and, at the outer end, what starts a fiber.
  std::vector<const call*> shown(std::span<const std::uintptr_t> frames) const;
  // The same as text: a line for each, indented.
  std::string lines(std::span<const std::uintptr_t> frames) const;
  // The innermost call that is the user's own; null if there is none.
  const call* site(std::span<const std::uintptr_t> frames) const;

 private:
  struct module;
  std::vector<const call*> flattened(std::span<const std::uintptr_t> frames) const;

  std::unordered_map<std::uintptr_t, std::vector<call>> known_;  // innermost first
};

// Where in the user's own code: "file.cc:12", else a function, else module+offset. Empty if it is nowhere there.
std::string describe_site(std::span<const std::uintptr_t> frames);

}  // namespace sluice::detail
