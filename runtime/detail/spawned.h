// spawned.h - a fiber together with its function and its result: one allocation.
#pragma once

#include <sluice/futures/future.h>
#include <sluice/runtime/detail/fiber.h>
#include <sluice/runtime/detail/frame_pool.h>
#include <sluice/runtime/detail/local_node.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace sluice::detail {

// What a fiber needs to know of its scheduler here, without knowing the scheduler.
scheduler& current_scheduler();
scheduler& lasting_scheduler();            // of the default runtime
void forget_lasting_scheduler() noexcept;  // the next one is made anew
void start(scheduler& s, fiber& f);
std::shared_ptr<const error_handler> unobserved_error_handler(const scheduler& s) noexcept;

// Whom a fiber belongs to, and who hears of its end: here nobody. See nursery.h.
struct on_its_own {
  void born(ref_counted&, fiber&) noexcept {}
  void done(const std::exception_ptr&) noexcept {}
  bool error_was_seen() const noexcept { return false; }
  on_its_own home() const noexcept { return {}; }
  void ended() const noexcept {}
};

template <class F, class R, class Membership>
class spawned final : public shared_state<R>, public fiber {
 public:
  template <class G, class... Home>
  spawned(scheduler& s, launch&& how, call_site from, G&& function, Home&... home)
      : shared_state<R>(2),  // the caller's, and the running fiber's
        fiber(s, std::move(how), from, party::current()),
        report_(unobserved_error_handler(s)),
        function_(std::in_place, std::forward<G>(function)),
        membership_(home...) {}

  static void* operator new(std::size_t size) {
    if constexpr (alignof(spawned) > __STDCPP_DEFAULT_NEW_ALIGNMENT__)
      return ::operator new(size, std::align_val_t{alignof(spawned)});
    else
      return allocate_frame(size);
  }
  static void operator delete(void* memory, std::size_t size) noexcept {
    if constexpr (alignof(spawned) > __STDCPP_DEFAULT_NEW_ALIGNMENT__)
      ::operator delete(memory, std::align_val_t{alignof(spawned)});
    else
      free_frame(memory, size);
  }

  bool request_cancel() noexcept override {
    if (this->ready()) return false;
    ask_to_stop();
    return true;
  }

  const waiter* computed_by() const noexcept override { return this; }

  // Registers the fiber with whom it belongs to, then runs it.
  void start(scheduler& s) {
    membership_.born(*this, *this);
    detail::start(s, *this);
  }

 private:
  ~spawned() override = default;

  // The result belongs to those who refer to it, the fiber to the runtime; the memory goes when both have let go. So
  // what runs user code (destructors, the error handler) runs where a user let go, never inside the scheduler, and what the
  // scheduler does last runs no user code.
  void last_reference_gone() noexcept override {
    if (const auto error = membership_.error_was_seen() ? nullptr : this->take_unobserved())
      report_unobserved(error, report_.get(), introduce().text);
    this->drop_result();
    dismiss();
  }
  void dismiss() noexcept override {
    if (owners_.load(std::memory_order_acquire) != 1 && owners_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    happens_after(&owners_);
    delete this;
  }

  void run() noexcept override {
    std::exception_ptr error;
    try {
      if constexpr (std::is_void_v<R>) {
        std::invoke(std::move(*function_));
        succeed(std::in_place);
      } else {
        succeed(outcome<R>(std::in_place, std::invoke(std::move(*function_))));
      }
    } catch (...) {
      error = std::current_exception();
    }
    if (error) fail(std::move(error));
    let_go();
  }
  void refuse(std::exception_ptr why) noexcept override {
    fail(std::move(why));
    let_go();
  }

  void let_go() noexcept {
    auto&& home = membership_.home();
    this->release();
    local_node::destroy_all(*this);  // made since the function's end, by callbacks and what the result held
    happens_before(&owners_);        // which the scheduler lowers for it
    home.ended();
  }

  // What the function captured goes before the result can be seen: whoever waits for the fiber may rely on that.
  template <class Result>
  void succeed(Result&& result) {
    membership_.done(nullptr);
    forget_function();
    this->fulfil(std::forward<Result>(result));
  }
  void fail(std::exception_ptr why) noexcept {
    membership_.done(why);
    forget_function();
    this->fulfil(std::move(why));
  }
  void forget_function() noexcept {
    function_.reset();
    local_node::destroy_all(*this);
    drop_values();
  }

  const std::shared_ptr<const error_handler> report_;
  std::optional<F> function_;
  [[no_unique_address]] Membership membership_;
  std::atomic<int> owners_{2};
};

template <class Membership = on_its_own, class F, class... Home>
auto spawn(scheduler& s, launch&& how, call_site from, F&& function, Home&... home) {
  using body = std::decay_t<F>;
  using result = std::decay_t<std::invoke_result_t<body>>;
  using object = spawned<body, result, Membership>;
  auto* const made = new object(s, std::move(how), from, std::forward<F>(function), home...);
  auto f = make_future(intrusive_ptr<shared_state<result>>::adopt(made));
  made->start(s);
  return f;
}

}  // namespace sluice::detail
