// task.h - a coroutine that has not begun: to be spawned, or awaited by another.
//
//   task<int> next(channel<int> in) { co_return *co_await recv(in); }
//   task<int> sum(channel<int> in) { co_return co_await next(in) + co_await next(in); }
//   future<int> f = rt.spawn(sum(numbers));
//
// Inside a task, co_await takes
//   an event, lvalue or rvalue      what its take() gives: co_await recv(c), co_await after(1s)
//   async_select(...)               see async_select.h
//   a future                        its value, or its error is thrown
//   a task, as an rvalue            its value, or its error is thrown; it runs as a part of this one
//   resume_on(executor)             goes on there
// Each of them that would wait throws cancelled when the future of the spawned task is cancelled (once) or the runtime
// ends (always), as in a fiber. A task that is cancelled before it begins does not begin. A call that blocks
// (c.recv(), f.get()) works in a task as well: it blocks the fiber that carries the coroutine, never a worker. That fiber is
// not the task: future::cancel() of the task does not reach a call that blocks it, and what this_fiber:: says is said of it.
// Threads: a task may resume on another thread after each co_await that waits: it keeps no thread-local's address, nor
//   std::this_thread::get_id() (compilers may), and holds no std::mutex over one. A shield covers no co_await.
// g++ 12 miscompiles a co_await in the condition of if, while or switch (it crashes at run time, whatever is awaited) if the
//   coroutine has no local variable there: give the result a name first, const bool sent = co_await send(c, 1).
// Cost: one allocation, for frame, result and waiter together; nothing is allocated to spawn, await or wait.
#pragma once

#include <sluice/coroutines/detail/async_wait.h>
#include <sluice/coroutines/detail/task_state.h>

#include <coroutine>
#include <future>
#include <utility>

namespace sluice {

template <class T = void>
class task;

// co_await resume_on(e): the coroutine goes on on that executor, and stays there. If it is there already, others go first.
class resume_on {
 public:
  explicit resume_on(executor& e) noexcept : executor_(&e) {}
  executor& where() const noexcept { return *executor_; }

 private:
  executor* executor_;
};

namespace detail {

template <class T>
class await_task;

// Awaits an operation in a task.
template <operation Op>
class chain_awaiter : public Op {
 public:
  template <class... A>
  explicit chain_awaiter(A&&... arguments) : Op(std::forward<A>(arguments)...) {}
  chain_awaiter(const chain_awaiter&) = delete;
  chain_awaiter& operator=(const chain_awaiter&) = delete;

  bool await_ready() { return this->ready(); }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> self) noexcept {
    self.promise().chain().wait_for(*this, self);
  }
  decltype(auto) await_resume() { return this->result(); }
};

class await_move final : public async_wait {
 public:
  explicit await_move(executor& e) noexcept : executor_(&e) {}
  await_move(const await_move&) = delete;
  await_move& operator=(const await_move&) = delete;

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> self) noexcept {
    self.promise().chain().move_to(*executor_, *this, self);
  }
  void await_resume() const noexcept {}

 private:
  void arm(waiter&) noexcept override {}  // there is no wait
  void describe(wait_listener&) const noexcept override {}
  void withdraw(std::uint32_t) noexcept override {}
  bool complete(std::uint32_t) noexcept override { return true; }

  executor* executor_;
};

template <class T>
class task_promise_base {
 public:
  static void* operator new(std::size_t frame_size) { return task_state<T>::allocate(frame_size); }
  static void operator delete(void* frame, std::size_t) noexcept { task_state<T>::of_frame(frame).frame_gone(); }

  task_chain& chain() noexcept { return *chain_; }
  void join(task_chain& c) noexcept { chain_ = &c; }

  std::suspend_always initial_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { state().store(std::current_exception()); }

  template <class A>
    requires awaitable<std::remove_reference_t<A>>
  auto await_transform(A&& a) {
    return chain_awaiter<operation_of<std::remove_reference_t<A>>>(to_operation(a));
  }
  auto await_transform(resume_on there) noexcept { return await_move(there.where()); }
  template <class U>
  auto await_transform(task<U>&& t) {
    return await_task<U>(std::move(t));
  }
  template <class A>
    requires(!awaitable<std::remove_reference_t<A>>)
  void await_transform(A&&) = delete;  // sluice: a task awaits events, futures, rvalues of task, async_select, resume_on

 protected:
  task_state<T>& state() noexcept;

 private:
  task_chain* chain_ = nullptr;  // the one that this task is a part of
};

struct task_end {
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> self) const noexcept {
    self.promise().end();
  }
  void await_resume() const noexcept {}
};

template <class T>
class task_promise_value : public task_promise_base<T> {
 public:
  template <class U = T>
    requires std::is_constructible_v<T, U&&>
  void return_value(U&& value) {
    this->state().store(std::in_place, std::forward<U>(value));
  }
};
template <>
class task_promise_value<void> : public task_promise_base<void> {
 public:
  void return_void();
};

template <class T>
class task_promise : public task_promise_value<T> {
 public:
  task<T> get_return_object() noexcept;
  task_end final_suspend() const noexcept { return {}; }
  void end() noexcept {
    auto& self = this->state();
    auto& chain = this->chain();
    chain.switch_to(&chain == &self ? std::coroutine_handle<>() : self.follower());
  }
};

template <class T>
task_state<T>& task_promise_base<T>::state() noexcept {
  auto& promise = static_cast<task_promise<T>&>(*this);
  return task_state<T>::of_frame(std::coroutine_handle<task_promise<T>>::from_promise(promise).address());
}
inline void task_promise_value<void>::return_void() { state().store(std::in_place); }

}  // namespace detail

template <class T>
class [[nodiscard]] task {
 public:
  using value_type = T;
  using promise_type = detail::task_promise<T>;

  task(task&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  task& operator=(task other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  // One that has not begun never does; what it was given is destroyed.
  ~task() {
    if (state_ != nullptr) state_->abandon();
  }

  // False once it was moved from, that is, spawned or awaited.
  bool valid() const noexcept { return state_ != nullptr; }

 private:
  template <class U>
  friend class detail::await_task;
  template <class U>
  friend class detail::task_promise;
  template <class U>
  friend future<U> spawn(executor& where, task<U> t);
  explicit task(detail::task_state<T>& state) noexcept : state_(&state) {}

  detail::task_state<T>& state() const {
    if (state_ == nullptr) detail::throw_future_error(std::future_errc::no_state);
    return *state_;
  }

  detail::task_state<T>* state_;
};

// Starts a task on that executor. Its result or exception arrives in the future; a future that is dropped lets it run on.
// std::future_error(no_state) if the task is not valid().
template <class T>
future<T> spawn(executor& where, task<T> t) {
  auto started = t.state().spawn(where);
  t.state_ = nullptr;
  return started;
}
// The same on default_executor(): in the runtime of the calling fiber or task.
template <class T>
future<T> spawn(task<T> t) {
  return spawn(default_executor(), std::move(t));
}

namespace detail {

template <class T>
task<T> task_promise<T>::get_return_object() noexcept {
  auto& self = this->state();
  self.own();
  this->join(self);
  return task<T>(self);
}

// Runs a task as a part of the one that awaits it.
template <class T>
class await_task {
 public:
  explicit await_task(task<T>&& t) : task_(std::move(t)) { task_.state(); }
  await_task(const await_task&) = delete;
  await_task& operator=(const await_task&) = delete;

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> self) noexcept {
    auto& chain = self.promise().chain();
    auto& child = *task_.state_;
    std::coroutine_handle<task_promise<T>>::from_address(child.frame()).promise().join(chain);
    child.follow(self);
    chain.switch_to(child.handle());
  }
  T await_resume() { return task_.state_->take().get(); }

 private:
  task<T> task_;
};

}  // namespace detail
}  // namespace sluice
