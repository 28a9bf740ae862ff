// once.h - the first call does it, all others find it done.
//
//   once loaded;
//   loaded.call([&] { table = load(); });                    // everybody who needs it
//   auto there = done(loaded);  auto late = after(1s);       // as an event, for those who would not do it themselves
//
// Threads: everything may be called from any fiber or thread; call() blocks while another one's is running.
// Orders:  what the call did is visible to whoever finds it done.
// Cost:    a call that finds it done is one load.
// Keep it alive until every call() has returned, as one does with std::once_flag.
#pragma once

#include <sluice/futures/fired_event.h>
#include <sluice/futures/wait_list.h>
#include <sluice/sync/mutex.h>

#include <functional>
#include <utility>

namespace sluice {

class once_event;

class once {
 public:
  // Calls f(args...) if nobody has done so before without an exception. Throws what f throws, and then the next one tries.
  // Throws cancelled if cancelled while another one's call is running. f may wait; it must not call() this once again.
  template <class F, class... Args>
  void call(F&& f, Args&&... args) {
    if (done_.fired()) return;
    const std::scoped_lock one_at_a_time(mutex_);
    if (done_.fired()) return;
    std::invoke(std::forward<F>(f), std::forward<Args>(args)...);
    done_.fire();
  }
  bool called() const noexcept { return done_.fired(); }

 private:
  friend once_event done(once& o) noexcept;
  mutex mutex_;
  wait_list done_;
};

// The event "it is done". Once it is, it stays ready.
class once_event : public detail::fired_event {
 public:
  using fired_event::fired_event;
  bool spent() const noexcept { return poll(); }
  void describe(wait_listener& l) const noexcept { describe_as("once", l); }
};

inline once_event done(once& o) noexcept { return once_event(o.done_); }

}  // namespace sluice
