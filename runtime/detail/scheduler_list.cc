#include <sluice/base/futex.h>
#include <sluice/base/spinlock.h>
#include <sluice/runtime/detail/debugger.h>
#include <sluice/runtime/detail/scheduler.h>
#include <sluice/runtime/detail/scheduler_list.h>

#include <mutex>
#include <utility>

namespace sluice::detail {

namespace {

constinit spinlock list_lock;
constinit scheduler*& first = sluice_for_debuggers.first;
constinit scheduler* first_lost = nullptr;  // nobody needs them, but they are not leaks

scheduler** find_link(scheduler* s) noexcept {
  scheduler** link = &first;
  while (*link != s) link = &(*link)->listed().next;
  return link;
}

scheduler* enter(scheduler* s) noexcept {
  if (s != nullptr) s->listed().visitors.fetch_add(1, std::memory_order_relaxed);
  return s;
}

}  // namespace

void list_scheduler(scheduler& s) noexcept {
  const std::lock_guard guard(list_lock);
  *find_link(nullptr) = &s;
}

void unlist_scheduler(scheduler& s) noexcept {
  auto& visitors = s.listed().visitors;
  for (;;) {
    {
      const std::lock_guard guard(list_lock);
      if (visitors.load(std::memory_order_acquire) == 0) {
        *find_link(&s) = s.listed().next;
        return;
      }
    }
    if (const std::uint32_t n = visitors.load(std::memory_order_relaxed)) futex_wait(visitors, n, steady_time::max());
  }
}

void lock_scheduler_list() noexcept { list_lock.lock(); }
void unlock_scheduler_list() noexcept { list_lock.unlock(); }

void lose_schedulers() noexcept {
  for (scheduler* s = first; s != nullptr; s = s->listed().next) s->lose();
  *find_link(nullptr) = first_lost;
  first_lost = std::exchange(first, nullptr);
}

scheduler* visit_first_scheduler() noexcept {
  const std::lock_guard guard(list_lock);
  return enter(first);
}

// Leaves under the lock: whoever finds the count at zero there may rely on it that nobody touches it any more.
scheduler* visit_next_scheduler(scheduler& s) noexcept {
  const std::lock_guard guard(list_lock);
  scheduler* const next = enter(s.listed().next);
  s.listed().visitors.fetch_sub(1, std::memory_order_release);
  futex_wake_one(s.listed().visitors);
  return next;
}

}  // namespace sluice::detail
