// thread_state.h - what the kernel knows of a thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <ctime>

namespace sluice::detail {

// How long it has run on a processor; zero if it is gone. `clock` is from pthread_getcpuclockid. About 0.3 us.
std::chrono::nanoseconds processor_time(clockid_t clock) noexcept;

// False: it sleeps in the kernel. A thread of this process, by its number there; true if that cannot be found out. About 10
// us.
bool is_runnable(pid_t thread) noexcept;

// The calling thread is to run soon after it wakes, for short times: Linux 6.12 gives it shorter time slices, which take
// precedence over longer ones (its share of the processor stays the same); an older one takes no notice.
void ask_for_short_slices() noexcept;

}  // namespace sluice::detail
