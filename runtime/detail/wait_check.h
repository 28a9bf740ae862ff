// wait_check.h - something that looks at each fiber that is about to leave its thread.
#pragma once

#include <sluice/futures/party.h>

#include <atomic>

namespace sluice::detail {

// For //tools/lock_check. Called on the fiber's own stack and thread, in runtimes that are made after it was set.
inline constinit std::atomic<void (*)(const party& self) noexcept> wait_check{nullptr};

}  // namespace sluice::detail
