#include <sluice/runtime/detail/carriers.h>
#include <sluice/runtime/detail/local_node.h>
#include <sluice/runtime/detail/scheduler.h>

#include <mutex>
#include <stdexcept>
#include <utility>

namespace sluice::detail {

namespace {

using lock_guard = std::lock_guard<spinlock>;
constexpr int turns = 32;  // coroutines that run in a row before other fibers have their turn, and the clock is looked at

}  // namespace

class carrier final : public fiber {
 public:
  // It runs what others have spawned: nothing of the one who happens to make it is passed on.
  explicit carrier(carriers& c, scheduler& s)
      : fiber(s, {.name = "coroutines", .inherit_deadline = false}, {}, party::current()), carriers_(c) {
    drop_values();
  }

 private:
  friend class carriers;
  ~carrier() override = default;

  void run() noexcept override {
    for (int turn = 1; coroutine_waiter* const c = carriers_.take(*this); ++turn) {
      c->resume();
      if (turn % turns == 0) carriers_.let_others_go_first(*this);
    }
    local_node::destroy_all(*this);
  }
  // On the reserve stack for want of another: coroutines are waiting all the same. But it does not stay there, where others
  // stand in line.
  void refuse(std::exception_ptr) noexcept override {
    passes_by_ = true;
    run();
  }
  void dismiss() noexcept override { delete this; }
  bool carries_tasks() const noexcept override { return true; }

  carriers& carriers_;
  wait_node idle_;
  bool arrived_ = false;
  bool passes_by_ = false;
};

carriers::~carriers() {
  if (spare_ != nullptr) spare_->dismiss();
}

void carriers::post(coroutine_waiter& c) noexcept {
  posting_.fetch_add(1, std::memory_order_relaxed);  // seen by the runtime's end, which comes after c has run
  summoned who;
  {
    const lock_guard guard(lock_);
    ready_.push(c);
    who = summon();
  }
  set_going(who);
  posting_.fetch_sub(1, std::memory_order_release);
}

bool carriers::withdraw(coroutine_waiter& c) noexcept {
  const lock_guard guard(lock_);
  return ready_.remove(c);
}

carriers::summoned carriers::summon() noexcept {
  if (coming_ > 0) return {};
  if (wait_node* const idle = idle_.pop_won()) {
    --idle_count_;
    ++coming_;
    return {.idle = idle};
  }
  if (spare_ == nullptr) return {};
  ++coming_;
  wants_spare_.store(true, std::memory_order_relaxed);
  return {.fresh = std::exchange(spare_, nullptr)};
}

void carriers::set_going(const summoned& who) noexcept {
  if (who.idle != nullptr) who.idle->finish();
  if (who.fresh != nullptr && !scheduler_.spawn(*who.fresh)) who.fresh->dismiss();
}

void carriers::prepare() {
  if (!wants_spare_.load(std::memory_order_relaxed)) return;
  auto* fresh = new carrier(*this, scheduler_);
  {
    const lock_guard guard(lock_);
    if (spare_ == nullptr) std::swap(spare_, fresh);
    wants_spare_.store(false, std::memory_order_relaxed);
  }
  if (fresh != nullptr) fresh->dismiss();
}

// If there is no memory for another one, those that are there will do.
void carriers::refill() noexcept {
  try {
    prepare();
  } catch (const std::bad_alloc&) {}
}

coroutine_waiter* carriers::take(carrier& self) noexcept {
  scheduler_.check_not_lost(
      "the task that called fork() waits, or has returned; a child process has to end by exec or _exit");
  refill();
  for (bool arrives = !std::exchange(self.arrived_, true);; arrives = true) {
    summoned next;
    coroutine_waiter* c;
    {
      const lock_guard guard(lock_);
      if (arrives) --coming_;
      c = ready_.pop();
      if (c != nullptr) {
        if (!ready_.empty()) next = summon();
      } else {
        if (done() || idle_count_ > scheduler_.worker_count_ || (self.passes_by_ && spare_ != nullptr)) return nullptr;
        self.open();
        idle_.push(self.idle_, self, 0);
        ++idle_count_;
      }
    }
    if (c != nullptr) {
      set_going(next);
      if (worker::current()->wheel().next_deadline() != steady_time::max()) scheduler_.monitor_.notice();
      return c;
    }
    self.add_shield();
    self.await();
    self.remove_shield();
  }
}

// It looks again when it is back, so nobody else is sent for meanwhile: there would be one more each time.
void carriers::let_others_go_first(carrier& self) noexcept {
  {
    const lock_guard guard(lock_);
    ++coming_;
  }
  self.arrived_ = false;
  worker::current()->yield(self);
}

// ---- Tasks

bool carriers::enter(task_chain& t) {
  prepare();
  const lock_guard guard(tasks_lock_);
  task_count_.fetch_add(
      1, std::memory_order_seq_cst);  // before the look at closed_, as shut_down() looks after it has set that
  if (scheduler_.closed_.load(std::memory_order_seq_cst)) {
    task_count_.fetch_sub(1, std::memory_order_seq_cst);
    throw std::logic_error("sluice: spawn() on a runtime that has ended");
  }
  if (stopping_.load(std::memory_order_seq_cst)) t.request_stop(waiter::always);
  tasks_.add(t);
  return true;
}

void carriers::leave(task_chain& t) noexcept {
  posting_.fetch_add(1, std::memory_order_relaxed);
  {
    const lock_guard guard(tasks_lock_);
    tasks_.remove(t);
    task_count_.fetch_sub(1, std::memory_order_seq_cst);
  }
  if (done()) dismiss_idle();
  posting_.fetch_sub(1, std::memory_order_release);
}

void carriers::stop() noexcept {
  stopping_.store(true, std::memory_order_seq_cst);
  coroutine_queue decided;
  {
    const lock_guard guard(tasks_lock_);
    tasks_.for_each([&decided](task_chain& t) {
      if (t.request_stop(waiter::always)) decided.push(t);  // parked, and only we may wake it: the link is ours
    });
  }
  while (coroutine_waiter* const c = decided.pop()) c->wake();
  if (done()) dismiss_idle();
}

void carriers::dismiss_idle() noexcept {
  won_chain all;
  {
    const lock_guard guard(lock_);
    while (wait_node* const idle = idle_.pop_won()) {
      all.push(*idle);
      ++coming_;
    }
    idle_count_ = 0;
  }
  all.finish_all();
}

void carriers::wait_for_posters() const noexcept {
  for (spin_wait spin; posting_.load(std::memory_order_acquire) != 0;) spin.once();
}

std::shared_ptr<const error_handler> carriers::unobserved_error() const noexcept { return scheduler_.unobserved_error(); }

// ---- Timers

timer_queue& carriers::timers() noexcept {
  worker* const here = worker::current();
  if (here != nullptr && &here->owner() == &scheduler_) return here->wheel();
  return remote_timers_;
}

// A worker that is about to sleep has put itself on the idle list before it looks at its wheel, so it sees the timer or is
// woken; one that is busy may not get to look: that is what the monitor is for. It is woken whatever its wheel said before:
// what was the earliest deadline then may have been fired since, and it sleeps without one.
void carriers::remote_timers::add(timer_node& node, waiter& w, std::uint32_t index) noexcept {
  worker& keeper = scheduler_.next_home();
  keeper.wheel().add(node, w, index);
  const in_scheduler inside;
  scheduler_.wake_idle(&keeper);
  scheduler_.monitor_.notice_arrival();
}

}  // namespace sluice::detail
