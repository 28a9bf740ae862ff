#include <sluice/runtime/detail/scheduler.h>
#include <sluice/runtime/detail/snapshot.h>
#include <sluice/runtime/detail/thread_backtrace.h>

#include <algorithm>
#include <map>
#include <new>
#include <span>

namespace sluice::detail {

namespace {

constexpr auto patience = std::chrono::milliseconds(100);

}  // namespace

class snapshot_taker {
 public:
  explicit snapshot_taker(scheduler& s) : scheduler_(s) {
    taken_.workers = s.worker_count_;
    taken_.stacks.emplace_back();
  }

  runtime_snapshot take() {
    {
      const in_scheduler looking;
      taken_.stacks_seen = scheduler_.fibers_.inspect(
          [this](fiber& f) {
            note(f, !f.stack_        ? fiber_snapshot::not_begun
                    : f.is_waiting() ? fiber_snapshot::waiting
                                     : fiber_snapshot::ready);
          },
          [this](fiber& f) { note(f, fiber_snapshot::running); });
    }
    const auto runs = [](const fiber_snapshot& f) { return f.state == fiber_snapshot::running; };
    if (std::any_of(taken_.fibers.begin(), taken_.fibers.end(), runs)) ask_workers();
    return std::move(taken_);
  }

 private:
  // With the fiber held, or under a lock: nothing leaves it.
  void note(fiber& f, fiber_snapshot::kind state) noexcept {
    try {
      auto& noted = taken_.fibers.emplace_back(fiber_snapshot{.state = state, .number = f.number_, .name = f.given_name()});
      if (state == fiber_snapshot::ready || state == fiber_snapshot::waiting)
        noted.stack = number_of(walk_parked(f.exec_.sp, f.stack_));
    } catch (const std::bad_alloc&) {
      taken_.complete = false;
    }
  }

  std::size_t number_of(const backtrace& calls) {
    const auto frames = calls.frames();
    if (frames.empty()) return 0;
    const auto [at, added] = numbers_.try_emplace({frames.begin(), frames.end()}, taken_.stacks.size());
    if (added) taken_.stacks.push_back(at->first);
    return at->second;
  }

  void ask_workers() {
    std::map<std::uint64_t, fiber_snapshot*> running;
    for (fiber_snapshot& f : taken_.fibers)
      if (f.state == fiber_snapshot::running) running.emplace(f.number, &f);
    for (std::size_t i = 0; i < scheduler_.workers_made(); ++i) {
      worker& w = *scheduler_.workers_[i];
      if (w.spare_ && !w.at_work_.load(std::memory_order_relaxed)) continue;
      const running_stack s = stack_of(w, patience);
      if (s.what != running_stack::in_fiber) continue;
      const auto found = running.find(s.number);
      if (found != running.end()) found->second->stack = number_of(s.calls);
    }
  }

  scheduler& scheduler_;
  runtime_snapshot taken_;
  std::map<std::vector<std::uintptr_t>, std::size_t> numbers_;
};

runtime_snapshot take_snapshot(scheduler& s) { return snapshot_taker(s).take(); }

}  // namespace sluice::detail
