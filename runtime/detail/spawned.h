// spawned.h - a fiber together with its function and its result: one allocation.
#pragma once

#include <sluice/futures/future.h>
#include <sluice/runtime/detail/fiber.h>
#include <sluice/runtime/detail/frame_pool.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace sluice::detail {

using error_handler = std::function<void(std::exception_ptr)>;

// What a fiber needs to know of its scheduler here, without knowing the scheduler.
scheduler& current_scheduler();
void start(scheduler& s, fiber& f);
std::shared_ptr<const error_handler> unobserved_error_handler(const scheduler& s) noexcept;

template <class F, class R>
class spawned final : public shared_state<R>, public fiber {
 public:
  template <class G>
  spawned(scheduler& s, launch&& how, G&& function)
      : fiber(s, std::move(how)),
        report_(unobserved_error_handler(s)),
        function_(std::in_place, std::forward<G>(function)) {}

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

  // The fiber's next or current wait. A fiber that has ended cannot be found parked, so wake() is safe.
  bool request_cancel() noexcept override {
    if (this->ready()) return false;
    if (request_stop(once)) wake();
    return true;
  }

 private:
  ~spawned() override = default;

  // The result belongs to those who refer to it, the fiber to the runtime; the memory goes when both have let go. So
  // what runs user code (destructors, the error handler) runs where a user let go, never inside the scheduler, and what the
  // scheduler does last runs no user code.
  void last_reference_gone() noexcept override {
    if (const auto error = this->take_unobserved(); error && report_ == nullptr) {
      report_unobserved(error, display_name().text);
    } else if (error && !is_departure(error)) {
      (*report_)(error);
    }
    this->drop_result();
    dismiss();
  }
  void dismiss() noexcept override {
    if (owners_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  void run() noexcept override {
    try {
      if constexpr (std::is_void_v<R>) {
        std::invoke(std::move(*function_));
        forget_function();
        this->fulfil(std::in_place);
      } else {
        outcome<R> result(std::in_place, std::invoke(std::move(*function_)));
        forget_function();
        this->fulfil(std::move(result));
      }
      this->release();
    } catch (...) {
      refuse(std::current_exception());
    }
  }
  void refuse(std::exception_ptr why) noexcept override {
    forget_function();
    this->fulfil(std::move(why));
    why = nullptr;
    this->release();
  }

  // What the function captured goes before the result can be seen: whoever waits for the fiber may rely on that.
  void forget_function() noexcept { function_.reset(); }

  const std::shared_ptr<const error_handler> report_;
  std::optional<F> function_;
  std::atomic<int> owners_{2};
};

template <class F>
auto spawn(scheduler& s, launch&& how, F&& function) {
  using body = std::decay_t<F>;
  using result = std::decay_t<std::invoke_result_t<body>>;
  using object = spawned<body, result>;
  auto* const made = new object(s, std::move(how), std::forward<F>(function));
  made->add_ref();  // the running fiber's
  auto f = make_future(intrusive_ptr<shared_state<result>>::adopt(made));
  start(s, *made);
  return f;
}

}  // namespace sluice::detail
