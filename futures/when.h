// when.h - several futures as one.
//
//   future<std::vector<future<int>>> all = when_all(std::move(parts));
//   auto first = when_any(std::move(a), std::move(b)).get();      // first.index, first.futures: a tuple
//
// The futures go in and come back, each with its own value or error. Those given as a vector come back as a vector, others
// as a tuple. cancel() asks each of them to stop; dropping the result withdraws from those that are not ready.
// Cost: two allocations; O(1) for each completion, and O(n) once when the result is there.
#pragma once

#include <sluice/futures/detail/join.h>
#include <sluice/futures/future.h>

#include <cstddef>
#include <tuple>
#include <vector>

namespace sluice {

template <class Futures>
struct when_any_result {
  std::size_t index;  // of the first that was ready
  Futures futures;
};

// Ready when all are; at once for an empty vector.
template <class T>
future<std::vector<future<T>>> when_all(std::vector<future<T>> futures) {
  return detail::join_all(std::move(futures));
}
template <class... T>
future<std::tuple<future<T>...>> when_all(future<T>... futures) {
  return detail::join_all(std::tuple(std::move(futures)...));
}

// Ready when one is. std::invalid_argument for an empty vector.
template <class T>
future<when_any_result<std::vector<future<T>>>> when_any(std::vector<future<T>> futures) {
  if (futures.empty()) throw std::invalid_argument("sluice: when_any of an empty list would never be ready");
  return detail::join_any(std::move(futures));
}
template <class... T>
  requires(sizeof...(T) > 0)
future<when_any_result<std::tuple<future<T>...>>> when_any(future<T>... futures) {
  return detail::join_any(std::tuple(std::move(futures)...));
}

}  // namespace sluice
