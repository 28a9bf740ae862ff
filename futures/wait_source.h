// wait_source.h - a wait in words: what a report says that a fiber waits for.
//
//   class my_event {
//     void describe(wait_listener& l) const noexcept { l.add({.kind = "bell", .address = bell_}); }
//   };
//
// In a report: "waits for lock of mutex 0x55d2c0", "waits for bell 0x55d2c8".
// A party that parks leaves a pointer to its event and the function that describes it: two stores, and only on the way to
// sleep. Who reports calls that function while the party cannot go on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <typeinfo>

namespace sluice {

class waiter;

// One thing that is waited for. What it points to is alive as long as the wait.
struct wait_source {
  const char* action = nullptr;   // "recv from", "lock of"; null: the thing itself is what is waited for
  const char* kind = nullptr;     // of thing: "channel", "timer"; null: an event that cannot say, see `type`
  const void* address = nullptr;  // of the channel, the mutex, ...: the same for all who wait there
  std::string_view name = {};     // if it has one
  const waiter* by = nullptr;     // the fiber or task that computes a future's result
  std::uint64_t owner = 0;        // who has locked a mutex (party::identity()); it may have ended since
  std::uint64_t amount = 0;       // of what kinds with a number count; see `unit`
  const char* unit = nullptr;     // "permits", "to go"; null: there is no number
  std::uint64_t handles = 0;      // of a channel: how many there are; 0: not known
  const std::type_info* type = nullptr;
};

class wait_listener {
 public:
  virtual void add(const wait_source& s) noexcept = 0;

 protected:
  ~wait_listener() = default;
};

namespace detail {

template <class E>
concept has_describe = requires(const E& e, wait_listener& l) {
  { e.describe(l) } noexcept;
};

template <class E>
void describe(const E& e, wait_listener& l) noexcept {
  if constexpr (has_describe<E>)
    e.describe(l);
  else
    l.add({.type = &typeid(E)});
}
template <class E>
void describe(const std::span<E>& events, wait_listener& l) noexcept {
  for (const auto& e : events) e.describe(l);
}

// What a party waits for, without its type. Empty: nothing that a report would name.
struct wait_description {
  const void* what = nullptr;
  void (*in_words)(const void*, wait_listener&) noexcept = nullptr;

  template <class E>
  static wait_description of(const E& e) noexcept {
    return {&e, [](const void* it, wait_listener& l) noexcept { detail::describe(*static_cast<const E*>(it), l); }};
  }
  explicit operator bool() const noexcept { return in_words != nullptr; }
  void describe(wait_listener& l) const noexcept {
    if (in_words != nullptr) in_words(what, l);
  }
};

}  // namespace detail
}  // namespace sluice
