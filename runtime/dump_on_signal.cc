#include <sluice/base/census.h>
#include <sluice/runtime/detail/quiet_signals.h>
#include <sluice/runtime/dump.h>

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <exception>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

namespace sluice {

namespace {

// Counts the dumps that are asked for. A handler may write to it.
std::atomic<int> requests{-1};

void on_signal(int) {
  const int error_number = errno;
  const std::uint64_t one = 1;
  if (write(requests.load(std::memory_order_relaxed), &one, sizeof one) < 0) {}
  errno = error_number;
}

void write_all(std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t n = write(STDERR_FILENO, text.data(), text.size());
    if (n < 0 && errno != EINTR) return;
    if (n > 0) text.remove_prefix(static_cast<std::size_t>(n));
  }
}

[[noreturn]] void serve(int descriptor) {
  detail::census::rests();  // it never wakes anybody
  for (std::uint64_t asked = 0;;) {
    if (read(descriptor, &asked, sizeof asked) < 0) continue;
    try {
      std::ostringstream text;
      dump(text);
      write_all(text.view());
    } catch (const std::exception& e) {
      write_all(std::string("sluice: no dump: ") + e.what() + '\n');
    }
  }
}

// The thread that dumps, for the rest of the program.
int start_server() {
  const int descriptor = eventfd(0, EFD_CLOEXEC);
  if (descriptor < 0) throw std::system_error(errno, std::generic_category(), "sluice: dump_on_signal");
  try {
    const detail::quiet_signals inherited;
    std::thread(serve, descriptor).detach();
  } catch (...) {
    close(descriptor);
    throw;
  }
  return descriptor;
}

}  // namespace

void dump_on_signal(int signal_number) {
  static const int server = start_server();
  requests.store(server, std::memory_order_relaxed);
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  if (sigaction(signal_number, &action, nullptr) != 0)
    throw std::system_error(errno, std::generic_category(), "sluice: dump_on_signal(" + std::to_string(signal_number) + ")");
}

}  // namespace sluice
