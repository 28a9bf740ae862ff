// race.h - several ways to one result: the first to be done wins, and the others are gone.
//
//   const page p = race([&] { return fetch(mirror_a); }, [&] { return fetch(mirror_b); });
//   const auto r = race(read_line, [] { this_fiber::sleep_for(1s); });     // variant<std::string, std::monostate>
//   const page q = race(list_of_functions);
//
// Each runs in a fiber of its own. A value or an exception, whichever comes first is the result; the losers are cancelled,
// and awaited before race returns, so they may use what the caller owns. What a loser returns is dropped; an error that it
// ends with, other than cancelled, is reported as unobserved.
// If the caller is cancelled, or out of time, before there is a winner, all are cancelled and awaited and race throws that.
// Called from a thread that is no fiber, it uses the default runtime.
#pragma once

#include <sluice/futures/future.h>
#include <sluice/runtime/detail/nursery.h>
#include <sluice/runtime/detail/spawned.h>

#include <cstddef>
#include <iterator>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace sluice {

namespace detail {

template <class F>
using fiber_result = std::decay_t<std::invoke_result_t<std::decay_t<F>>>;
template <class R>
using storable = std::conditional_t<std::is_void_v<R>, std::monostate, R>;

template <class First, class... Rest>
struct race_result {
  using type =
      std::conditional_t<(std::is_same_v<First, Rest> && ...), First, std::variant<storable<First>, storable<Rest>...>>;
};

template <class Result, std::size_t I, class... R>
Result take_winner(std::tuple<future<R>...>& futures, std::size_t winner) {
  if constexpr (I + 1 < sizeof...(R)) {
    if (winner != I) return take_winner<Result, I + 1>(futures, winner);
  }
  auto& f = std::get<I>(futures);
  using own = typename std::remove_reference_t<decltype(f)>::value_type;
  if constexpr (std::is_same_v<Result, own>) {
    return f.get();
  } else if constexpr (std::is_void_v<own>) {
    f.get();
    return Result(std::in_place_index<I>);
  } else {
    return Result(std::in_place_index<I>, f.get());
  }
}

template <class F>
auto enter_race(nursery& contestants, F&& f) {
  return spawn<child>(current_scheduler(), launch{}, std::forward<F>(f), contestants);
}

}  // namespace detail

// Returns the winner's result: of their common type if all have the same, else a variant in the order of the functions, with
// std::monostate for void. Throws what the winner threw.
template <class... F>
  requires(sizeof...(F) > 0 && (std::is_invocable_v<std::decay_t<F>> && ...))
auto race(F&&... f) {
  detail::nursery contestants(detail::nursery::stops_at::first_completion);
  std::tuple futures{detail::enter_race(contestants, std::forward<F>(f))...};
  contestants.join();
  using result = typename detail::race_result<detail::fiber_result<F>...>::type;
  return detail::take_winner<result, 0>(futures, contestants.first_done());
}

// Over a range of functions of one type. std::invalid_argument if it is empty.
template <class Range>
  requires requires(Range& range) { (*std::begin(range))(); }
auto race(Range&& range) {
  detail::nursery contestants(detail::nursery::stops_at::first_completion);
  std::vector<decltype(detail::enter_race(contestants, *std::begin(range)))> futures;
  for (auto&& f : range) futures.push_back(detail::enter_race(contestants, std::forward<decltype(f)>(f)));
  if (futures.empty()) throw std::invalid_argument("sluice: race over an empty list of functions would have no result");
  contestants.join();
  return futures[contestants.first_done()].get();
}

}  // namespace sluice
