#include <sluice/futures/cancelled.h>
#include <sluice/futures/shield.h>
#include <sluice/futures/wait.h>
#include <sluice/runtime/detail/nursery.h>

#include <mutex>
#include <stdexcept>

namespace sluice::detail {

// Ready when no child is left, or (`or_stopping`) when those that are left were asked to stop.
class nursery::settled_event {
 public:
  using value_type = void;
  settled_event(nursery& n, bool or_stopping) noexcept : nursery_(n), or_stopping_(or_stopping) {}

  bool poll() noexcept {
    const std::lock_guard guard(nursery_.lock_);
    return settled();
  }
  bool arm(waiter& w, std::uint32_t index) noexcept {
    {
      const std::lock_guard guard(nursery_.lock_);
      if (!settled()) {
        nursery_.owner_.push(node_, w, index);
        return true;
      }
    }
    w.claim_own(index);
    return false;
  }
  void disarm() noexcept {
    const std::lock_guard guard(nursery_.lock_);
    if (node_.linked()) wait_queue::unlink(node_);
  }
  void take() noexcept {}
  void describe(wait_listener& l) const noexcept {
    const std::unique_lock guard(nursery_.lock_, std::try_to_lock);  // not waited for: see waiter::hold_wait()
    wait_source s{.kind = "children", .address = &nursery_};
    if (guard.owns_lock()) {
      s.amount = nursery_.population_;
      s.unit = "to go";
    }
    l.add(s);
  }

 private:
  bool settled() const noexcept { return nursery_.population_ == 0 || (or_stopping_ && nursery_.stopping_); }
  nursery& nursery_;
  const bool or_stopping_;
  wait_node node_;
};

// ---- Children

namespace {

enum class ending { well, told_to_stop, out_of_time, failed };

ending how_it_ended(const std::exception_ptr& error) noexcept {
  if (error == nullptr) return ending::well;
  try {
    std::rethrow_exception(error);
  } catch (const deadline_exceeded&) {
    return ending::out_of_time;
  } catch (const cancelled&) {
    return ending::told_to_stop;
  } catch (...) {
    return ending::failed;
  }
}

}  // namespace

void child::born(ref_counted& state, fiber& f) noexcept {
  state_ = &state;
  fiber_ = &f;
  bool too_late = false;
  {
    const std::lock_guard guard(home_.lock_);
    number_ = home_.births_++;
    ++home_.population_;
    too_late = home_.stopping_;
    (too_late ? home_.asked_ : home_.unasked_).append(*this);
  }
  if (too_late) f.ask_to_stop();
}

// A child out of time fails if it is the first: its deadline need not be the owner's. When all are stopping anyway, it says
// no more than cancelled does.
void child::done(const std::exception_ptr& error) noexcept {
  const ending how = how_it_ended(error);
  const bool race = home_.when_ == nursery::stops_at::first_completion;
  wait_node* owner = nullptr;
  bool begins = false;
  {
    const std::lock_guard guard(home_.lock_);
    unlink();
    if (home_.first_done_ == nursery::nobody) home_.first_done_ = number_;
    const bool failed = how == ending::failed || (how == ending::out_of_time && !home_.stopping_);
    begins = (race || failed) && !home_.stopping_;
    if (begins) owner = home_.begin_to_stop();
    if (failed && !race) {
      state_->add_ref();
      error_ = error;
      home_.failed_.append(*this);
    }
  }
  if (owner != nullptr) owner->finish();
  if (begins) home_.ask_all();
  party::current().add_shield();  // who took it off the list before may ask it yet, while its captures are destroyed
}

// ---- The nursery

nursery::~nursery() {
  if (!joined_) {
    cancel();
    await_all();
  }
  while (!failed_.alone()) {
    auto& c = static_cast<child&>(*failed_.next);
    c.unlink();
    c.state_->release();
  }
}

void nursery::ended() noexcept {
  wait_node* owner = nullptr;
  {
    const std::lock_guard guard(lock_);
    if (--population_ == 0) owner = owner_.pop_won();
  }
  if (owner != nullptr) owner->finish();
}

void nursery::check_open() const {
  if (joined_) throw std::logic_error("sluice: go() in a scope that is joined already");
}

// With the lock held. Returns the owner if it is to be woken.
wait_node* nursery::begin_to_stop() noexcept {
  stopping_ = true;
  return owner_.pop_won();
}

// Several may be at it at once: each child is asked by one of them.
void nursery::ask_all() noexcept {
  for (;;) {
    child* c = nullptr;
    {
      const std::lock_guard guard(lock_);
      if (unasked_.alone()) return;
      c = &static_cast<child&>(*unasked_.next);
      c->unlink();
      asked_.append(*c);
      c->state_->add_ref();
    }
    c->fiber_->ask_to_stop();
    c->state_->release();
  }
}

void nursery::cancel() noexcept {
  wait_node* owner = nullptr;
  {
    const std::lock_guard guard(lock_);
    if (!stopping_) owner = begin_to_stop();
    unasked_.append_all_of(asked_);
  }
  if (owner != nullptr) owner->finish();
  ask_all();
}

void nursery::await_all() noexcept {
  const shield to_the_end;
  settled_event empty(*this, false);
  wait_one(empty);
  joined_ = true;
}

void nursery::join() {
  try {
    settled_event settled(*this, true);
    wait_one(settled);
  } catch (const cancelled&) {
    cancel();
    await_all();
    throw;
  }
  await_all();
}

std::exception_ptr nursery::take_error() noexcept {
  if (failed_.alone()) return nullptr;
  auto& c = static_cast<child&>(*failed_.next);
  c.unlink();
  c.error_was_seen_ = true;
  std::exception_ptr error = std::move(c.error_);
  c.state_->release();
  return error;
}

}  // namespace sluice::detail
