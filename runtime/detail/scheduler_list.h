// scheduler_list.h - the schedulers of the process, for those who report on all of them.
//
// Threads: any. A scheduler that is visited stays until the visit is over; others come and go meanwhile.
#pragma once

#include <atomic>
#include <cstdint>

namespace sluice::detail {

class scheduler;

struct listed_scheduler {
  scheduler* next = nullptr;                // guarded, with the count's rise from zero, by the list
  std::atomic<std::uint32_t> visitors = 0;  // while there are any, it stays
};

void list_scheduler(scheduler& s) noexcept;
// Blocks until nobody visits it.
void unlist_scheduler(scheduler& s) noexcept;

// For fork(): meanwhile nobody enters, comes or goes.
void lock_scheduler_list() noexcept;
void unlock_scheduler_list() noexcept;
// In the child, under that lock: all are lost, and none is listed any more.
void lose_schedulers() noexcept;

// The oldest; null if there is none. Enters it.
scheduler* visit_first_scheduler() noexcept;
// Enters the next one, null if there is none, and leaves this one.
scheduler* visit_next_scheduler(scheduler& s) noexcept;

}  // namespace sluice::detail
