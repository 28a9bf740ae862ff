// shared_value.h - a value that several parties look at and none changes: each copies it without a lock.
#pragma once

#include <sluice/base/intrusive_ptr.h>

#include <optional>
#include <type_traits>
#include <utility>

namespace sluice::detail {

// Made empty, outside of all locks; filled once, by a move that may happen under one.
template <class T>
class shared_value final : public ref_counted {
  static_assert(std::is_object_v<T> && std::is_copy_constructible_v<T>,
                "sluice: what is shown to several parties is copied; share a std::shared_ptr<const T>");
  static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>,
                "sluice: T must not throw when it is moved or destroyed, else a value could be lost on its way");

 public:
  static intrusive_ptr<shared_value> make() { return intrusive_ptr<shared_value>::adopt(new shared_value); }
  void fill(T&& value) noexcept { value_.emplace(std::move(value)); }
  const T& get() const noexcept { return *value_; }

 private:
  std::optional<T> value_;
};

template <class T>
using shared_value_ptr = intrusive_ptr<shared_value<T>>;

}  // namespace sluice::detail
