// join.h - the shared state of when_all and when_any: a result that waits for other results.
//
// Each of the others has a slot that stays armed until it is ready or withdrawn. The state lives as long as its future or
// one of its slots needs it: owners_ counts the slots that are armed or just completing, and the references as one.
#pragma once

#include <sluice/futures/callback_waiter.h>
#include <sluice/futures/future.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

namespace sluice {

template <class Futures>
struct when_any_result;

namespace detail {

template <class T, class F>
void for_each_future(std::vector<future<T>>& futures, F f) {
  for (auto& each : futures) f(each);
}
template <class... T, class F>
void for_each_future(std::tuple<future<T>...>& futures, F f) {
  std::apply([&](auto&... each) { (f(each), ...); }, futures);
}
template <class T>
std::size_t count_of(const std::vector<future<T>>& futures) {
  return futures.size();
}
template <class... T>
constexpr std::size_t count_of(const std::tuple<future<T>...>&) {
  return sizeof...(T);
}

template <class Futures, class Result>
class join_state : public shared_state<Result> {
 public:
  bool request_cancel() noexcept override {
    if (this->ready()) return false;
    bool any = false;
    for (std::size_t i = 0; i < count_; ++i) any = slots_[i].state->request_cancel() || any;
    return any;
  }

 protected:
  explicit join_state(Futures&& futures)
      : futures_(std::move(futures)), count_(count_of(futures_)), slots_(std::make_unique<slot[]>(count_)) {
    std::size_t i = 0;
    for_each_future(futures_, [&](auto& f) {
      slots_[i].owner = this;
      slots_[i++].state = intrusive_ptr<shared_state_base>::share(&future_access::state(f));
    });
  }

  // Arms them all.
  void start() noexcept {
    for (std::size_t i = 0; i < count_; ++i) {
      owners_.fetch_add(1, std::memory_order_relaxed);
      if (!slots_[i].state->waiting().arm(slots_[i].node, slots_[i], 0)) done(slots_[i]);
    }
  }

  void withdraw_all() noexcept {
    for (std::size_t i = 0; i < count_; ++i)
      if (slots_[i].state->waiting().disarm(slots_[i].node)) let_go();
  }

  std::size_t count() const noexcept { return count_; }
  Futures& futures() noexcept { return futures_; }

 private:
  struct slot final : callback_waiter {
    join_state* owner = nullptr;
    intrusive_ptr<shared_state_base> state;
    wait_node node;

   private:
    void wake() noexcept override { owner->done(*this); }
  };

  // One more is ready.
  virtual void note(std::size_t index) noexcept = 0;

  void done(slot& s) noexcept {
    note(static_cast<std::size_t>(&s - slots_.get()));
    let_go();
  }
  void last_reference_gone() noexcept override {
    withdraw_all();
    let_go();
  }
  void let_go() noexcept {
    if (owners_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  Futures futures_;
  const std::size_t count_;
  const std::unique_ptr<slot[]> slots_;
  std::atomic<std::size_t> owners_{1};
};

template <class Futures>
class all_state final : public join_state<Futures, Futures> {
 public:
  explicit all_state(Futures&& futures) : join_state<Futures, Futures>(std::move(futures)) {
    left_.store(this->count() + 1, std::memory_order_relaxed);
  }
  void run() noexcept {
    this->start();
    note(0);
  }

 private:
  void note(std::size_t) noexcept override {
    if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) this->fulfil(std::in_place, std::move(this->futures()));
  }
  std::atomic<std::size_t> left_{0};  // not ready, and one until all are armed
};

template <class Futures>
class any_state final : public join_state<Futures, when_any_result<Futures>> {
 public:
  explicit any_state(Futures&& futures) : join_state<Futures, when_any_result<Futures>>(std::move(futures)) {}
  void run() noexcept {
    this->start();
    if (stage_.fetch_add(armed, std::memory_order_acq_rel) & won) conclude();
  }

 private:
  // The first that is ready has won; its futures go out when all are armed, so that none is armed after that.
  void note(std::size_t index) noexcept override {
    if (stage_.load(std::memory_order_relaxed) & won) return;
    std::size_t nobody = none;
    if (!winner_.compare_exchange_strong(nobody, index, std::memory_order_acq_rel)) return;
    if (stage_.fetch_add(won, std::memory_order_acq_rel) & armed) conclude();
  }
  void conclude() noexcept {
    this->withdraw_all();
    this->fulfil(std::in_place,
                 when_any_result<Futures>{winner_.load(std::memory_order_relaxed), std::move(this->futures())});
  }

  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  static constexpr unsigned armed = 1, won = 2;
  std::atomic<std::size_t> winner_{none};
  std::atomic<unsigned> stage_{0};
};

template <class Futures>
future<Futures> join_all(Futures&& futures) {
  auto made = intrusive_ptr<shared_state<Futures>>::adopt(new all_state<Futures>(std::move(futures)));
  static_cast<all_state<Futures>*>(made.get())->run();
  return make_future(std::move(made));
}
template <class Futures>
future<when_any_result<Futures>> join_any(Futures&& futures) {
  using result = when_any_result<Futures>;
  auto made = intrusive_ptr<shared_state<result>>::adopt(new any_state<Futures>(std::move(futures)));
  static_cast<any_state<Futures>*>(made.get())->run();
  return make_future(std::move(made));
}

}  // namespace detail
}  // namespace sluice
