// contention_meter.h - whether a worker meets the others in locks so often that it would be better alone.
//
// Fibers that pass messages all the time cost each other a cache miss for each, and more, when they are on two processors:
// 42 ns a message on one, 77 on two. They find a lock taken 30 to 350 times a millisecond. So do, at times, those that work
// for 2 us between their messages and gain from a second processor (up to 60 times); but those wait less often. What counts
// are rates, averaged over some milliseconds: a burst says nothing.
#pragma once

#include <sluice/futures/timer_queue.h>

#include <chrono>
#include <cstdint>

namespace sluice::detail {

class contention_meter {
 public:
  // How often it has found a lock taken, and switched, since ever. True if the former is too often; then it begins anew.
  bool update(steady_time now, std::uint32_t found_taken, std::uint64_t switches) noexcept {
    const auto passed = now - since_;
    if (passed < window) return false;
    const double windows = passed / std::chrono::duration<double>(window);
    taken_.add((found_taken - seen_taken_) / windows);
    switched_.add(static_cast<double>(switches - seen_switches_) / windows);
    since_ = now;
    seen_taken_ = found_taken;
    seen_switches_ = switches;
    if (taken_.value < (switched_.value < many_switches ? too_often_at_work : too_often)) return false;
    taken_.value = 0;
    return true;
  }

  static constexpr std::chrono::milliseconds window{1};
  static constexpr double too_often = 28, many_switches = 40, too_often_at_work = 80;

 private:
  struct average {
    double value = 0;
    void add(double newest) noexcept { value += (newest - value) / 16; }
  };
  steady_time since_{};
  std::uint32_t seen_taken_ = 0;
  std::uint64_t seen_switches_ = 0;
  average taken_, switched_;
};

}  // namespace sluice::detail
