// runtime.h - fibers on a few threads.
//
//   int main() { return sluice::run([] { auto f = sluice::go([] { return 42; }); return f.get() - 42; }); }
//
// A fiber is a function with a stack of its own: it may wait anywhere, and while it waits its thread runs others. Fibers
// move between the workers of their runtime, unless they are launched as pinned.
// Threads: everything here may be called from any fiber or thread.
// Cost: go() is one allocation; the stack comes from a pool when the fiber first runs.
#pragma once

#include <sluice/coroutines/task.h>
#include <sluice/futures/future.h>
#include <sluice/runtime/blocking.h>
#include <sluice/runtime/detail/spawned.h>
#include <sluice/runtime/options.h>
#include <sluice/runtime/stats.h>

#include <chrono>
#include <memory>
#include <type_traits>
#include <utility>

namespace sluice {

// Several may live side by side, in any thread. Its fibers end with it.
class runtime {
 public:
  // std::invalid_argument for options out of range, std::system_error if the threads cannot be had.
  explicit runtime(runtime_options options = {});
  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;
  // Cancels the fibers and tasks that are still there (each blocking wait throws cancelled, destructors run) and the jobs of
  // blocking() that have not begun, and waits until all have ended. Must not be called by one of them. A task that was
  // spawned here and is on another executor must be able to end there meanwhile.
  ~runtime();

  // Starts a fiber that runs f. Its result or exception arrives in the future; a future that is dropped lets it run on.
  // While the runtime ends it does not begin, and the future gets `cancelled`; once it has ended, std::logic_error.
  template <class F>
  auto go(F&& f, detail::call_site from = detail::call_site::current()) {
    return go(launch{}, std::forward<F>(f), from);
  }
  template <class F>
  auto go(launch how, F&& f, detail::call_site from = detail::call_site::current()) {
    return detail::spawn(usable(), std::move(how), from, std::forward<F>(f));
  }

  // Runs f on this runtime's pool of threads; see sluice::blocking().
  template <class F>
  auto blocking(F&& f) {
    return detail::run_blocking(usable(), std::forward<F>(f));
  }

  // Starts a coroutine. As with go(), result and exception arrive in the future.
  template <class T>
  future<T> spawn(task<T> t) {
    return sluice::spawn(coroutines(), std::move(t));
  }
  // Where its coroutines run: for resume_on and await_on.
  executor& coroutines();

  // std::bad_alloc.
  runtime_stats stats() const;

 private:
  // std::logic_error in a child process that fork() has made: there it has no threads.
  detail::scheduler& usable() const;

  std::unique_ptr<detail::scheduler> scheduler_;
};

// Starts a fiber in the runtime of the calling fiber. It inherits the deadline in force (with_deadline) and the values
// (context_key), not the fate of its starter: for that there is scope. Called from a job of blocking(), in the runtime of
// that job; from a plain thread, in a default runtime that is made when it is first needed and lives as long as the program.
template <class F>
auto go(launch how, F&& f, detail::call_site from = detail::call_site::current()) {
  return detail::spawn(detail::current_scheduler(), std::move(how), from, std::forward<F>(f));
}
template <class F>
auto go(F&& f, detail::call_site from = detail::call_site::current()) {
  return go(launch{}, std::forward<F>(f), from);
}

namespace this_runtime {

// Of the runtime of the calling fiber; in a plain thread, of the default runtime. std::bad_alloc.
runtime_stats stats();

}  // namespace this_runtime

// Runs f as the first fiber of a runtime of its own, and returns its result or throws its exception when every fiber of
// that runtime has ended: those still blocked when f returns are cancelled. Blocks the caller.
template <class F>
auto run(runtime_options options, F&& f, detail::call_site from = detail::call_site::current()) {
  auto result = [&] {
    runtime r(std::move(options));
    auto main = r.go(launch{.name = "main"}, std::forward<F>(f), from);
    main.wait();
    return main;
  }();
  return result.get();
}
template <class F>
auto run(F&& f, detail::call_site from = detail::call_site::current()) {
  return run(runtime_options{}, std::forward<F>(f), from);
}

}  // namespace sluice
