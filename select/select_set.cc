#include <sluice/futures/wait.h>
#include <sluice/select/select_set.h>

#include <array>

namespace sluice {

namespace {

class limit {
 public:
  using value_type = void;
  explicit limit(detail::steady_time t) noexcept : at_(t) {}
  bool poll() const noexcept { return std::chrono::steady_clock::now() >= at_; }
  bool arm(waiter& w, std::uint32_t index) noexcept {
    armed_.arm(at_, w, index);
    return true;
  }
  void disarm() noexcept { armed_.disarm(); }
  void take() const noexcept {}
  void describe(wait_listener& l) const noexcept { l.add({.kind = "timer"}); }

 private:
  detail::steady_time at_;
  detail::armed_deadline armed_;
};

}  // namespace

bool select_set::wait() {
  if (size() == 0) return false;
  detail::wait_one(*this);
  take();
  return true;
}

bool select_set::wait_until(std::chrono::steady_clock::time_point t) {
  if (size() == 0) return false;
  limit no_later(t);
  const std::array events{detail::event_ref(*this), detail::event_ref(no_later)};
  if (detail::wait_any(events, detail::order::in_order) != 0) return false;
  take();
  return true;
}

bool select_set::try_wait() {
  if (size() == 0 || !poll()) return false;
  take();
  return true;
}

}  // namespace sluice
