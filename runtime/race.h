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

#include <sluice/base/common_result.h>
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
template <std::size_t I, class... R>
typename common_result<R...>::type take_winner(std::tuple<future<R>...>& futures, std::size_t winner) {
  if constexpr (I + 1 < sizeof...(R)) {
    if (winner != I) return take_winner<I + 1>(futures, winner);
  }
  return common_result<R...>::template from<I>([&] { return std::get<I>(futures).get(); });
}

template <class F>
auto enter_race(nursery& contestants, F&& f, call_site from) {
  return spawn<child>(current_scheduler(), launch{}, from, std::forward<F>(f), contestants);
}

}  // namespace detail

// Returns the winner's result: of their common type if all have the same, else a variant in the order of the functions, with
// std::monostate for void. Throws what the winner threw.
template <class... F>
  requires(sizeof...(F) > 0 && (std::is_invocable_v<std::decay_t<F>> && ...))
auto race(F&&... f) {
  detail::nursery contestants(detail::nursery::stops_at::first_completion);
  std::tuple futures{detail::enter_race(contestants, std::forward<F>(f), {.file = "race()"})...};
  contestants.join();
  return detail::take_winner<0>(futures, contestants.first_done());
}

// Over a range of functions of one type. std::invalid_argument if it is empty.
template <class Range>
  requires requires(Range& range) { (*std::begin(range))(); }
auto race(Range&& range, detail::call_site from = detail::call_site::current()) {
  detail::nursery contestants(detail::nursery::stops_at::first_completion);
  std::vector<decltype(detail::enter_race(contestants, *std::begin(range), from))> futures;
  for (auto&& f : range) futures.push_back(detail::enter_race(contestants, std::forward<decltype(f)>(f), from));
  if (futures.empty()) throw std::invalid_argument("sluice: race over an empty list of functions would have no result");
  contestants.join();
  return futures[contestants.first_done()].get();
}

}  // namespace sluice
