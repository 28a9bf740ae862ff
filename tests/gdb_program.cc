// For gdb_test.sh: fibers in known functions, and then the end.
#include <sluice/sluice.h>

#include <atomic>
#include <cstdlib>

using sluice::channel;

extern "C" [[gnu::noinline]] void gdb_test_receives(const channel<int>& c, int depth) {
  if (depth > 0)
    gdb_test_receives(c, depth - 1);
  else
    c.recv();
  asm volatile("");
}
extern "C" [[gnu::noinline]] void gdb_test_hogs(std::atomic<bool>& started) {
  started = true;
  for (std::atomic<bool> for_ever{true}; for_ever;) {}
}
extern "C" [[gnu::noinline]] void gdb_test_stops() { std::abort(); }

int main() {
  sluice::run({.workers = 2}, [] {
    const channel<int> c;
    std::atomic<bool> started{false};
    auto receiver = sluice::go({.name = "receiver"}, [&] { gdb_test_receives(c, 2); });
    sluice::this_fiber::sleep_for(std::chrono::milliseconds(20));
    auto fresh = sluice::go({.name = "fresh", .pinned = true}, [] {});
    auto hog = sluice::go({.name = "hog"}, [&] { gdb_test_hogs(started); });
    while (!started) {}
    gdb_test_stops();
  });
}
