// context_key.h - values that reach a fiber without standing in every signature on the way: a request's id, a logger.
//
//   inline const context_key<std::string> request_id;                    // a global: the key is its address
//   with_value(request_id, "r-17", [&] { handle(request); });
//   if (const std::string* id = request_id.get()) log(*id);             // anywhere in handle(), and in the fibers it starts
//
// A fiber sees what is in force where it was started, whether by go(), scope::go() or race(), for as long as it lives.
// Threads: any fiber or thread; a value is shared by all who see it, and const.
// Cost: with_value is one allocation; get() walks from the innermost value outwards; go() copies a pointer, if there is one.
#pragma once

#include <sluice/runtime/detail/value_node.h>

#include <functional>
#include <type_traits>
#include <utility>

namespace sluice {

template <class T>
class context_key {
 public:
  constexpr context_key() noexcept = default;
  context_key(const context_key&) = delete;
  context_key& operator=(const context_key&) = delete;

  // The innermost value of this key; null if there is none. Valid until the calling fiber leaves the with_value that set
  // it; if the value is inherited, until the fiber ends.
  const T* get() const noexcept;
};

namespace detail {

template <class T>
class typed_value final : public value_node {
 public:
  template <class V>
  typed_value(const context_key<T>& key, value_node* outer, V&& value)
      : value_node(&key, outer), value_(std::forward<V>(value)) {}
  const T& value() const noexcept { return value_; }

 private:
  ~typed_value() override = default;
  const T value_;
};

// Puts a node in front of the chain of the calling party, as long as it lives.
class value_in_force {
 public:
  value_in_force(party& self, value_node& node) noexcept : self_(self), node_(node), outer_(self.values()) {
    self_.set_values(&node);
  }
  value_in_force(const value_in_force&) = delete;
  value_in_force& operator=(const value_in_force&) = delete;
  ~value_in_force() {
    self_.set_values(outer_);
    node_.release();
  }

 private:
  party& self_;
  value_node& node_;
  value_node* const outer_;
};

}  // namespace detail

template <class T>
const T* context_key<T>::get() const noexcept {
  const auto* node = static_cast<const detail::typed_value<T>*>(detail::value_node::find(this));
  return node != nullptr ? &node->value() : nullptr;
}

// Runs f in the calling fiber or thread, with `value` for whoever asks `key` in it or in a fiber that starts in it. Returns
// what f returns.
template <class T, class V, class F>
  requires std::is_constructible_v<T, V&&>
std::invoke_result_t<F> with_value(const context_key<T>& key, V&& value, F&& f) {
  party& self = party::current();
  const detail::value_in_force here(self, *new detail::typed_value<T>(key, self.values(), std::forward<V>(value)));
  return std::invoke(std::forward<F>(f));
}

}  // namespace sluice
