#include <sluice/runtime/detail/thread_state.h>

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>

namespace sluice::detail {

std::chrono::nanoseconds processor_time(clockid_t clock) noexcept {
  timespec t{};
  if (clock_gettime(clock, &t) != 0) return std::chrono::nanoseconds(0);
  return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}

// proc(5): the state is the letter after the name, which is in parentheses and may hold any character.
bool is_runnable(pid_t thread) noexcept {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/self/task/%d/stat", static_cast<int>(thread));
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return true;
  char text[256];
  const ssize_t n = read(file, text, sizeof text - 1);
  close(file);
  if (n <= 0) return true;
  text[n] = 0;
  const char* const name_end = std::strrchr(text, ')');
  return name_end == nullptr || name_end[1] == 0 || name_end[2] == 'R';
}

void ask_for_short_slices() noexcept {
  struct {  // sched_setattr(2), first version
    std::uint32_t size;
    std::uint32_t policy;  // SCHED_OTHER
    std::uint64_t flags;
    std::int32_t nice;
    std::uint32_t priority;
    std::uint64_t runtime;  // ns; for this policy the length of a time slice
    std::uint64_t deadline;
    std::uint64_t period;
  } attributes{};
  attributes.size = sizeof attributes;
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0 || attributes.policy != 0) return;
  constexpr std::uint64_t short_slice = 100'000;
  attributes.size = sizeof attributes;
  attributes.runtime = short_slice;
  syscall(SYS_sched_setattr, 0, &attributes, 0);
}

}  // namespace sluice::detail
