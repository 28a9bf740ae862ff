// forward.h - an event that does what another one does, as the base of those that change one verb.
//
// Optional verbs are there if the other event has them.
#pragma once

#include <sluice/futures/event.h>

#include <utility>

namespace sluice::detail {

template <event E>
class forwarding_event {
 public:
  bool poll() { return event_.poll(); }
  bool arm(waiter& w, std::uint32_t index) noexcept { return event_.arm(w, index); }
  void disarm() noexcept { event_.disarm(); }
  bool complete()
    requires has_complete<E>
  {
    return event_.complete();
  }
  void abandon() noexcept
    requires has_abandon<E>
  {
    event_.abandon();
  }
  bool spent() const noexcept
    requires has_spent<E>
  {
    return event_.spent();
  }
  std::uint64_t look()
    requires has_look<E>
  {
    return event_.look();
  }
  void describe(wait_listener& l) const noexcept { detail::describe(event_, l); }

 protected:
  explicit forwarding_event(E e) : event_(std::move(e)) {}

  E event_;
};

}  // namespace sluice::detail
