#include <sluice/base/contention.h>

namespace sluice::detail {

namespace {

thread_local std::uint32_t found_taken = 0;

}  // namespace

[[gnu::noinline]] void note_contention() noexcept { ++found_taken; }

[[gnu::noinline]] const std::uint32_t& contention_of_this_thread() noexcept {
  const std::uint32_t* address = &found_taken;
  asm volatile("" : "+r"(address));
  return *address;
}

}  // namespace sluice::detail
