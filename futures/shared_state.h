// shared_state.h - what a promise and its future share: one outcome, and those who wait for it.
#pragma once

#include <sluice/base/intrusive_ptr.h>
#include <sluice/futures/outcome.h>
#include <sluice/futures/wait_list.h>

#include <atomic>
#include <future>
#include <optional>

namespace sluice::detail {

// Errors that say only that somebody went away: they are not worth a report.
bool is_departure(const std::exception_ptr& error) noexcept;

// One line on standard error that names the exception, and the fiber if there was one. Departures are left out.
void report_unobserved(const std::exception_ptr& error, const char* fiber_name) noexcept;

class shared_state_base : public ref_counted {
 public:
  bool ready() const noexcept { return ready_.fired(); }
  wait_list& waiting() noexcept { return ready_; }

  // Asks whoever computes the result to stop; false if nobody can be asked or it is too late.
  virtual bool request_cancel() noexcept { return false; }

 protected:
  wait_list ready_;
};

template <class T>
class shared_state : public shared_state_base {
 public:
  // Once, by the one who fulfils it. The caller holds a reference of its own until this returns.
  template <class... Args>
  void fulfil(Args&&... args) {
    result_.emplace(std::forward<Args>(args)...);
    ready_.fire();
  }

  // For callbacks, before it is ready to others, and for the future.
  const outcome<T>& look_at() noexcept {
    observed_ = true;
    return *result_;
  }

  // Moves the outcome to the one who asked for it, once: std::future_error(no_state) after that. Requires ready().
  outcome<T> take() {
    if (std::exchange(taken_, true)) throw std::future_error(std::future_errc::no_state);
    observed_ = true;
    return std::move(*result_);
  }

 protected:
  ~shared_state() override {
    if (const auto error = take_unobserved()) report_unobserved(error, nullptr);
  }

  // Requires that no reference is left but the caller's.
  void drop_result() noexcept { result_.reset(); }

  // The error that nobody has looked at, once; null if there is none.
  std::exception_ptr take_unobserved() noexcept {
    if (!result_ || std::exchange(observed_, true)) return nullptr;
    return result_->error();
  }

 private:
  std::optional<outcome<T>> result_;  // written before ready_ fires, read after
  bool taken_ = false;
  bool observed_ = false;  // the future's; the last reference to go reads it
};

}  // namespace sluice::detail
