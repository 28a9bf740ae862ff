// callback.h - from callback-style code to a future.
//
//   future<reply> f = from_callback<reply>([&](resolver<reply> done) {
//     client.async_call(request, [done](error e, reply r) { e ? done.fail(to_exception(e)) : done(std::move(r)); });
//   });
//
// Threads: a resolver may be copied, called and dropped anywhere; calling it does not block.
#pragma once

#include <sluice/base/intrusive_ptr.h>
#include <sluice/futures/future.h>

#include <atomic>
#include <exception>
#include <functional>
#include <utility>

namespace sluice {

// A promise that can be copied, as callbacks must be: the first call counts. When the last copy goes and there was none, the
// future gets std::future_error(broken_promise).
template <class T>
class resolver {
 public:
  resolver() : shared_(detail::intrusive_ptr<shared>::adopt(new shared)) {}

  // Once; std::future_error(future_already_retrieved) after that.
  future<T> get_future() const { return state().promise.get_future(); }

  // Fulfils the promise. False: another call was first. If making the value throws, nothing happened.
  template <class... Args>
    requires std::is_constructible_v<outcome<T>, std::in_place_t, Args&&...>
  bool operator()(Args&&... args) const {
    return once([&](promise<T>& p) { p.set_value(std::forward<Args>(args)...); });
  }
  bool fail(std::exception_ptr error) const {
    return once([&](promise<T>& p) { p.set_exception(std::move(error)); });
  }

 private:
  struct shared final : detail::ref_counted {
    sluice::promise<T> promise;
    std::atomic<bool> used{false};
  };
  // std::future_error(no_state) if it was moved from.
  shared& state() const {
    if (!shared_) detail::throw_future_error(std::future_errc::no_state);
    return *shared_;
  }
  template <class F>
  bool once(F fulfil) const {
    shared& s = state();
    if (s.used.exchange(true, std::memory_order_acq_rel)) return false;
    try {
      fulfil(s.promise);
    } catch (...) {
      s.used.store(false, std::memory_order_release);
      throw;
    }
    return true;
  }
  detail::intrusive_ptr<shared> shared_;
};

// Calls start(resolver) and returns the future. What `start` throws is the future's error; after it has
// fulfilled the promise itself, an error nobody looked at.
template <class T, class F>
  requires std::invocable<F, resolver<T>>
future<T> from_callback(F&& start) {
  const resolver<T> done;
  auto result = done.get_future();
  try {
    std::invoke(std::forward<F>(start), done);
  } catch (...) {
    if (!done.fail(std::current_exception()))
      detail::report_unobserved(std::current_exception(), "from_callback(), after it had called");
  }
  return result;
}

}  // namespace sluice
