// fiber.h - a stack that can wait.
#pragma once

#include <sluice/base/call_site.h>
#include <sluice/base/check.h>
#include <sluice/base/spin.h>
#include <sluice/futures/cancelled.h>
#include <sluice/futures/party.h>
#include <sluice/runtime/detail/context.h>
#include <sluice/runtime/detail/stack.h>
#include <sluice/runtime/detail/stop_state.h>
#include <sluice/runtime/options.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <string>

namespace sluice::detail {

class scheduler;
class worker;

// The exceptions that are being handled or thrown: C++ keeps them per thread, but they belong to the stack.
struct exception_state {
  void* caught = nullptr;
  unsigned int uncaught = 0;
};

// What a switch leaves and enters: a fiber, or a worker's own loop.
struct execution {
  stack_pointer sp = nullptr;
  exception_state exceptions;
  int error_number = 0;  // errno, while it is left; else 0
  [[no_unique_address]] sanitizer_context sanitizer;
};

// Throws deadline_exceeded if w's deadline has passed, and no exception unwinds its stack.
inline void throw_if_late(const party& w) {
  if (w.deadline() != steady_time::max() && std::chrono::steady_clock::now() >= w.deadline() &&
      std::uncaught_exceptions() == 0)
    throw deadline_exceeded{};
}

// Life: made → spawned (registered, ready) → first dispatch takes a stack → runs and waits by turns → retired.
// A worker that takes it from a queue owns all its fields until the fiber's next switch is finished.
class fiber : public party {
 public:
  fiber(scheduler& s, launch&& how, call_site from, party& starter);

  // As given, else the number.
  std::string name() const { return name_ == nullptr ? std::to_string(number_) : *name_; }
  const char* given_name() const noexcept { return name_ == nullptr ? "" : name_->c_str(); }
  // For messages: the name in quotes, else the number; cut off if it is very long. Usable in a signal handler.
  struct name_text {
    char text[64];
  };
  name_text display_name() const noexcept;
  introduction introduce() const noexcept final;
  bool pinned() const noexcept { return moves_ == moves::never; }
  // Bytes, in all and as deep as it has been (see this_fiber::stack_used); 0 before it first runs. For the fiber itself, or
  // for one who sees to it that it neither starts nor ends meanwhile.
  std::size_t stack_size() const noexcept { return stack_.size; }
  std::size_t stack_used() const noexcept { return stack_ ? detail::stack_used(stack_) : 0; }
  // Where the user's code has started it.
  call_site started_at() const noexcept { return started_at_; }
  // What it does it does for a task; without one it is nobody's.
  virtual bool carries_tasks() const noexcept { return false; }

  timer_queue& timers() noexcept final;
  void wake() noexcept final;
  // Lets the others go first; returns at once if there are none. Throws cancelled and deadline_exceeded.
  void yield();

  // Its current or next blocking wait throws cancelled; one that has not begun does not begin. The stop token's callbacks
  // run here, before that.
  // A fiber that has ended cannot be found parked, so whoever keeps its memory may ask at any time.
  void ask_to_stop() noexcept {
    stop_state_.request();
    if (request_stop(once)) wake();
  }
  std::stop_token stop_token() { return stop_state_.token(); }

 protected:
  virtual ~fiber() { drop_values(); }

  // What it inherited; values have destructors, so it goes where the fiber's function goes.
  void drop_values() noexcept;

 private:
  friend class worker;
  friend class scheduler;
  friend class run_queue;
  friend class registry;
  friend class snapshot_taker;
  friend struct debugger_access;
  friend struct overflow_report;
  friend class monitor;
  friend struct running_stack_access;
  friend class inspection;

  // The body. Nothing leaves it.
  virtual void run() noexcept = 0;
  // Instead of run(), when the fiber never gets to start.
  virtual void refuse(std::exception_ptr why) noexcept = 0;
  // The runtime has no more to do with it. Runs no user code.
  virtual void dismiss() noexcept = 0;

  void park() noexcept final;
  [[gnu::cold, gnu::noinline]] void observe_wait() noexcept;

  // Between these two the fiber is its worker's, and nobody looks at its stack. The worker that had it last may not have let
  // go of it yet, and somebody may look at it just now (registry::inspect): both are waited for, and are soon done.
  // Orders: who looks sets held_, then sees running_ false; this sets running_, then sees held_ zero. What keeps the two
  // steps apart costs nothing here: who looks makes every processor of the process order its accesses (heavy_fence).
  void begin_running() noexcept {
    for (spin_wait spin; running_.load(std::memory_order_acquire);) spin.once();
    running_.store(true, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    for (spin_wait spin; held_.load(std::memory_order_acquire) != 0;) spin.once();
  }
  void end_running() noexcept { running_.store(false, std::memory_order_release); }

  execution exec_;
  std::atomic<bool> running_{false};
  std::atomic<std::uint32_t> held_{0};  // how many look at it: it does not run until they are done
  stack stack_;                         // before it first runs, only its size
  worker* worker_ = nullptr;            // that runs it, or ran it last; its home if it is pinned
  scheduler* const scheduler_;
  fiber* next_ready_ = nullptr;       // guarded by the run queue it is in
  fiber* prev_registered_ = nullptr;  // guarded, with the next and the shard, by the registry
  fiber* next_registered_ = nullptr;
  std::uint64_t number_ = 0;
  const std::unique_ptr<const std::string> name_;  // null: most of a million have none
  stop_state stop_state_;
  const call_site started_at_;
  steady_time waits_since_{};  // if the runtime wants to know
  // With each switch: where a worker likes, or (runtime_options::always_migrate) away from where it was.
  enum class moves : std::uint8_t { freely, never, always };
  const moves moves_;
  std::atomic<bool> known_as_hog_{false};
  std::uint32_t shard_ = 0;
};

}  // namespace sluice::detail
