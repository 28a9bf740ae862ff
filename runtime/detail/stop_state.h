// stop_state.h - whether a fiber was ever told to stop, and the std::stop_source for those who want to hear of it.
//
// The waiter's stop request is used up by the wait it ends; this is the memory of it. One word: nothing, asked, or a source,
// which is made when it is first wanted.
// Threads: token() on the fiber; request() and request_later() from anywhere, by one who keeps the fiber alive.
// Orders: what happened before a request is visible to whoever sees the token stopped.
#pragma once

#include <sluice/base/intrusive_ptr.h>
#include <sluice/runtime/detail/sanitizers.h>

#include <atomic>
#include <cstdint>
#include <stop_token>

namespace sluice::detail {

class stop_state {
 public:
  struct source final : ref_counted {
    std::stop_source stop;
    source* next_asked = nullptr;  // for the one who asked first
  };

  stop_state() = default;
  stop_state(const stop_state&) = delete;
  stop_state& operator=(const stop_state&) = delete;
  ~stop_state() {
    if (source* s = as_source(word_.load(std::memory_order_acquire))) s->release();
  }

  // std::bad_alloc, the first time.
  std::stop_token token();

  // Runs the callbacks that are registered with the token.
  void request() noexcept;

  // Leaves the callbacks to the caller: returns the source to be asked, with a reference, if there is one that was not asked
  // before.
  source* request_later() noexcept;
  // Runs the callbacks of a source that request_later() has returned.
  static void tell(source& s) noexcept;

 private:
  enum : std::uintptr_t { nothing = 0, asked = 1 };
  static source* as_source(std::uintptr_t word) noexcept { return word > asked ? reinterpret_cast<source*>(word) : nullptr; }
  std::atomic<std::uintptr_t> word_{nothing};
};

}  // namespace sluice::detail
