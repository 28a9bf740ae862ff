// event_conformance.h - the laws that every event keeps, whatever it waits for. Run them against an event of your own.
//
// A Source says how to make events of one kind and how to let them happen:
//   make()      a new event on this source; not ready yet unless `always_ready`
//   supply()    makes the source ready for one event (for all, if `broadcast`) while nobody waits
//   release()   the same while somebody is armed: completes the first who waits, or all
//   untouched() no waiter is left in the source, as far as a stranger can tell
//   valid(take) the result of take() is what was supplied
// with the constants always_ready, never_ready, broadcast (one happening serves all), takes_once (an event is spent by
// take).
#pragma once

#include "tests/support/harness.h"
#include "tests/support/probe_waiter.h"

#include <concepts>
#include <memory>
#include <optional>
#include <type_traits>

namespace test {

template <class Source>
class event_laws {
 public:
  static void check_all() {
    if constexpr (Source::always_ready) {
      ready_wins_at_once();
      ready_is_never_armed();
    } else if constexpr (Source::never_ready) {
      unready_stays_unready();
      armed_and_disarmed_leaves_no_trace();
      timeout_beats_it();
    } else {
      unready_stays_unready();
      ready_wins_at_once();
      won_and_not_taken_stays_won();
      armed_and_disarmed_leaves_no_trace();
      disarmed_event_works_again();
      ready_is_never_armed();
      a_lost_wait_consumes_nothing();
      a_decided_wait_is_not_armed();
      one_happening_one_winner();
      the_armed_may_be_in_a_select();
      looks_ready_when_it_is();
    }
  }

 private:
  using event_type = decltype(std::declval<Source&>().make());
  using value_type = typename event_type::value_type;
  static_assert(sluice::event<event_type>);

  static bool take_is_valid(Source& source, event_type& e) {
    if constexpr (std::is_void_v<value_type>) {
      e.take();
      return true;
    } else {
      return source.valid(e.take());
    }
  }

  static void unready_stays_unready() {
    Source source;
    auto e = source.make();
    CHECK_FALSE(e.poll());
    CHECK_FALSE(e.poll());
    CHECK(source.untouched());
  }

  static void ready_wins_at_once() {
    Source source;
    auto e = source.make();
    source.supply();
    auto moved = std::move(e);  // an event that is not armed may be moved
    REQUIRE(moved.poll());
    CHECK(take_is_valid(source, moved));
  }

  static void won_and_not_taken_stays_won() {
    Source source;
    auto e = source.make();
    auto other = source.make();
    source.supply();
    REQUIRE(e.poll());
    CHECK(e.poll());
    CHECK(e.poll());
    if constexpr (!Source::broadcast) CHECK_FALSE(other.poll());  // looking twice did not consume twice
    CHECK(take_is_valid(source, e));
    if constexpr (!Source::broadcast) {
      auto again = source.make();
      CHECK_FALSE(again.poll());
    }
  }

  static void armed_and_disarmed_leaves_no_trace() {
    Source source;
    auto e = source.make();
    for (int round = 0; round < 3; ++round) {
      probe_waiter w;
      REQUIRE(e.arm(w, 7));
      e.disarm();
      CHECK(source.untouched());
      e.disarm();  // twice is once
      CHECK(source.untouched());
      CHECK_FALSE(w.decided_for().has_value());
    }
  }

  static void disarmed_event_works_again() {
    Source source;
    auto e = source.make();
    {
      probe_waiter w;
      REQUIRE(e.arm(w, 1));
      e.disarm();
    }
    probe_waiter second;
    REQUIRE(e.arm(second, 2));
    source.release();
    CHECK(second.decided_for() == 2U);
    REQUIRE(sluice::detail::complete(e));
    CHECK(take_is_valid(source, e));
  }

  // Whoever arms looks again: a source that is ready decides the wait at once.
  static void ready_is_never_armed() {
    Source source;
    source.supply();
    auto e = source.make();
    probe_waiter w;
    REQUIRE_FALSE(e.arm(w, 5));
    CHECK(w.decided_for() == 5U);
    REQUIRE(sluice::detail::complete(e));
    REQUIRE(e.poll());
    CHECK(take_is_valid(source, e));
  }

  static void a_lost_wait_consumes_nothing() {
    Source source;
    auto e = source.make();
    probe_waiter w;
    REQUIRE(e.arm(w, 1));
    REQUIRE(w.lose());
    source.supply();  // nobody waits: the armed one is stale
    e.disarm();
    auto other = source.make();
    REQUIRE(other.poll());
    CHECK(take_is_valid(source, other));
    if constexpr (!Source::broadcast) CHECK_FALSE(e.poll());
  }

  static void a_decided_wait_is_not_armed() {
    Source source;
    sluice::channel<int> silent;
    auto elsewhere = sluice::recv(silent);
    auto e = source.make();
    probe_waiter w;
    REQUIRE(elsewhere.arm(w, 0));
    source.supply();
    REQUIRE(w.lose());
    CHECK_FALSE(e.arm(w, 1));
    e.disarm();
    elsewhere.disarm();
    auto other = source.make();
    REQUIRE(other.poll());
    CHECK(take_is_valid(source, other));
  }

  static void one_happening_one_winner() {
    Source source;
    auto first = source.make();
    auto second = source.make();
    probe_waiter w1;
    probe_waiter w2;
    REQUIRE(first.arm(w1, 1));
    REQUIRE(second.arm(w2, 2));
    source.release();
    CHECK(w1.decided_for() == 1U);  // first come, first served
    CHECK(w2.decided_for() == (Source::broadcast ? std::optional(2U) : std::nullopt));
    REQUIRE(sluice::detail::complete(first));
    if constexpr (Source::broadcast) {
      CHECK(sluice::detail::complete(second));
    } else {
      second.disarm();
    }
    REQUIRE(first.poll());
    CHECK(take_is_valid(source, first));
    if constexpr (!Source::broadcast) {
      CHECK_FALSE(second.poll());
      CHECK(source.untouched());
    }
  }

  // The same event in a blocking select, decided by somebody else, against one that never happens.
  static void the_armed_may_be_in_a_select() {
    for (int side = 0; side < 2; ++side) {
      Source source;
      auto e = source.make();
      auto nothing = sluice::never();
      std::thread partner([&source] {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        source.supply();
      });
      if (side == 0) {
        CHECK((sluice::select(e, nothing) == e));
      } else {
        CHECK((sluice::select(nothing, e) == e));
      }
      partner.join();
      CHECK(take_is_valid(source, e));
    }
  }

  static void timeout_beats_it() {
    Source source;
    auto e = source.make();
    auto soon = sluice::after(std::chrono::milliseconds(1));
    CHECK((sluice::select(e, soon) == soon));
    CHECK(source.untouched());
    CHECK_FALSE(static_cast<bool>(sluice::try_select(e)));
  }

  // Bit 0 may be set wrongly, but is never missing; and whoever saw it missing sees a change when it comes.
  static void looks_ready_when_it_is() {
    if constexpr (sluice::detail::has_look<event_type>) {
      Source source;
      auto e = source.make();
      const auto before = static_cast<std::uint64_t>(e.look());
      source.supply();
      const auto after = static_cast<std::uint64_t>(e.look());
      CHECK((after & 1U) == 1U);
      CHECK(before != after);
    }
  }
};

}  // namespace test
