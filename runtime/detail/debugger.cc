#include <sluice/runtime/detail/debugger.h>
#include <sluice/runtime/detail/scheduler.h>

#include <cstddef>

#pragma GCC diagnostic ignored "-Winvalid-offsetof"  // well-defined in both compilers, as long as no base is virtual

namespace sluice::detail {

struct debugger_access {
  static constexpr debugger_view view() noexcept {
    return {
        .version = 1,
        .first = nullptr,
        .entry = &worker::fiber_main,
        .next_scheduler = offsetof(scheduler, listed_) + offsetof(listed_scheduler, next),
        .worker_count = offsetof(scheduler, worker_count_),
        .workers = offsetof(scheduler, workers_),
        .workers_made = offsetof(scheduler, made_),
        .shard_count = offsetof(scheduler, fibers_) + offsetof(registry, count_),
        .shards = offsetof(scheduler, fibers_) + offsetof(registry, shards_),
        .shard_size = sizeof(registry::shard),
        .first_fiber = offsetof(registry::shard, first),
        .thread_id = offsetof(worker, thread_id_),
        .current_fiber = offsetof(worker, running_),
        .next_fiber = offsetof(fiber, next_registered_),
        .number = offsetof(fiber, number_),
        .name = offsetof(fiber, name_),
        .stack_pointer = offsetof(fiber, exec_) + offsetof(execution, sp),
        .is_running = offsetof(fiber, running_),
        .stack_bottom = offsetof(fiber, stack_) + offsetof(stack, bottom),
        .stack_size = offsetof(fiber, stack_) + offsetof(stack, size),
    };
  }
};

}  // namespace sluice::detail

[[gnu::used]] constinit sluice::detail::debugger_view sluice_for_debuggers = sluice::detail::debugger_access::view();
