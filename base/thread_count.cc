#include <sluice/base/thread_count.h>

#include <sys/stat.h>

namespace sluice::detail {

// A folder has a link from itself, one from its parent, and one for each folder in it.
std::uint64_t thread_count() noexcept {
  struct stat threads {};
  return stat("/proc/self/task", &threads) == 0 && threads.st_nlink > 2 ? threads.st_nlink - 2 : 0;
}

}  // namespace sluice::detail
