#include <sluice/runtime/detail/fiber.h>
#include <sluice/runtime/detail/signals.h>
#include <sluice/runtime/detail/worker.h>

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <mutex>

namespace sluice::detail {

struct overflow_report {
  // The fiber that runs on this thread, if `address` lies in its guard.
  static const fiber* at(const void* address) noexcept {
    if (worker::current() == nullptr) return nullptr;
    const auto* f = static_cast<const fiber*>(current_party_slot());
    if (f == nullptr || !f->stack_) return nullptr;
    const auto* a = static_cast<const std::byte*>(address);
    return a < f->stack_.bottom && a >= f->stack_.bottom - guard_size ? f : nullptr;
  }
  [[noreturn]] static void end(const fiber& f) noexcept {
    char text[512];
    const int n = std::snprintf(text, sizeof text,
                                "sluice: fiber %s overflowed its stack of %zu bytes; give it more with "
                                "launch{.stack_size = ...} or runtime_options{.stack_size = ...}\n",
                                f.display_name().text, f.stack_.size);
    if (n > 0 && write(STDERR_FILENO, text, static_cast<std::size_t>(n)) < 0) {}
    signal(SIGABRT, SIG_DFL);
    std::abort();
  }
};

namespace {

struct sigaction previous_segv, previous_bus;

void on_fault(int signal_number, siginfo_t* info, void* context) {
  if (const fiber* f = overflow_report::at(info->si_addr)) overflow_report::end(*f);
  const struct sigaction& before = signal_number == SIGSEGV ? previous_segv : previous_bus;
  if (before.sa_flags & SA_SIGINFO) {
    before.sa_sigaction(signal_number, info, context);
  } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
    before.sa_handler(signal_number);
  } else {
    sigaction(signal_number, &before, nullptr);  // and the instruction faults again
  }
}

}  // namespace

[[gnu::noinline]] void report_stack_overflows() noexcept {  // std::call_once has thread-locals
  static std::once_flag installed;
  std::call_once(installed, [] {
    struct sigaction action {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, &previous_segv);
    sigaction(SIGBUS, &action, &previous_bus);
  });
}

signal_stack::signal_stack() : memory_(std::make_unique<std::byte[]>(size)) {}

void signal_stack::use() noexcept {
  stack_t s{};
  s.ss_sp = memory_.get();
  s.ss_size = size;
  sigaltstack(&s, nullptr);
}

void signal_stack::release() noexcept {
  stack_t s{};
  s.ss_flags = SS_DISABLE;
  sigaltstack(&s, nullptr);
}

}  // namespace sluice::detail
