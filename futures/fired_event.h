// fired_event.h - the event that a wait_list fires.
#pragma once

#include <sluice/futures/event.h>
#include <sluice/futures/wait_list.h>

#include <cstdint>

namespace sluice::detail {

// Once it is ready it stays so. It borrows the list.
class fired_event {
 public:
  using value_type = void;
  explicit fired_event(wait_list& l) noexcept : list_(&l) {}

  bool poll() const noexcept { return list_->fired(); }
  bool arm(waiter& w, std::uint32_t index) noexcept { return list_->arm(node_, w, index); }
  void disarm() noexcept { list_->disarm(node_); }
  void take() const noexcept {}
  std::uint64_t look() const noexcept { return poll() ? may_be_ready : 0; }
  void describe(wait_listener& l) const noexcept { describe_as("wait_list", l); }

 protected:
  void describe_as(const char* kind, wait_listener& l) const noexcept { l.add({.kind = kind, .address = list_}); }

 private:
  wait_list* list_;
  wait_node node_;
};

}  // namespace sluice::detail
