// blocking.h - calls that block, or compute for long, on threads of their own.
//
//   future<std::string> text = blocking([path] { return read_file(path); });   // no worker waits for the disk
//   use(text.get());
//
//   auto sum = blocking([&](std::stop_token asked) { ... });    // one that looks at the token can be asked to stop
//
// f runs on a pool of threads: up to runtime_options::blocking_threads, started when they are needed; jobs beyond that stand
// in line, first come, first served. A job is a thread: what it waits for on channels or futures blocks that thread and
// nobody else. It inherits the deadline in force and the values (context_key), as a fiber does. The pool is that of the
// runtime of the calling fiber, or job; called from a plain thread, the default runtime's. In a job, go() starts fibers in
// that same runtime.
// cancel(): a job that has not begun is removed; its future gets `cancelled`, and what it captured is destroyed by whoever
//   cancels. A job that runs is not interrupted; one that takes a std::stop_token is asked. Else cancel() is false.
// Errors: what f throws arrives in the future; if nobody looks at it there, it is reported as that of a fiber. If there is
//   no thread and none can be had, the future gets std::system_error; as long as there is one, jobs wait for it.
// End of the runtime: jobs that have not begun are cancelled. Those that run have their tokens stopped, and each of their
//   waits on sluice's things throws `cancelled`; the destructor blocks until they return, so a system call that never does
//   holds it up.
// Beware of jobs that wait for others that stand in line: the number of threads is limited.
// Threads: any fiber or thread. Cost: one allocation (two more with a stop token); a wake-up of a thread, or its start.
#pragma once

#include <sluice/futures/future.h>
#include <sluice/runtime/detail/blocking_pool.h>
#include <sluice/runtime/detail/spawned.h>

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>

namespace sluice {

namespace detail {

blocking_pool& blocking_threads(scheduler& s) noexcept;

template <class F>
inline constexpr bool takes_stop_token = std::is_invocable_v<F, std::stop_token>;

template <class F>
struct result_of_job : std::invoke_result<F> {};
template <class F>
  requires takes_stop_token<F>
struct result_of_job<F> : std::invoke_result<F, std::stop_token> {};

// A job together with its function and its result: one allocation.
template <class F, class R>
class blocking_call final : public shared_state<R>, public pooled_job {
 public:
  template <class G>
  blocking_call(const scheduler& s, G&& function)
      : pooled_job(party::current()),
        report_(unobserved_error_handler(s)),
        function_(std::in_place, std::forward<G>(function)) {}

  bool request_cancel() noexcept override {
    if (withdraw()) return true;
    if (!takes_stop_token<F> || this->ready()) return false;
    ask_to_stop();
    return true;
  }

 private:
  using stop_state = std::conditional_t<takes_stop_token<F>, std::stop_source, std::nostopstate_t>;

  ~blocking_call() override = default;

  void last_reference_gone() noexcept override {
    if (const auto error = this->take_unobserved()) report_unobserved(error, report_.get(), "a job of blocking()");
    delete this;
  }

  ref_counted& memory() noexcept override { return *this; }

  void run() noexcept override {
    party& self = party::current();
    enter(self);
    std::exception_ptr error;
    try {
      if constexpr (std::is_void_v<R>) {
        call();
        over(self);
        this->fulfil(std::in_place);
      } else {
        outcome<R> result(std::in_place, call());
        over(self);
        this->fulfil(std::move(result));
      }
    } catch (...) {
      error = std::current_exception();
    }
    if (!error) return;
    over(self);
    this->fulfil(std::move(error));
  }
  void refuse(std::exception_ptr why) noexcept override {
    function_.reset();
    drop_values();
    this->fulfil(std::move(why));
  }
  void ask_to_stop() noexcept override {
    if constexpr (takes_stop_token<F>) stop_.request_stop();
  }

  decltype(auto) call() {
    if constexpr (takes_stop_token<F>)
      return std::invoke(std::move(*function_), stop_.get_token());
    else
      return std::invoke(std::move(*function_));
  }
  // What the function captured goes before the result can be seen.
  void over(party& self) noexcept {
    function_.reset();
    leave(self);
  }

  const std::shared_ptr<const error_handler> report_;
  std::optional<F> function_;
  [[no_unique_address]] stop_state stop_{};
};

template <class F>
auto run_blocking(scheduler& s, F&& f) {
  using body = std::decay_t<F>;
  using result = std::decay_t<typename result_of_job<body>::type>;
  auto* const made = new blocking_call<body, result>(s, std::forward<F>(f));
  made->add_ref();  // the pool's
  auto arriving = make_future(intrusive_ptr<shared_state<result>>::adopt(made));
  blocking_threads(s).submit(*made);
  return arriving;
}

}  // namespace detail

// Runs f, which may take a std::stop_token, where it may block as it likes. Does not wait.
template <class F>
auto blocking(F&& f) {
  return detail::run_blocking(detail::current_scheduler(), std::forward<F>(f));
}

}  // namespace sluice
