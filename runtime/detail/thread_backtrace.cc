#include <sluice/base/futex.h>
#include <sluice/base/spin.h>
#include <sluice/futures/party.h>
#include <sluice/runtime/detail/thread_backtrace.h>
#include <sluice/runtime/detail/worker.h>

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <mutex>

namespace sluice::detail {

struct running_stack_access {
  static pid_t thread_of(const worker& w) noexcept { return w.thread_id_.load(std::memory_order_relaxed); }

  // Of the calling thread. In the handler.
  static void write_down(const worker& w, running_stack& answer) noexcept {
    const auto* const f = static_cast<const fiber*>(current_party_slot());
    if (f == nullptr || w.left_.load(std::memory_order_relaxed) != nullptr) {
      answer.what = running_stack::in_scheduler;
      return;
    }
    write_down(*f, answer);
    answer.calls = walk_interrupted(f->stack_);
  }
  static void write_down(const fiber& f, running_stack& answer) noexcept {
    answer.number = f.number_;
    answer.name = f.display_name();
    answer.what = running_stack::in_fiber;
  }
};

namespace {

constexpr int request_signal = SIGURG;
constexpr int most_tries = 20;

// The one request there is. What its state says is counted, so that an answer to one that was given up meets no later one.
struct request {
  enum phase : std::uint32_t { idle, asked, answering, answered, phases };
  std::mutex one_at_a_time;
  std::atomic<std::uint32_t> state{idle};
  std::atomic<pid_t> thread{0};
  worker* whom = nullptr;
  running_stack answer;
};
constinit request the_request;

struct sigaction previous;

void pass_on(int signal_number, siginfo_t* info, void* context) {
  if (previous.sa_flags & SA_SIGINFO)
    previous.sa_sigaction(signal_number, info, context);
  else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN)
    previous.sa_handler(signal_number);
}

void on_request(int signal_number, siginfo_t* info, void* context) {
  const int error_number = errno;
  request& r = the_request;
  std::uint32_t state = r.state.load(std::memory_order_acquire);
  if (info->si_code != SI_TKILL || info->si_pid != getpid()) {
    pass_on(signal_number, info, context);
  } else if (state % request::phases == request::asked && r.thread.load(std::memory_order_relaxed) == gettid() &&
             r.state.compare_exchange_strong(state, state + 1, std::memory_order_acquire)) {
    {
      const in_scheduler looking;
      running_stack_access::write_down(*r.whom, r.answer);
    }
    r.state.store(state + 2, std::memory_order_release);
    futex_wake_one(r.state);
  }
  errno = error_number;
}

// False: somebody else has the signal now.
bool handler_in_place() noexcept {
  static const bool installed = [] {
    walk_caller();  // what the unwinder does once, it does here, not in a handler
    struct sigaction action {};
    action.sa_sigaction = on_request;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    sigemptyset(&action.sa_mask);
    return sigaction(request_signal, &action, &previous) == 0;
  }();
  struct sigaction now {};
  return installed && sigaction(request_signal, nullptr, &now) == 0 && (now.sa_flags & SA_SIGINFO) != 0 &&
         now.sa_sigaction == on_request;
}

// Once. Under the request's lock.
running_stack ask(worker& w, steady_time until) noexcept {
  request& r = the_request;
  r.answer = {};
  const pid_t thread = running_stack_access::thread_of(w);
  r.whom = &w;
  r.thread.store(thread, std::memory_order_relaxed);
  std::uint32_t state = (r.state.load(std::memory_order_relaxed) / request::phases + 1) * request::phases + request::asked;
  r.state.store(state, std::memory_order_release);
  const std::uint32_t done = state - request::asked + request::answered;
  const bool sent = thread != 0 && syscall(SYS_tgkill, getpid(), thread, request_signal) == 0;
  for (;;) {
    std::uint32_t seen = r.state.load(std::memory_order_acquire);
    if (seen == done) return r.answer;
    if (!sent || std::chrono::steady_clock::now() >= until) break;
    futex_wait(r.state, seen, until);
  }
  if (r.state.compare_exchange_strong(state, state - request::asked, std::memory_order_relaxed)) return {};
  for (spin_wait spin; r.state.load(std::memory_order_acquire) != done;) spin.once();  // it is at it
  return r.answer;
}

}  // namespace

running_stack stack_of(worker& w, std::chrono::nanoseconds patience) {
  running_stack answer;
  if (&w == worker::current()) {
    running_stack_access::write_down(static_cast<const fiber&>(party::current()), answer);
    answer.calls = walk_caller();
    return answer;
  }
  const std::lock_guard guard(the_request.one_at_a_time);
  const steady_time until = std::chrono::steady_clock::now() + patience;
  if (!handler_in_place()) return answer;
  // In the scheduler is where a busy worker is every now and then, for some nanoseconds.
  for (int i = 0; i < most_tries; ++i) {
    answer = ask(w, until);
    if (answer.what != running_stack::in_scheduler) break;
  }
  return answer;
}

void accept_stack_requests() noexcept {
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, request_signal);
  pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
}

}  // namespace sluice::detail
