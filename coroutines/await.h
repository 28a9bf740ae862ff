// await.h - the same awaitables in coroutine types of others.
//
//   my_coroutine f(channel<int> c) { auto v = co_await recv(c); ... }          // resumes on default_executor()
//   my_coroutine g(channel<int> c) { auto v = co_await await_on(loop, recv(c)); ... }
//
// Events, futures, async_select and tasks (these are spawned) may be awaited in any coroutine whose promise lets awaiters
// through. The waiter lies in the awaiter, on the coroutine's frame; nobody but the events can end the wait.
// A coroutine may be destroyed while it is suspended here: its wait is withdrawn, and a value that it had received but not
//   looked at yet is destroyed with the event. Whoever destroys it must know that it is not being resumed at the same time:
//   do it on its executor, if that has one thread, or when nobody can complete the wait any more.
#pragma once

#include <sluice/coroutines/task.h>

#include <utility>

namespace sluice {

namespace detail {

template <operation Op>
class foreign_awaiter final : public coroutine_waiter, public Op {
 public:
  template <class... A>
  explicit foreign_awaiter(executor& e, A&&... arguments) : coroutine_waiter(&e), Op(std::forward<A>(arguments)...) {}
  ~foreign_awaiter() {
    if (this->wait_ == nullptr) return;
    this->withdraw_wait();
    this->give_up();
  }

  bool await_ready() { return this->ready(); }
  bool await_suspend(std::coroutine_handle<> self) noexcept {
    self_ = self;
    this->wait_ = this;
    if (!this->carry_out()) return true;
    this->wait_ = nullptr;
    return false;
  }
  decltype(auto) await_resume() { return this->result(); }

 private:
  void go_on() noexcept override {
    this->wait_ = nullptr;
    self_.resume();
  }

  std::coroutine_handle<> self_;
};

class foreign_move final : public coroutine_waiter {
 public:
  explicit foreign_move(executor& e) noexcept : coroutine_waiter(&e) {}
  ~foreign_move() {
    if (!posted_) return;
    for (spin_wait spin; !executor_->withdraw(*this);) spin.once();
  }

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> self) noexcept {
    self_ = self;
    posted_ = true;
    executor_->post(*this);
  }
  void await_resume() const noexcept {}

 private:
  void go_on() noexcept override {
    posted_ = false;
    self_.resume();
  }

  std::coroutine_handle<> self_;
};

template <class T>
class foreign_task_awaiter {
 public:
  explicit foreign_task_awaiter(executor& e, task<T>&& t) : result_(spawn(e, std::move(t))), awaiter_(e, result_) {}
  bool await_ready() { return awaiter_.await_ready(); }
  bool await_suspend(std::coroutine_handle<> self) noexcept { return awaiter_.await_suspend(self); }
  T await_resume() { return awaiter_.await_resume(); }

 private:
  future<T> result_;
  foreign_awaiter<await_future<T>> awaiter_;
};

}  // namespace detail

// Awaits `a` and goes on on `e`. For coroutines that are no tasks; also for events of your own there.
template <class A>
  requires detail::awaitable<std::remove_reference_t<A>>
auto await_on(executor& e, A&& a) {
  return detail::foreign_awaiter<detail::operation_of<std::remove_reference_t<A>>>(e, detail::to_operation(a));
}
template <class T>
auto await_on(executor& e, task<T>&& t) {
  return detail::foreign_task_awaiter<T>(e, std::move(t));
}

template <class A>
  requires detail::awaitable<std::remove_reference_t<A>>
auto operator co_await(A&& a) {
  return await_on(default_executor(), a);
}
template <class T>
auto operator co_await(task<T>&& t) {
  return await_on(default_executor(), std::move(t));
}
inline auto operator co_await(resume_on there) { return detail::foreign_move(there.where()); }

namespace detail {
using sluice::operator co_await;  // for what async_select returns
}

}  // namespace sluice
