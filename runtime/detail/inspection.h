// inspection.h - collects who waits for what.
#pragma once

#include <sluice/base/call_site.h>
#include <sluice/futures/wait_source.h>
#include <sluice/futures/waiter.h>
#include <sluice/runtime/report.h>

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::detail {

class fiber;
class scheduler;

// First show it all parties, then ask for the result: what one waits for may be another.
class inspection {
 public:
  // All that wait in the runtime, its tasks included. Requires that none of them can go on meanwhile.
  void add_runtime(scheduler& s);
  // The threads that wait without a limit, as above.
  void add_threads();

  // Names of functions, files and lines come from addr2line: it may take seconds.
  std::vector<waiting_party> result() const;

 private:
  struct source {
    std::string action, thing, amount;
    const waiter* by;
    std::uint64_t owner;
  };
  struct entry {
    waiting_party words;
    const waiter* who;
    std::uint64_t identity;
    bool carries;  // runs tasks: what it does it does for one of them
    std::vector<source> sources;
    std::vector<std::uintptr_t> stack;  // innermost frame first
  };
  class listener;

  void add_fiber(const fiber& f);
  entry& add(waiting_party::kind what, std::string name, const waiter& who, std::uint64_t identity);
  const entry* find(const source& s) const;
  std::string in_words(const source& s) const;

  std::vector<entry> entries_;
};

}  // namespace sluice::detail
