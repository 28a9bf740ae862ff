#include <sluice/base/forked.h>
#include <sluice/base/thread_count.h>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace sluice::detail {

void end_forked_child(const char* what) noexcept {
  char text[256];
  const int n = std::snprintf(text, sizeof text,
                              "sluice: %s. This process (%d) was made by fork(), which left the threads of its parent's "
                              "runtimes behind\n",
                              what, static_cast<int>(getpid()));
  if (n > 0 && write(STDERR_FILENO, text, static_cast<std::size_t>(n)) < 0) {}
  std::abort();
}

void end_if_left_alone() noexcept {
  if (is_forked_child.load(std::memory_order_relaxed) && thread_count() == 1)
    end_forked_child("the only thread waits without a time limit, and nobody is left to wake it");
}

}  // namespace sluice::detail
