#include <sluice/futures/detail/collector.h>

#include <algorithm>
#include <mutex>
#include <vector>

namespace sluice::detail {

using guard = std::lock_guard<spinlock>;

collector::collector(std::size_t n) : slots_(std::make_unique<slot[]>(n)) {}

void collector::add(shared_state_base& state) noexcept {
  slot& s = slots_[added_++];
  s.owner = this;
  s.state = intrusive_ptr<shared_state_base>::share(&state);
  ++left_;
}

// Some were ready before they were armed, others have joined while the rest was being armed: all of them are put in order by
// the time at which they became ready. Who joins after that became so later, or at the same time.
void collector::start() {
  std::vector<slot*> ready;
  ready.reserve(added_);
  for (; armed_ < added_; ++armed_) {
    slot& s = slots_[armed_];
    if (!s.state->waiting().arm(s.node, s, 0)) ready.push_back(&s);
  }
  const std::size_t not_joined = ready.size();
  {
    const guard g(lock_);
    for (slot* s = first_; s != nullptr; s = s->next) ready.push_back(s);
    first_ = nullptr;
    last_ = &first_;
  }
  std::stable_sort(ready.begin(), ready.end(), [](const slot* a, const slot* b) {
    return a->state->waiting().fired_at() < b->state->waiting().fired_at();
  });
  const guard g(lock_);
  slot* const later = std::exchange(first_, nullptr);
  slot** const last = std::exchange(last_, &first_);
  for (slot* s : ready) append(*s);
  if (later != nullptr) {
    *last_ = later;
    last_ = last;
  }
  joined_ += not_joined;
}

// Whoever has won a slot is about to join the line, as soon as it has finished those it won before.
collector::~collector() {
  std::size_t withdrawn = 0;
  for (std::size_t i = 0; i < armed_; ++i) withdrawn += slots_[i].state->waiting().disarm(slots_[i].node) ? 1 : 0;
  const auto all_settled = [&] {
    const guard g(lock_);
    return joined_ + withdrawn == armed_;
  };
  for (spin_wait spin; !all_settled();) spin.once();
}

void collector::append(slot& s) noexcept {
  s.next = nullptr;
  *last_ = &s;
  last_ = &s.next;
}

// The last touch of the collector is the release of the lock: its owner may have what it waits for, and go.
void collector::join(slot& s) noexcept {
  wait_node* reader = nullptr;
  {
    const guard g(lock_);
    append(s);
    ++joined_;
    reader = reader_.pop_won();
  }
  if (reader != nullptr) reader->finish();
}

bool collector::take_first() noexcept {
  if (first_ == nullptr) return false;
  taken_ = first_;
  first_ = first_->next;
  if (first_ == nullptr) last_ = &first_;
  return true;
}

bool collector::poll() noexcept {
  if (taken_ != nullptr || left_ == 0) return true;
  const guard g(lock_);
  return take_first();
}

bool collector::arm(waiter& w, std::uint32_t index) noexcept {
  const guard g(lock_);
  const bool now = first_ != nullptr || taken_ != nullptr || left_ == 0;
  if (now)
    w.claim_own(index);
  else
    reader_.push(reading_, w, index);
  return !now;
}

void collector::disarm() noexcept {
  const guard g(lock_);
  if (reading_.linked()) wait_queue::unlink(reading_);
}

std::optional<std::size_t> collector::take() noexcept {
  if (taken_ == nullptr) return std::nullopt;
  --left_;
  return static_cast<std::size_t>(std::exchange(taken_, nullptr) - slots_.get());
}

}  // namespace sluice::detail
