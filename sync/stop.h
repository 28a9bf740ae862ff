// stop.h - the request on a std::stop_token as an event.
//
//   std::jthread worker([c](std::stop_token stop) {
//     auto job = recv(c);  auto quit = stopped(stop);
//     while (select_in_order(quit, job) == job) run(*job.take());
//   });
//
// Ready once stop is requested, and from then on; never, if the token cannot be stopped.
// Threads: an event belongs to one waiting party at a time; the request may come from any fiber or thread.
// Orders:  what happened before the request is visible to whoever sees the event.
// Cost:    one std::stop_callback for each wait; no allocation.
//
// Who disarms waits for a callback that is running in another thread. Ours never blocks: it claims a word and wakes. Nor may
// a callback of your own on the same token, if a fiber requests the stop: std::stop_callback takes threads for parties.
#pragma once

#include <sluice/base/tsan.h>
#include <sluice/futures/event.h>

#include <optional>
#include <stop_token>
#include <utility>

namespace sluice {

class stopped_event {
 public:
  using value_type = void;
  explicit stopped_event(std::stop_token token) noexcept : token_(std::move(token)) {}
  // The other's callback, if it has one, has been called and goes with the other.
  stopped_event(stopped_event&& other) noexcept : token_(std::move(other.token_)) {}
  stopped_event& operator=(stopped_event&& other) noexcept {
    disarm();
    token_ = std::move(other.token_);
    return *this;
  }
  ~stopped_event() { disarm(); }

  bool poll() const noexcept { return token_.stop_requested(); }
  // A request that comes meanwhile calls back at once, and wins the wait like any other.
  bool arm(waiter& w, std::uint32_t index) noexcept {
    if (token_.stop_requested()) {
      w.claim_own(index);
      return false;
    }
    disarm();
    node_.owner = &w;
    node_.index = index;
    w.publish();
    callback_.emplace(token_, win{&node_});
    return true;
  }
  void disarm() noexcept {
    detail::follows_on_thread();  // the callback's destructor relies on it if the request came from this thread
    callback_.reset();
  }
  void take() const noexcept {}
  bool spent() const noexcept { return token_.stop_requested(); }
  std::uint64_t look() const noexcept { return token_.stop_requested() ? detail::may_be_ready : 0; }
  void describe(wait_listener& l) const noexcept { l.add({.kind = "stop request"}); }

 private:
  struct win {
    void operator()() const noexcept {
      if (node->try_win()) node->finish();
    }
    wait_node* node;
  };

  std::stop_token token_;
  wait_node node_;
  std::optional<std::stop_callback<win>> callback_;
};

inline stopped_event stopped(std::stop_token token) noexcept { return stopped_event(std::move(token)); }

}  // namespace sluice
