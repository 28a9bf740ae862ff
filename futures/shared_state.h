// shared_state.h - what a promise and its future share: one outcome, and those who wait for it.
#pragma once

#include <sluice/base/intrusive_ptr.h>
#include <sluice/futures/outcome.h>
#include <sluice/futures/wait_list.h>

#include <atomic>
#include <exception>
#include <functional>
#include <future>
#include <type_traits>
#include <utility>

namespace sluice::detail {

// Errors that say only that somebody went away: they are not worth a report.
bool is_departure(const std::exception_ptr& error) noexcept;

// One line on standard error that names the exception, and whose it was if that is known. Departures are left out.
void report_unobserved(const std::exception_ptr& error, const char* whose) noexcept;
using error_handler = std::function<void(std::exception_ptr)>;
// The same, if there is no handler that it can be given to; or the handler throws, which is reported too.
void report_unobserved(const std::exception_ptr& error, const error_handler* handler, const char* whose) noexcept;

// Calls f, a handler of the user's. If it throws, that is an error nobody looked at.
template <class F>
void call_handler(const char* which, F&& f) noexcept {
  try {
    f();
  } catch (...) {
    report_unobserved(std::current_exception(), which);
  }
}

class shared_state_base : public ref_counted {
 public:
  using ref_counted::ref_counted;
  bool ready() const noexcept { return ready_.fired(); }
  wait_list& waiting() noexcept { return ready_; }

  // Asks whoever computes the result to stop; false if nobody can be asked or it is too late.
  virtual bool request_cancel() noexcept { return false; }
  // The fiber or task that computes the result; null if it is none, or anybody may fulfil it.
  virtual const waiter* computed_by() const noexcept { return nullptr; }

 protected:
  wait_list ready_;
};

template <class T>
class shared_state : public shared_state_base {
 public:
  using shared_state_base::shared_state_base;
  // Once, by the one who fulfils it. Somebody keeps a reference until it is ready; then it is not touched any more.
  template <class... Args>
  void fulfil(Args&&... args) {
    store(std::forward<Args>(args)...);
    announce();
  }

  // The two halves of fulfil(). If making the value throws, nothing is stored.
  template <class... Args>
  void store(std::in_place_t, Args&&... args) {
    result_.result_.template emplace<0>(std::forward<Args>(args)...);
  }
  void store(std::exception_ptr error) noexcept { result_.result_.template emplace<1>(std::move(error)); }
  void store(outcome<T>&& result) {
    if (!result.has_value())
      store(result.error());
    else if constexpr (std::is_void_v<T>)
      store(std::in_place);
    else
      store(std::in_place, result.get());
  }
  void announce() noexcept {
    ready_.fire([this] { return intrusive_ptr<shared_state_base>::share(this); });
  }

  // For callbacks, before it is ready to others, and for the future.
  const outcome<T>& look_at() noexcept {
    observed_ = true;
    return result_;
  }

  // Moves the outcome to the one who asked for it, once: std::future_error(no_state) after that. Requires ready().
  outcome<T> take() {
    if (std::exchange(taken_, true)) throw std::future_error(std::future_errc::no_state);
    observed_ = true;
    return std::move(result_);
  }

 protected:
  ~shared_state() override {
    if (const auto error = take_unobserved()) report_unobserved(error, nullptr);
  }

  // Requires that no reference is left but the caller's.
  void drop_result() noexcept { result_.result_.template emplace<2>(); }

  // Between store() and announce().
  bool holds_error() const noexcept { return result_.result_.index() == 1; }

  // The error that nobody has looked at, once; null if there is none.
  std::exception_ptr take_unobserved() noexcept {
    if (!holds_error() || std::exchange(observed_, true)) return nullptr;
    return result_.error();
  }

 private:
  // Written before ready_ fires, read after. The flags lie in its last bytes: a million coroutines have one each.
  [[no_unique_address]] outcome<T> result_;
  bool taken_ = false;
  bool observed_ = false;  // the future's; the last reference to go reads it
};

}  // namespace sluice::detail
