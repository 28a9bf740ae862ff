// scope.h - fibers that do not outlive the block that started them.
//
//   scope s;
//   auto a = s.go([&] { return fetch(first); });            // may use what the block owns
//   auto b = s.go([&] { return fetch(second); });
//   s.join();                                               // both have ended; throws what the first one to fail threw
//   use(a.get(), b.get());
//
// The first failure stops the other children: each is cancelled, as by future::cancel(), and so is whoever joins the scope
// from then on. A child that ends with `cancelled` has not failed. Where the scope is the only thing between a block and its
// fibers, everything a child refers to lives as long as the child.
// The block itself is not cancelled by a child's failure: let it wait in join(), or for its children's futures.
// A scope in a fiber that is cancelled is cancelled by its own join() or end, so a tree of scopes stops from the root.
// Threads: go() from the owner and from children; cancel() from any thread that knows the scope to exist; the rest belongs
// to the owner, a fiber or a thread. A thread that is no fiber starts children in the default runtime.
// Cost: go() costs three short locks more than sluice::go(), and no allocation more; nothing is kept of a child that has
// ended well and whose future is gone.
#pragma once

#include <sluice/futures/future.h>
#include <sluice/runtime/detail/nursery.h>
#include <sluice/runtime/detail/spawned.h>
#include <sluice/runtime/options.h>

#include <exception>
#include <utility>
#include <vector>

namespace sluice {

class scope {
 public:
  scope() noexcept = default;
  scope(const scope&) = delete;
  scope& operator=(const scope&) = delete;
  // Unless joined: cancels the children and waits until all have ended, and this wait is not cancelled. Errors that nobody
  // has looked at, here or in the children's futures, are reported as unobserved.
  ~scope() = default;

  // Starts a fiber that belongs to this scope; like sluice::go() otherwise. In a scope that was cancelled or has a failure
  // it does not begin. std::logic_error once the scope is joined.
  template <class F>
  auto go(launch how, F&& f, detail::call_site from = detail::call_site::current()) {
    children_.check_open();
    return detail::spawn<detail::child>(detail::current_scheduler(), std::move(how), from, std::forward<F>(f), children_);
  }
  template <class F>
  auto go(F&& f, detail::call_site from = detail::call_site::current()) {
    return go(launch{}, std::forward<F>(f), from);
  }

  // Asks every child to stop, the caller included if it is one. Does not wait for them.
  void cancel() noexcept { children_.cancel(); }

  // Blocks until every child has ended, those included that children start meanwhile. Throws what the first child to fail
  // threw; the errors of later ones are secondary. Throws cancelled (deadline_exceeded) if the wait is cancelled (cut off)
  // before there is a failure: the children are cancelled and awaited first, and all their errors are secondary. Called
  // again it has nothing to throw.
  void join() {
    const bool again = std::exchange(joined_, true);
    children_.join();
    if (again) return;
    if (const auto error = children_.take_error()) std::rethrow_exception(error);
  }

  // After join(): the failures that it did not throw, in their order. Once.
  std::vector<std::exception_ptr> secondary_errors() {
    std::vector<std::exception_ptr> errors;
    while (auto error = children_.take_error()) errors.push_back(std::move(error));
    return errors;
  }

 private:
  detail::nursery children_{detail::nursery::stops_at::first_failure};
  bool joined_ = false;
};

}  // namespace sluice
