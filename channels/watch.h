// watch.h - a value that changes: everybody can see the newest one, and be told that there is a newer one.
//
//   watch<config> current(load());
//   go([seen = current.watcher()]() mutable { while (auto c = seen.changed()) apply(*c); });
//   current.set(reload());                             // who is slow sees only the last of several changes
//
// A watch is a handle: copies refer to the same value.
// T: copied when it is looked at, without a lock; movable without throwing. visit() looks without a copy.
// Threads: everything may be called from any fiber or thread, but a watcher belongs to one party at a time. changed()
//          blocks; the rest does not.
// Orders:  what happened before set() is visible to those who see its value, or a later one.
// Cost:    set allocates once; a look is the lock, a reference count and a copy.
#pragma once

#include <sluice/channels/detail/watch_core.h>
#include <sluice/futures/wait.h>

#include <functional>
#include <optional>
#include <string_view>
#include <utility>

namespace sluice {

template <class T>
class watcher;

// The event "there is a value that this watcher has not seen, or the watch is closed". It borrows the watcher, which must
// outlive it and stay in its place.
template <class T>
class changed_event {
 public:
  using value_type = std::optional<T>;
  explicit changed_event(watcher<T>& w) noexcept : watcher_(&w) {}

  bool poll() noexcept { return core().news_since(watcher_->seen_); }
  bool arm(waiter& w, std::uint32_t index) noexcept { return core().arm(node_, watcher_->seen_, w, index); }
  void disarm() noexcept { core().disarm(node_); }
  // The newest value, which counts as seen unless copying it throws. Empty if the watch is closed and its last value was
  // seen; then it stays so.
  std::optional<T> take() {
    const auto newest = core().newest();
    spent_ = newest.at.closed && newest.at.number == watcher_->seen_;
    if (spent_) return std::nullopt;
    std::optional<T> value(newest.value->get());
    watcher_->seen_ = newest.at.number;
    return value;
  }
  bool spent() const noexcept { return spent_; }
  std::uint64_t look() const noexcept { return core().look(watcher_->seen_); }
  void describe(wait_listener& l) const noexcept {
    l.add(
        {.action = "change of", .kind = "watch", .address = &core(), .name = core().name(), .handles = core().ref_count()});
  }

 private:
  detail::watch_core<T>& core() const noexcept { return *watcher_->core_; }
  watcher<T>* watcher_;
  wait_node node_;
  bool spent_ = false;
};

// Who watches, and how far it has seen. Not to be moved while there is an event of it.
template <class T>
class watcher {
 public:
  using value_type = T;
  explicit watcher(detail::intrusive_ptr<detail::watch_core<T>> core) noexcept
      : core_(std::move(core)), seen_(core_->newest().at.number) {}

  // Blocks until there is a value that this watcher has not seen, and returns the newest. Empty once the watch is closed and
  // its last value was seen. Throws cancelled.
  std::optional<T> changed() {
    changed_event<T> e(*this);
    detail::wait_one(e);
    return e.take();
  }

  // The newest value; it counts as seen.
  T get() {
    const auto newest = core_->newest();
    T value(newest.value->get());
    seen_ = newest.at.number;
    return value;
  }

 private:
  friend class changed_event<T>;
  detail::intrusive_ptr<detail::watch_core<T>> core_;
  std::uint64_t seen_;
};

template <class T>
class watch {
 public:
  using value_type = T;
  explicit watch(T first, std::string_view name = {})
      : core_(core_ptr::adopt(new detail::watch_core<T>(std::move(first), name))) {}

  // Replaces the value and wakes those who wait for a change. False: the watch is closed, and the value is still the
  // caller's.
  bool set(T&& value) const { return core_->set(value); }
  bool set(const T& value) const { return set(T(value)); }

  // A copy of the newest value.
  T get() const { return core_->newest().value->get(); }

  // f(const T&) on the newest value, in place. No lock is held, and a set() meanwhile does not change what f sees; its
  // result is returned by value.
  template <class F>
  auto visit(F&& f) const {
    const auto newest = core_->newest();
    return std::invoke(std::forward<F>(f), newest.value->get());
  }

  // Somebody who has seen the value there is now, and waits for others.
  sluice::watcher<T> watcher() const noexcept { return sluice::watcher<T>(core_); }

  // No more changes; the last value stays. False: it was closed before.
  bool close() const noexcept { return core_->close(); }
  bool closed() const noexcept { return core_->now().closed; }
  // As given; "" if it has none. Lives as long as the watch.
  const char* name() const noexcept { return core_->name(); }
  // Its one value counts as buffered; receivers are those who wait for a change.
  channel_stats stats() const noexcept { return core_->stats(); }

 private:
  using core_ptr = detail::intrusive_ptr<detail::watch_core<T>>;
  core_ptr core_;
};

template <class T>
changed_event<T> changed(watcher<T>& w) noexcept {
  return changed_event<T>(w);
}

}  // namespace sluice
