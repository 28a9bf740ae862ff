#include <sluice/base/check.h>
#include <sluice/select/detail/set_core.h>

#include <mutex>
#include <stdexcept>

namespace sluice::detail {

using guard = std::lock_guard<spinlock>;

set_core::~set_core() {
  SLUICE_CHECK(running_ == nobody, "a select_set was destroyed in one of its own handlers");
  clear();
}

// ---- Members

// Sources may look at slots_ under the lock, so it grows beside it.
std::uint32_t set_core::free_slot() {
  if (!free_.empty()) {
    const std::uint32_t index = free_.back();
    free_.pop_back();
    return index;
  }
  if (slots_.size() == slots_.capacity()) {
    std::vector<std::unique_ptr<set_member>> bigger;
    bigger.reserve(slots_.size() * 2 + 8);
    free_.reserve(bigger.capacity());
    const guard g(lock_);
    for (auto& m : slots_) bigger.push_back(std::move(m));
    slots_.swap(bigger);
  }
  const guard g(lock_);
  slots_.emplace_back();
  return static_cast<std::uint32_t>(slots_.size() - 1);
}

set_core::key set_core::add(std::unique_ptr<set_member> m) {
  const std::uint32_t index = free_slot();
  m->generation_ = ++generation_;
  m->place_.index = index;
  const key k{index, generation_};
  {
    const guard g(lock_);
    slots_[index] = std::move(m);
  }
  ++size_;
  make_ready(index);
  return k;
}

bool set_core::remove(key k) noexcept {
  if (k.index >= slots_.size() || slots_[k.index] == nullptr || member(k.index).generation_ != k.generation) return false;
  if (k.index == done_) return false;
  if (k.index == running_) {
    if (std::exchange(running_removed_, true)) return false;
    --size_;
    return true;
  }
  --size_;
  discard(k.index);
  return true;
}

// Withdraws the event first: then nobody else looks for this member.
void set_core::discard(std::uint32_t index) noexcept {
  if (member(index).armed_) member(index).disarm();
  not_ready(index);
  free_.push_back(index);  // has room: see free_slot()
  slots_[index].reset();
}

void set_core::clear() noexcept {
  done_ = nobody;
  for (std::uint32_t i = 0; i < slots_.size(); ++i)
    if (slots_[i] != nullptr) remove({i, member(i).generation_});
}

// ---- The ready list

void set_core::missed(std::uint32_t event) noexcept {
  if (event == due_timer) return;
  if (wait_node& place = member(event).place_; !place.linked()) ready_.push_again(place);
}

void set_core::make_ready(std::uint32_t index) noexcept {
  const guard g(lock_);
  missed(index);
}

void set_core::not_ready(std::uint32_t index) noexcept {
  const guard g(lock_);
  if (wait_node& place = member(index).place_; place.linked()) wait_queue::unlink(place);
}

wait_node* set_core::next_ready() noexcept {
  const guard g(lock_);
  return ready_.pop();
}

// ---- Deadlines of members: the party that waits keeps only the earliest

void set_core::add(timer_node& node, waiter& w, std::uint32_t index) noexcept {
  node.queue = this;
  node.owner = &w;
  node.index = index;
  deadlines_.push(node);
}

void set_core::remove(timer_node& node) noexcept {
  deadlines_.remove(node);
  node.queue = nullptr;
}

// Whose deadline has passed becomes ready; or, while somebody is attached, wins. False: the wait is decided now.
bool set_core::fire_due_timers() noexcept {
  if (deadlines_.empty()) return true;
  const steady_time now = std::chrono::steady_clock::now();
  while (timer_node* due = deadlines_.first()) {
    if (due->deadline > now) break;
    remove(*due);
    if (due->try_win()) {
      due->finish();
      return false;
    }
  }
  return true;
}

// ---- The set as an event

// What the event does may be the user's: it may remove members, itself included, and throw.
template <class F>
bool set_core::ask(std::uint32_t index, F verb) {
  struct at_the_end {
    set_core& set;
    const std::uint32_t index;
    bool happened = false;
    ~at_the_end() {
      set.running_ = nobody;
      if (std::exchange(set.running_removed_, false))
        set.discard(index);
      else if (happened)
        set.done_ = index;
      else
        set.make_ready(index);
    }
  } last{*this, index};
  running_ = index;
  last.happened = verb(member(index));
  if (last.happened) member(index).armed_ = false;
  return last.happened && !running_removed_;
}

// Once through those that are ready.
bool set_core::poll() {
  if (running_ != nobody) throw std::logic_error("sluice: a select_set is waited for inside one of its own handlers");
  if (done_ != nobody) return true;
  fire_due_timers();
  ++round_;
  while (wait_node* place = next_ready()) {
    const std::uint32_t index = place->index;
    if (std::exchange(member(index).polled_in_, round_) == round_) {
      const guard g(lock_);
      ready_.push_first(*place);
      break;
    }
    if (!ask(index, [](set_member& m) { return m.poll(); })) continue;
    not_ready(index);
    return true;
  }
  return false;
}

// A set within a set may still be attached: then it is asked again in the same wait, or in the next one of the outer set.
bool set_core::arm(waiter& w, std::uint32_t index) noexcept {
  if (done_ != nobody) {
    w.claim_own(index);
    return false;
  }
  if (!attached()) attach(w, index);
  if (!fire_due_timers()) return false;
  while (const wait_node* place = next_ready()) {
    const std::uint32_t i = place->index;
    member(i).armed_ = true;
    if (member(i).arm(*this, i)) continue;
    unarmed_ = i;
    return false;
  }
  if (timer_node* first = deadlines_.first()) {
    forget_earliest();
    earliest_.deadline = first->deadline;
    w.timers().add(earliest_, *this, due_timer);
  }
  return true;
}

void set_core::forget_earliest() noexcept {
  if (timer_queue* const kept_by = std::exchange(earliest_.queue, nullptr)) kept_by->remove(earliest_);
}

// The wait is over. A member whose arm() was refused is not armed, unless it is what has won.
void set_core::settle() noexcept {
  detach();
  forget_earliest();
  const std::uint32_t index = std::exchange(unarmed_, nobody);
  if (index == nobody || index == winner()) return;
  member(index).disarm();  // of several events that act as one, some may be armed
  member(index).armed_ = false;
  const guard g(lock_);
  if (wait_node& place = member(index).place_; !place.linked()) ready_.push_first(place);
}

void set_core::disarm() noexcept { settle(); }

bool set_core::complete() {
  if (done_ != nobody) return true;
  settle();
  const std::uint32_t index = winner();
  if (index == due_timer) return false;
  not_ready(index);
  return ask(index, [](set_member& m) { return m.complete(); });
}

// The owner, who alone changes slots_, waits.
void set_core::describe(wait_listener& l) const noexcept {
  for (const auto& each : slots_)
    if (each != nullptr) each->describe(l);
}

// A member whose handler has run has its next turn after the others.
void set_core::handled() noexcept {
  const std::uint32_t index = std::exchange(running_, nobody);
  const bool removed = std::exchange(running_removed_, false);
  if (!removed && !member(index).spent()) {
    make_ready(index);
  } else {
    if (!removed) --size_;
    discard(index);
  }
}

void set_core::take() {
  if (done_ == nobody) throw std::logic_error("sluice: take() on a select_set of which no event has happened");
  struct at_the_end {
    set_core& set;
    ~at_the_end() { set.handled(); }
  } const last{*this};
  running_ = std::exchange(done_, nobody);
  member(running_).handle();
}

}  // namespace sluice::detail
