// event.h - something that can be waited for: the one concept where channels, timers, futures and select meet.
//
//   poll      Do it now if that needs no waiting. True: it is done, and take() has the result. An event that is done and
//             not taken stays done.
//   arm       Publish "whoever can complete me, win `w`'s wait as `index`" through a wait_node, and return true. First look
//             again, *under the lock that makes the node visible* (P3): if it can be done now, call w.claim_own(index); if
//             that succeeds, do it. Return false then, also if the claim was lost: the wait is decided.
//             Noexcept, like disarm: other events of the wait may be armed.
//   disarm    Withdraw the node. Idempotent, O(1). On return no other thread holds a pointer to this event (P4).
//             Called on events that arm() was called on and that lost; never on the winner, whose node was unlinked by
//             whoever won it. So an event has one node.
//   take      Move the result out.
// Optional:
//   abandon   For events that begin something in poll: the wait is over (it may have thrown), and it was not this event that
//             happened. Noexcept, idempotent, not called while armed; an event that is done and not taken stays done.
//   spent     Asked after take(): this event will never have anything new to take.
//   complete  Called on the winner. False: woken, but beaten to it; the wait goes round again.
//   describe  const noexcept: tells a wait_listener what is waited for (wait_source.h). Called by others while the event is
//             armed and its party parked, so it reads only what does not change meanwhile; it waits for no lock that is held
//             while a wait is claimed. For reports.
//   look      One word without locking: bit 0 says "may be ready" (it may say so wrongly, never the opposite; but not after
//             a poll that failed, unless something has changed since); the rest changes whenever readiness may have
//             changed. Wanted by a select with a default case over several events.
//
// An event belongs to one waiting party; it may be moved while it is not armed.
#pragma once

#include <sluice/futures/wait_source.h>
#include <sluice/futures/waiter.h>

#include <concepts>
#include <cstdint>
#include <type_traits>

namespace sluice {

template <class E>
concept event = std::move_constructible<E> && requires(E& e, waiter& w, std::uint32_t index) {
  typename E::value_type;
  { e.poll() } -> std::same_as<bool>;
  { e.arm(w, index) } noexcept -> std::same_as<bool>;
  { e.disarm() } noexcept -> std::same_as<void>;
  { e.take() } -> std::same_as<typename E::value_type>;
};

namespace detail {

template <class E>
concept has_complete = requires(E& e) {
  { e.complete() } -> std::same_as<bool>;
};
template <class E>
concept has_look = requires(E& e) {
  { e.look() } -> std::convertible_to<std::uint64_t>;
};
template <class E>
concept has_abandon = requires(E& e) {
  { e.abandon() } noexcept -> std::same_as<void>;
};
template <class E>
concept has_spent = requires(const E& e) {
  { e.spent() } noexcept -> std::same_as<bool>;
};

constexpr std::uint64_t may_be_ready = 1;

template <event E>
bool complete(E& e) {
  if constexpr (has_complete<E>) {
    return e.complete();
  } else {
    return true;
  }
}

template <event E>
std::uint64_t look(E& e) {
  if constexpr (has_look<E>) {
    return e.look();
  } else {
    return may_be_ready;
  }
}

template <event E>
void abandon(E& e) noexcept {
  if constexpr (has_abandon<E>) e.abandon();
}

template <event E>
bool spent(const E& e) noexcept {
  if constexpr (has_spent<E>) {
    return e.spent();
  } else {
    return false;
  }
}

// A view of any event: two words, no allocation.
class event_ref {
 public:
  event_ref() = default;
  template <class E>
    requires(!std::same_as<std::remove_const_t<E>, event_ref> && event<E>)
  explicit event_ref(E& e) noexcept : self_(&e), verbs_(&verbs_of<E>) {}

  const void* address() const noexcept { return self_; }
  bool poll() const { return verbs_->poll(self_); }
  bool arm(waiter& w, std::uint32_t index) const { return verbs_->arm(self_, w, index); }
  void disarm() const noexcept { verbs_->disarm(self_); }
  bool complete() const { return verbs_->complete(self_); }
  std::uint64_t look() const { return verbs_->look(self_); }
  void describe(wait_listener& l) const noexcept { verbs_->describe(self_, l); }

 private:
  struct verbs {
    bool (*poll)(void*);
    bool (*arm)(void*, waiter&, std::uint32_t) noexcept;
    void (*disarm)(void*) noexcept;
    bool (*complete)(void*);
    std::uint64_t (*look)(void*);
    void (*describe)(const void*, wait_listener&) noexcept;
  };
  template <class E>
  static constexpr verbs verbs_of{
      [](void* e) { return static_cast<E*>(e)->poll(); },
      [](void* e, waiter& w, std::uint32_t index) noexcept { return static_cast<E*>(e)->arm(w, index); },
      [](void* e) noexcept { static_cast<E*>(e)->disarm(); },
      [](void* e) { return detail::complete(*static_cast<E*>(e)); },
      [](void* e) { return detail::look(*static_cast<E*>(e)); },
      [](const void* e, wait_listener& l) noexcept { detail::describe(*static_cast<const E*>(e), l); },
  };

  void* self_ = nullptr;
  const verbs* verbs_ = nullptr;
};

}  // namespace detail

// The event that never happens: the neutral element of select.
class never_event {
 public:
  using value_type = void;
  bool poll() noexcept { return false; }
  bool arm(waiter&, std::uint32_t) noexcept { return true; }
  void disarm() noexcept {}
  void take() noexcept {}
  std::uint64_t look() noexcept { return 0; }
  void describe(wait_listener& l) const noexcept { l.add({.kind = "nothing: never()"}); }
};
inline never_event never() noexcept { return {}; }

}  // namespace sluice
