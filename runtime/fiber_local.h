// fiber_local.h - a variable of which each fiber has its own, as each thread has of a thread_local.
//
//   inline const fiber_local<std::string> scratch;                                            // begins as std::string()
//   inline const fiber_local<std::mt19937> dice([] { return std::mt19937(fresh_seed()); });   // or as this returns
//   scratch->clear();
//   return (*dice)() % 6;
//
// A value is made when its fiber first asks, and destroyed when that ends: by the fiber itself, after what its function
// captured and before its result can be seen, in the reverse order of making. Nothing is inherited; for that there is
// context_key. A plain thread has its own too, until it ends. A coroutine has none: it sees those of the fiber that carries
// it at the moment, and after a co_await that may be another one.
// Threads: a value is its fiber's, wherever that runs; a reference to it stays good until the fiber ends.
// Cost: the first use is one allocation; others a few nanoseconds, and one more for each value that was made later.
// Keep it alive as long as any fiber or thread that has used it: best as a global.
#pragma once

#include <sluice/runtime/detail/local_node.h>

#include <type_traits>

namespace sluice {

namespace detail {

template <class T>
class local_value final : public local_node {
 public:
  local_value(const void* key, T (*initial)()) : local_node(key), value_(initial()) {}
  T& value() noexcept { return value_; }

 private:
  ~local_value() override = default;
  T value_;
};

}  // namespace detail

template <class T>
class fiber_local {
 public:
  constexpr fiber_local() noexcept
    requires std::is_default_constructible_v<T>
      : fiber_local([] { return T(); }) {}
  // `initial` may wait and use others, but not this one. If it throws there is no value, and the next use tries again.
  constexpr explicit fiber_local(T (*initial)()) noexcept : initial_(initial) {}
  fiber_local(const fiber_local&) = delete;
  fiber_local& operator=(const fiber_local&) = delete;

  // The caller's, made now if need be. A destructor that asks for a value that is destroyed already gets a new one.
  T& operator*() const {
    party& self = party::current();
    if (auto* const node = detail::local_node::find(self, this)) return static_cast<detail::local_value<T>*>(node)->value();
    return make_for(self);
  }
  T* operator->() const { return &**this; }

 private:
  T& make_for(party& self) const {
    auto* const made = new detail::local_value<T>(this, initial_);
    made->belong_to(self);
    return made->value();
  }

  T (*const initial_)();
};

}  // namespace sluice
