// completion.h - many futures: the next that is ready, all of them, one after the other as they complete.
//
//   const std::size_t i = wait_any(futures);              // the first; it is still in its place, ready
//   for (auto [index, f] : as_completed(futures)) try { use(index, f.get()); } catch (...) { ... }
//   wait_all(futures);
//
// The futures stay where they are and keep their results, values and errors alike.
// Threads: as futures, these belong to one owner at a time. Cost: see each.
#pragma once

#include <sluice/futures/detail/collector.h>
#include <sluice/futures/future.h>

#include <cstddef>
#include <iterator>
#include <optional>
#include <ranges>
#include <type_traits>
#include <vector>

namespace sluice {

namespace detail {

template <class Futures>
using result_of_each = typename std::ranges::range_value_t<Futures>::value_type;

}  // namespace detail

// Blocks until one of the futures is ready and returns its index (among several that are ready, any). The others keep no
// trace. Throws cancelled, and std::invalid_argument for an empty list. Works on any range of futures. Cost: O(n).
template <std::ranges::forward_range Futures>
std::size_t wait_any(Futures&& futures) {
  std::vector<done_event<detail::result_of_each<Futures>>> events;
  for (const auto& f : futures) events.emplace_back(f);
  std::vector<detail::event_ref> refs;
  refs.reserve(events.size());
  for (auto& e : events) refs.emplace_back(e);
  return detail::wait_any(refs, detail::order::fair);
}

// Blocks until all are ready. Throws cancelled.
template <std::ranges::input_range Futures>
void wait_all(Futures&& futures) {
  for (const auto& f : futures) f.wait();
}

// One of several futures that is ready now: its place among them, and itself.
template <class T>
struct completed {
  std::size_t index;
  sluice::future<T>& future;
};

// The futures of a range in the order in which they complete, each once. As a range: ++ blocks, and throws cancelled. As an
// event: the next one, nothing when there is none left. Whoever loses interest lets it go; no trace is left.
// The range must stay where it is meanwhile, if it is an lvalue; its futures may be taken or destroyed.
// Cost: one allocation for all; O(1) for each completion.
template <std::ranges::random_access_range Futures>
class completions {
  using result = detail::result_of_each<Futures>;

 public:
  using value_type = std::optional<completed<result>>;

  explicit completions(Futures&& futures)
      : futures_(std::forward<Futures>(futures)),
        collector_(std::make_unique<detail::collector>(static_cast<std::size_t>(std::ranges::distance(futures_)))) {
    for (const auto& f : futures_) collector_->add(detail::future_access::state(f));
    collector_->start();
  }

  bool poll() noexcept { return collector_->poll(); }
  bool arm(waiter& w, std::uint32_t index) noexcept { return collector_->arm(w, index); }
  void disarm() noexcept { collector_->disarm(); }
  bool complete() noexcept { return poll(); }
  value_type take() noexcept {
    const std::optional<std::size_t> index = collector_->take();
    if (!index) return std::nullopt;
    return completed<result>{*index, std::ranges::begin(futures_)[static_cast<std::ptrdiff_t>(*index)]};
  }
  bool spent() const noexcept { return collector_->left() == 0; }
  void describe(wait_listener& l) const noexcept { collector_->describe(l); }

  class iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = completed<result>;
    using difference_type = std::ptrdiff_t;
    using pointer = const value_type*;
    using reference = value_type;
    explicit iterator(completions* of) : of_(of) { ++*this; }
    value_type operator*() const noexcept { return *now_; }
    iterator& operator++() {
      detail::wait_one(*of_);
      if (auto next = of_->take())
        now_.emplace(*next);
      else
        now_.reset();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& i, std::default_sentinel_t) noexcept { return !i.now_; }

   private:
    completions* of_;
    std::optional<value_type> now_;
  };
  iterator begin() { return iterator(this); }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  Futures futures_;  // a reference for an lvalue
  std::unique_ptr<detail::collector> collector_;
};

template <std::ranges::random_access_range Futures>
completions<Futures> as_completed(Futures&& futures) {
  return completions<Futures>(std::forward<Futures>(futures));
}

}  // namespace sluice
