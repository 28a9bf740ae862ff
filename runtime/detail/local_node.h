// local_node.h - one value of a fiber_local: a link of its owner's list, the newest first.
//
// Threads: the list is the owner's alone, a fiber's or a thread's; it moves with the fiber.
#pragma once

#include <sluice/futures/party.h>

namespace sluice::detail {

class local_node {
 public:
  local_node(const local_node&) = delete;
  local_node& operator=(const local_node&) = delete;

  // The owner's value of that key; null if it has none.
  static local_node* find(const party& owner, const void* key) noexcept {
    local_node* node = owner.locals();
    while (node != nullptr && node->key_ != key) node = node->older_;
    return node;
  }

  // From now on `self`, who is the caller, has it, until it ends.
  void belong_to(party& self) noexcept;

  // Runs user code, which may wait and may make values anew; in the end there are none.
  static void destroy_all(party& self) noexcept;

 protected:
  explicit local_node(const void* key) noexcept : key_(key) {}
  virtual ~local_node() = default;

 private:
  const void* const key_;
  local_node* older_ = nullptr;
};

}  // namespace sluice::detail
