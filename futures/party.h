// party.h - a waiter that runs code and stops in the middle of it: a fiber or a thread, and what it carries along.
#pragma once

#include <sluice/base/futex.h>
#include <sluice/base/random.h>
#include <sluice/futures/wait_source.h>
#include <sluice/futures/waiter.h>

#include <cstdint>

namespace sluice {

namespace detail {
class local_node;
class value_node;
}  // namespace detail

class party : public waiter {
 public:
  // The calling fiber, else the calling thread.
  static party& current() noexcept;

  // Parks until the wait is settled, and returns the winning index (perhaps cancelled_index or expired_index). `what` is
  // waited for, in words for others; it stays until this returns.
  std::uint32_t await(detail::wait_description what = {}) noexcept {
    if (!settled()) {
      waits_for_ = what;
      ++wait_number_;
      if (deadline_ == detail::steady_time::max())
        park();
      else
        park_until_deadline();
    }
    return decided_for();
  }

  // What the current wait is for. Requires that the party cannot leave it meanwhile.
  const detail::wait_description& waits_for() const noexcept { return waits_for_; }
  // How many waits have blocked: while that stays the same and it waits, it is the same wait.
  std::uint32_t wait_number() const noexcept { return wait_number_; }

  // For messages: "fiber 'reader', started at main.cc:12"; "a thread". Usable in a signal handler.
  struct introduction {
    char text[256];
  };
  virtual introduction introduce() const noexcept { return {"a thread"}; }

  // Its address, and 16 bits that differ from those of a later party there: to be compared, for reports.
  std::uint64_t identity() const noexcept { return reinterpret_cast<std::uintptr_t>(this) | std::uint64_t{tag_} << 48; }

  detail::random_source& random() noexcept { return random_; }

  // While shielded (counted), no wait of this party is cancelled; a request stays pending.
  void add_shield() noexcept { ++shields_; }
  void remove_shield() noexcept { --shields_; }
  bool is_shielded() const noexcept { return shields_ > 0; }

  // No wait of this party blocks beyond this.
  detail::steady_time deadline() const noexcept { return deadline_; }
  void set_deadline(detail::steady_time t) noexcept { deadline_ = t; }

  // What the fibers that this party starts get to see as well (runtime/context_key.h). Only the pointer is kept here.
  detail::value_node* values() const noexcept { return values_; }
  void set_values(detail::value_node* innermost) noexcept { values_ = innermost; }

  // What is its own (runtime/fiber_local.h), the newest first; likewise.
  detail::local_node* locals() const noexcept { return locals_; }
  void set_locals(detail::local_node* newest) noexcept { locals_ = newest; }

 protected:
  explicit party(std::uint64_t seed) noexcept
      : random_(seed), tag_(static_cast<std::uint16_t>(random_.next())) {}  // of its random choices
  ~party() = default;

 private:
  // Leaves the processor, calls commit_park() when the frame may be resumed by others, and returns after wake(), or at
  // once if commit_park() says so.
  virtual void park() noexcept = 0;
  void park_until_deadline() noexcept;

  detail::random_source random_;
  const std::uint16_t tag_;
  std::uint16_t shields_ = 0;
  detail::steady_time deadline_ = detail::steady_time::max();
  detail::value_node* values_ = nullptr;
  detail::wait_description waits_for_;  // while it is parked
  detail::local_node* locals_ = nullptr;
  std::uint32_t wait_number_ = 0;
};

namespace detail {

// Makes a party the calling thread's current one (null: the thread itself). For runtimes.
party*& current_party_slot() noexcept;

}  // namespace detail
}  // namespace sluice
