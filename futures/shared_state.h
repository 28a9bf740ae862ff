// shared_state.h - what a promise and its future share: one outcome, and those who wait for it.
#pragma once

#include <sluice/base/intrusive_ptr.h>
#include <sluice/futures/outcome.h>
#include <sluice/futures/wait_list.h>

#include <atomic>
#include <cstdint>
#include <future>
#include <memory>
#include <type_traits>
#include <utility>
#include <variant>

namespace sluice::detail {

// Errors that say only that somebody went away: they are not worth a report.
bool is_departure(const std::exception_ptr& error) noexcept;

// One line on standard error that names the exception, and the fiber if there was one. Departures are left out.
void report_unobserved(const std::exception_ptr& error, const char* fiber_name) noexcept;

template <class T>
class shared_state : public ref_counted {
 public:
  shared_state() noexcept {}
  // Once, by the one who fulfils it. The caller holds a reference of its own until this returns.
  template <class... Args>
  void fulfil(Args&&... args) {
    store(std::forward<Args>(args)...);
    announce();
  }

  // The two halves of fulfil(). If making the value throws, nothing is stored.
  template <class... Args>
  void store(std::in_place_t, Args&&... args) {
    std::construct_at(std::addressof(value_), std::forward<Args>(args)...);
    holds_ = what::value;
  }
  void store(std::exception_ptr error) noexcept {
    std::construct_at(std::addressof(error_), std::move(error));
    holds_ = what::error;
  }
  void store(outcome<T>&& result) {
    if (!result.has_value())
      store(result.error());
    else if constexpr (std::is_void_v<T>)
      store(std::in_place);
    else
      store(std::in_place, result.get());
  }
  void announce() noexcept { ready_.fire(); }

  bool ready() const noexcept { return ready_.fired(); }
  wait_list& waiting() noexcept { return ready_; }

  // Moves the outcome to the one who asked for it, once: std::future_error(no_state) after that. Requires ready().
  outcome<T> take() {
    if (std::exchange(taken_, true)) throw std::future_error(std::future_errc::no_state);
    observed_ = true;
    if (holds_ == what::error) return outcome<T>(std::move(error_));
    if constexpr (std::is_void_v<T>)
      return outcome<T>(std::in_place);
    else
      return outcome<T>(std::in_place, std::move(value_));
  }

  // Asks whoever computes the result to stop; false if nobody can be asked or it is too late.
  virtual bool request_cancel() noexcept { return false; }

 protected:
  ~shared_state() override {
    if (const auto error = take_unobserved()) report_unobserved(error, nullptr);
    drop_result();
  }

  // Requires that no reference is left but the caller's.
  void drop_result() noexcept {
    if (holds_ == what::value) std::destroy_at(std::addressof(value_));
    if (holds_ == what::error) std::destroy_at(std::addressof(error_));
    holds_ = what::nothing;
  }

  // Between store() and announce().
  bool holds_error() const noexcept { return holds_ == what::error; }

  // The error that nobody has looked at, once; null if there is none.
  std::exception_ptr take_unobserved() noexcept {
    if (holds_ != what::error || std::exchange(observed_, true)) return nullptr;
    return error_;
  }

 private:
  using value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;
  enum class what : std::uint8_t { nothing, value, error };

  [[no_unique_address]] wait_list ready_;  // the flags lie in its last bytes: a million coroutines have one each
  what holds_ = what::nothing;
  bool taken_ = false;
  bool observed_ = false;  // the future's; the last reference to go reads it
  union {                  // written before ready_ fires, read after
    value value_;
    std::exception_ptr error_;
  };
};

}  // namespace sluice::detail
