// inspection.h - collects who waits for what.
#pragma once

#include <sluice/base/futex.h>
#include <sluice/futures/wait_source.h>
#include <sluice/futures/waiter.h>
#include <sluice/runtime/report.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace sluice {

class party;

namespace detail {

class fiber;
class scheduler;

// First show it all parties, then ask for the result: what one waits for may be another.
class inspection {
 public:
  // `light`: without stacks and words, to be compared with another one.
  explicit inspection(bool light = false) noexcept : light_(light) {}

  // All of the runtime, tasks included. Requires that none of them can go on meanwhile.
  void add_quiet(scheduler& s);
  // Its fibers, while they go on: each as it is at some moment.
  void add_fibers(scheduler& s);
  // The threads that wait without a limit.
  void add_threads();

  // Everybody.
  std::vector<waiting_party> all() const;
  // Those that are in the same wait as in an earlier inspection.
  std::vector<waiting_party> since(const inspection& before) const;
  // The fibers whose wait has begun before (see fiber::waits_since()).
  std::vector<waiting_party> since(steady_time begin) const;

 private:
  struct source {
    std::string action, thing, amount;
    const waiter* by;
    std::uint64_t owner;
    const void* address;
    std::uint64_t handles;
  };
  struct entry {
    waiting_party words;
    const waiter* who = nullptr;
    std::uint64_t identity = 0;
    std::uint32_t wait_number = 0;
    bool waits = false;
    bool has_limit = false;        // it will not wait for ever
    bool carries = false;          // runs tasks: what it does it does for one of them
    bool is_idle_carrier = false;  // waits for nothing that would be told
    steady_time since{};
    std::vector<source> sources;
  };
  class noted;
  static constexpr std::size_t nobody = static_cast<std::size_t>(-1);

  void add(fiber& f, bool is_held);
  void add_party(waiting_party::kind what, party& p, std::string name, bool stays);
  void keep(entry&& e);
  std::size_t target(const source& s) const;
  std::size_t next_in_chain(const entry& e) const;
  std::vector<bool> in_circles(const std::vector<bool>& shown) const;
  std::vector<bool> abandoned() const;
  std::string in_words(const source& s) const;
  template <class Shown>
  std::vector<waiting_party> result(Shown shown) const;

  const bool light_;
  bool knows_all_ = false;
  std::vector<entry> entries_;
  std::unordered_map<const waiter*, std::size_t> by_address_;
  std::unordered_map<std::uint64_t, std::size_t> by_identity_;
};

}  // namespace detail
}  // namespace sluice
