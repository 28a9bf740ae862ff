// choice_waiter.h - the waiter on which the alternatives of a choose are armed: it stands for the party that waits.
#pragma once

#include <sluice/futures/proxy_waiter.h>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

namespace sluice::detail {

// What a choose notes about one of its alternatives.
struct alternative_note {
  std::uint64_t seen = 0;  // its look() when it was last looked at
  bool ready = false;      // that said so, and it has not been polled since
  bool armed = false;
  bool missed = false;  // guarded by the waiter's lock_: armed, but the source has dropped it
};

// Notes: an array or a vector of alternative_note.
template <class Notes>
class choice_waiter final : public proxy_waiter {
 public:
  explicit choice_waiter(Notes n) : notes_(std::move(n)) {}
  // A copy is a new waiter, which nothing is armed on.
  choice_waiter(const choice_waiter& other) : choice_waiter(other.notes_) {}
  choice_waiter(choice_waiter&& other) noexcept : choice_waiter(std::move(other.notes_)) {}
  choice_waiter& operator=(choice_waiter other) noexcept {
    notes_ = std::move(other.notes_);
    return *this;
  }

  alternative_note& operator[](std::size_t i) noexcept { return notes_[i]; }
  std::size_t size() const noexcept { return notes_.size(); }

  bool take_missed(std::size_t i) noexcept {
    const std::lock_guard guard(lock_);
    return std::exchange(notes_[i].missed, false);
  }

 private:
  void missed(std::uint32_t event) noexcept override { notes_[event].missed = true; }

  Notes notes_;
};

}  // namespace sluice::detail
