#include <sluice/runtime/detail/heap.h>
#include <sluice/runtime/detail/quiet_signals.h>

#include <cstdlib>
#include <system_error>
#include <thread>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace sluice::detail {

void give_back_heap() noexcept {
#if defined(__GLIBC__)
  try {
    const quiet_signals inherited;
    std::thread([] { malloc_trim(0); }).detach();
  } catch (const std::exception&) {}  // it stays with the C library, which will use it again
#endif
}

}  // namespace sluice::detail
