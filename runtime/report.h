// report.h - who waits for what, in words.
//
//   std::cerr << deadlock_report;                      // the text that is printed by default
//   for (const waiting_party& w : r.blocked()) if (w.name == "'reader'") log(w.where);
//
// For people: the texts may change from version to version.
#pragma once

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
  std::string where = {};                   // the call in the user's code that waits; empty if that is not known
  std::vector<std::string> stack = {};      // the calls that lead there, innermost first: as in dump()
  std::vector<std::string> owns = {};       // mutexes of ours that others in the same report wait for
};
std::ostream& operator<<(std::ostream& out, const waiting_party& w);

// Every fiber and every thread of the process waits, no timer runs, and nobody is left who could wake one of them.
struct deadlock_report {
  std::vector<waiting_party> parties = {};
};
std::ostream& operator<<(std::ostream& out, const deadlock_report& r);

}  // namespace sluice
