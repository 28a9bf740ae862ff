// report.h - who waits for what, in words.
//
//   for (const waiting_party& w : waiting_parties(10s)) std::cerr << w;       // what does not move
//
//   fiber 'left', started at transfer.cc:12
//       waits for lock of mutex 0x55d2c0e0, owned by fiber 'right', and so on in a circle
//       owns mutex 0x55d2c0b8
//       at sluice::mutex::lock() (sluice/sync/mutex.h:45)
//       at transfer(account&, account&) (transfer.cc:8)
//
// For people: the texts may change from version to version.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

namespace sluice {

// A fiber, a task or a thread that waits.
struct waiting_party {
  enum class kind { fiber, task, thread };
  kind what = kind::fiber;
  std::string name = {};                    // a fiber's name in quotes, else "#" and its number; "main thread"
  std::string started_at = {};              // file:line; empty if that is not known
  std::vector<std::string> waits_for = {};  // what the wait is for: one for each case of a select
  std::vector<std::string> owns = {};       // mutexes of ours that others in the same report wait for
  bool in_circle = false;                   // it waits for one that, perhaps by way of others, waits for it
  // It waits in channels only, and none has more handles than parties that wait there: each has its own, most likely, and
  // nobody is left who could wake them. Not so if they borrow the handle of somebody who goes on.
  bool abandoned = false;
  std::chrono::nanoseconds waited{};       // in this wait, at least
  std::vector<std::uintptr_t> stack = {};  // addresses within its calls, innermost first; empty if it is not known

  // The call in the user's code that waits: "f() (file.cc:12)", or as much as is known. Looks up names and lines, for which
  // it may start a process: blocks for a while. So does printing.
  std::string where() const;
};
std::ostream& operator<<(std::ostream& out, const waiting_party& w);

// The fibers of all runtimes, and the threads that wait without a limit, that are in one and the same wait for that long.
// Fibers that wait for ever are what a partial deadlock or a leak looks like. It looks twice and waits in between: blocks
// for at_least, and throws cancelled. Tasks are left out: they go on meanwhile. Cost: about 10 us a fiber.
std::vector<waiting_party> waiting_parties(std::chrono::nanoseconds at_least = {});

// Every fiber and every thread of the process waits, no timer runs, and nobody is left who could wake one of them.
struct deadlock_report {
  std::vector<waiting_party> parties = {};
};
std::ostream& operator<<(std::ostream& out, const deadlock_report& r);

// The fibers that had waited for longer than the limit when their runtime ended: see runtime_options.
struct leak_report {
  std::chrono::milliseconds limit{};
  std::vector<waiting_party> fibers = {};
};
std::ostream& operator<<(std::ostream& out, const leak_report& r);

}  // namespace sluice
