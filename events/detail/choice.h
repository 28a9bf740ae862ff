// choice.h - what all forms of choose do: the verbs of "the first of several", over a list of alternatives.
//
// Alternatives has size() and visit(i, f), which calls f with the i-th event, and says whether all have look() and spent(),
// and whether one has abandon().
// Invariants
//   E1  attached <=> some alternative may be armed. An alternative is armed as its index on waiter_, never on the party.
//   E2  the alternative that won is not disarmed; its winner may still be about to finish through waiter_ until the party's
//       wait is settled, so a choose that has won is withdrawn by complete() only.
#pragma once

#include <sluice/base/check.h>
#include <sluice/base/spin.h>
#include <sluice/events/detail/choice_waiter.h>
#include <sluice/futures/event.h>

namespace sluice::detail {

template <class Alternatives>
class choice {
 public:
  // False only if there was one moment at which no alternative was ready, provided that all have look().
  bool poll() {
    if (done()) return true;
    for (spin_wait spin;; spin.once()) {
      if (poll_ready()) return true;
      if constexpr (!Alternatives::all_look) return false;
      if (still_none_ready()) return false;
    }
  }

  // If it is armed already (on the same waiter), only what was missed meanwhile is armed anew.
  bool arm(waiter& w, std::uint32_t index) noexcept {
    const bool again = waiter_.attached();
    if (!again) waiter_.attach(w, index);
    const std::uint32_t n = size();
    const std::uint32_t start = party::current().random().below(n);
    for (std::uint32_t k = 0; k < n; ++k) {
      const std::uint32_t i = k < n - start ? start + k : k - (n - start);
      const bool missed = waiter_.take_missed(i);
      if (again && !missed) continue;
      waiter_[i].armed = alternatives_.visit(i, [&](auto& e) { return e.arm(waiter_, i); });
      if (waiter_[i].armed) continue;
      if (!waiter_.has_winner()) disarm();
      return false;
    }
    return true;
  }

  void disarm() noexcept {
    if (!waiter_.attached()) return;
    disarm_but(size());
    waiter_.detach();
  }

  bool complete() {
    const std::uint32_t i = waiter_.winner();
    disarm_but(i);
    waiter_.detach();
    if (!alternatives_.visit(i, [](auto& e) { return detail::complete(e); })) return false;
    choose(i);
    return true;
  }

  void abandon() noexcept
    requires(Alternatives::any_abandon)
  {
    if (!done()) abandon_but(size());
  }

  bool spent() const noexcept
    requires(Alternatives::all_spent)
  {
    for (std::uint32_t i = 0; i < size(); ++i)
      if (!alternatives_.visit(i, [](const auto& e) { return e.spent(); })) return false;
    return true;
  }

  // Exact: the count of changes seen. Bit 0 is clear only if there was one moment at which no alternative was ready: none
  // was when it was looked at, and none had changed when it was looked at again.
  std::uint64_t look()
    requires(Alternatives::all_look)
  {
    const bool ready = done() || look_at_all() || !still_none_ready();
    return changes_ << 1 | static_cast<std::uint64_t>(ready);
  }
  void describe(wait_listener& l) const noexcept {
    for (std::uint32_t i = 0; i < size(); ++i) alternatives_.visit(i, [&l](const auto& e) { detail::describe(e, l); });
  }

 protected:
  explicit choice(Alternatives a) : alternatives_(std::move(a)), waiter_(alternatives_.notes()) {}

  // The alternative that happened; its event is to be taken from.
  std::uint32_t take_choice() noexcept {
    SLUICE_CHECK(done(), "take() of a choose that has not happened");
    return std::exchange(chosen_, proxy_waiter::nobody);
  }

  Alternatives alternatives_;

 private:
  std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(waiter_.size()); }
  bool done() const noexcept { return chosen_ != proxy_waiter::nobody; }

  // A select_set polls what is armed: what is taken from must not be completed again by its old place in a queue.
  void choose(std::uint32_t i) noexcept {
    disarm();
    chosen_ = i;
    abandon_but(i);
  }

  bool look_at_all() {
    bool any = false;
    bool changed = false;
    for (std::uint32_t i = 0; i < size(); ++i) {
      const std::uint64_t word = alternatives_.visit(i, [](auto& e) -> std::uint64_t { return detail::look(e); });
      alternative_note& note = waiter_[i];
      changed |= std::exchange(note.seen, word) != word;
      note.ready = word & may_be_ready;
      any |= note.ready;
    }
    changes_ += changed;
    return any;
  }

  // Requires that the last look found none ready, or that the polls of those that were have failed.
  bool still_none_ready() {
    const std::uint64_t before = changes_;
    return !look_at_all() && changes_ == before;
  }

  // Looks, then tries those that may be ready, each of them equally likely to be the first (P10).
  bool poll_ready() {
    look_at_all();
    std::uint32_t count = 0;
    for (std::uint32_t i = 0; i < size(); ++i) count += waiter_[i].ready;
    for (; count > 0; --count) {
      std::uint32_t rank = count > 1 ? party::current().random().below(count) : 0;
      std::uint32_t i = 0;
      while (!waiter_[i].ready || rank-- > 0) ++i;
      waiter_[i].ready = false;
      if (!alternatives_.visit(i, [](auto& e) { return e.poll(); })) continue;
      choose(i);
      return true;
    }
    return false;
  }

  void disarm_but(std::uint32_t winner) noexcept {
    for (std::uint32_t i = 0; i < size(); ++i)
      if (std::exchange(waiter_[i].armed, false) && i != winner) alternatives_.visit(i, [](auto& e) { e.disarm(); });
  }

  void abandon_but(std::uint32_t winner) noexcept {
    if constexpr (Alternatives::any_abandon) {
      for (std::uint32_t i = 0; i < size(); ++i)
        if (i != winner) alternatives_.visit(i, [](auto& e) { detail::abandon(e); });
    }
  }

  choice_waiter<typename Alternatives::notes_type> waiter_;
  std::uint32_t chosen_ = proxy_waiter::nobody;  // happened, and not taken
  std::uint64_t changes_ = 0;                    // how often look_at_all() has found a word other than before
};

}  // namespace sluice::detail
