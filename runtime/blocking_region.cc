#include <sluice/runtime/blocking_region.h>
#include <sluice/runtime/detail/worker.h>

namespace sluice {

namespace {

bool begin() noexcept {
  detail::worker* const here = detail::worker::current();
  return here != nullptr && here->begin_region();
}

}  // namespace

blocking_region::blocking_region() noexcept : outermost_(begin()) {}

blocking_region::~blocking_region() {
  if (!outermost_) return;
  if (detail::worker* const here = detail::worker::current()) here->end_region();
}

}  // namespace sluice
