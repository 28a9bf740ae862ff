#include <sluice/base/contention.h>

namespace sluice::detail {

namespace {

thread_local std::atomic<std::uint32_t> found_taken{0};  // for TSan, which takes fibers for threads

}  // namespace

[[gnu::noinline]] void note_contention() noexcept {
  found_taken.store(found_taken.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

[[gnu::noinline]] const std::atomic<std::uint32_t>& contention_of_this_thread() noexcept {
  const std::atomic<std::uint32_t>* address = &found_taken;
  asm volatile("" : "+r"(address));
  return *address;
}

}  // namespace sluice::detail
