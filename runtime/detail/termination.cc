#include <sluice/runtime/detail/backtrace.h>
#include <sluice/runtime/detail/fiber.h>
#include <sluice/runtime/detail/symbols.h>
#include <sluice/runtime/detail/termination.h>
#include <sluice/runtime/detail/worker.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <string>
#include <thread>

namespace sluice::detail {

namespace {

std::terminate_handler previous;

// On another stack: the fiber's may be short.
void print(const party::introduction& who, const backtrace& calls) {
  symbols known;
  known.look_up(calls.frames());
  const std::string text =
      std::string("sluice: std::terminate was called in ") + who.text + '\n' + known.lines(calls.frames());
  std::fputs(text.c_str(), stderr);
}

[[noreturn]] void on_terminate() {
  static std::atomic<bool> told{false};
  const party* const self = worker::current() != nullptr ? current_party_slot() : nullptr;
  if (self != nullptr && !told.exchange(true)) {
    try {
      const auto who = self->introduce();
      const backtrace calls = walk_caller();
      std::thread([&] { print(who, calls); }).join();
    } catch (...) {}  // no memory or no thread: what follows must do
  }
  if (previous != nullptr) previous();
  std::abort();
}

}  // namespace

[[gnu::noinline]] void report_terminations() noexcept {  // std::call_once has thread-locals
  static std::once_flag installed;
  std::call_once(installed, [] { previous = std::set_terminate(on_terminate); });
}

}  // namespace sluice::detail
