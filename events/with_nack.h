// with_nack.h - an event whose maker learns that its wait chose another one.
//
// For what a request has set in motion, and what must be undone when nobody waits for the reply any more (Reppy's withNack):
//
//   auto rent(const shop& s) {                           // the event "a bicycle is mine"
//     return with_nack([s](nack_event gone) {
//       channel<bicycle> reply;
//       s.requests.send({reply, gone});
//       return recv(std::move(reply));
//     });
//   }
//   ... in the server:  auto hand_over = send(r.reply, bike);
//                       if (select(hand_over, r.gone) == r.gone) keep(std::move(*hand_over.value()));
//
// As guard(), and the function gets the event `nack`, of which it may pass copies to anybody. It becomes ready, for good, if
// the wait was decided otherwise: another event happened, it was cancelled, it threw, the function itself threw; or if the
// event is destroyed while that is open. It never becomes ready once the event has happened, whether its value is taken or
// not. A rendezvous reply and the nack exclude each other: of the two above, exactly one happens.
// Threads: a copy of the nack belongs to one waiting party, as every event does; copies may be made and used anywhere.
// Cost:    that of guard(), and one allocation for each wait.
#pragma once

#include <sluice/base/intrusive_ptr.h>
#include <sluice/events/detail/forward.h>
#include <sluice/events/guard.h>
#include <sluice/futures/fired_event.h>
#include <sluice/futures/wait_list.h>

#include <type_traits>
#include <utility>

namespace sluice {

namespace detail {

struct nack_state : ref_counted {
  wait_list lost;
};

}  // namespace detail

// "It was not chosen." An event whose origin is gone keeps what it said last.
class nack_event : public detail::fired_event {
 public:
  explicit nack_event(detail::intrusive_ptr<detail::nack_state> state) noexcept
      : fired_event(state->lost), state_(std::move(state)) {}
  void describe(wait_listener& l) const noexcept { describe_as("nack", l); }

 private:
  detail::intrusive_ptr<detail::nack_state> state_;
};

namespace detail {

// Fires the nack when it goes, unless it was told that the event has been chosen.
class nack_source {
 public:
  nack_source() : state_(intrusive_ptr<nack_state>::adopt(new nack_state)) {}
  nack_source(nack_source&&) noexcept = default;
  nack_source& operator=(nack_source&&) = delete;
  ~nack_source() {
    if (state_) state_->lost.fire();
  }
  nack_event nack() const noexcept { return nack_event(state_); }
  void chosen() noexcept { state_ = {}; }

 private:
  intrusive_ptr<nack_state> state_;
};

template <event E>
class nacking_event : public forwarding_event<E> {
 public:
  using value_type = typename E::value_type;
  nacking_event(E e, nack_source source) : forwarding_event<E>(std::move(e)), source_(std::move(source)) {}

  bool poll() { return note(this->event_.poll()); }
  bool complete() { return note(detail::complete(this->event_)); }
  value_type take() { return this->event_.take(); }

 private:
  bool note(bool happened) noexcept {
    if (happened) source_.chosen();
    return happened;
  }
  nack_source source_;
};

template <class F>
struct make_nacking {
  auto operator()() {
    nack_source source;  // if the function throws, it fires
    auto made = function(source.nack());
    return nacking_event(std::move(made), std::move(source));
  }
  F function;
};

}  // namespace detail

template <class F>
  requires event<std::invoke_result_t<std::decay_t<F>&, nack_event>>
auto with_nack(F&& f) {
  return guard_event<detail::make_nacking<std::decay_t<F>>>({std::forward<F>(f)});
}

}  // namespace sluice
