// Linked with lock_check.cc: a fiber that waits with a std::mutex locked is told of, once, and no other.
#include "tests/support/child.h"
#include "tests/support/harness.h"

#include <mutex>
#include <shared_mutex>
#include <string>

using namespace std::chrono_literals;

namespace {

long times(const std::string& text, const std::string& what) {
  long n = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

[[gnu::noinline]] int waits_locked(std::mutex& m, const sluice::channel<int>& c) {
  const std::scoped_lock careless(m);
  return c.recv().value();
}

}  // namespace

CHILD_PROGRAM(careless) {
  return sluice::run(test::with_workers(2), [] {
    static std::mutex m;
    sluice::channel<int> c;
    auto f = sluice::go(sluice::launch{.name = "careless", .pinned = true}, [=] {
      int sum = 0;
      for (int i = 0; i < 5; ++i) sum += waits_locked(m, c);
      return sum;
    });
    for (int i = 0; i < 5; ++i) {
      sluice::this_fiber::sleep_for(2ms);
      c.send(1);
    }
    return f.get() - 5;
  });
}
CHILD_PROGRAM(careless_with_two) {
  return sluice::run(test::with_workers(1), [] {
    std::shared_mutex a;
    std::mutex b;
    const std::shared_lock first(a);
    const std::unique_lock second(b, std::try_to_lock);
    sluice::this_fiber::sleep_for(1ms);
    return 0;
  });
}
CHILD_PROGRAM(careful) {
  return sluice::run(test::with_workers(2), [] {
    static std::mutex m;
    static sluice::mutex ours;
    std::vector<sluice::future<void>> all;
    for (int i = 0; i < 10; ++i)
      all.push_back(sluice::go([] {
        for (int k = 0; k < 100; ++k) {
          {
            const std::scoped_lock short_one(m);
          }
          const std::scoped_lock over_a_wait(ours);
          sluice::this_fiber::sleep_for(10us);
        }
      }));
    test::join(all);
    sluice::blocking([] {
      const std::scoped_lock on_a_thread(m);
      sluice::this_fiber::sleep_for(1ms);
    }).get();
    return 0;
  });
}

TEST_CASE("a fiber that waits with a std::mutex locked: who, where it was locked, where it waits; once") {
  if (test::sanitized) return;  // their own functions stand in front of the C library's
  const auto e = test::start_child("careless");
  CAPTURE(e.error_output);
  CHECK(e.status == 0);
  CHECK(times(e.error_output, "waits while it holds a lock") == 1);
  CHECK(times(e.error_output, "sluice: fiber 'careless', started at ") == 1);
  CHECK(times(e.error_output, "waits_locked") >= 2);
}

TEST_CASE("several locks, of other kinds") {
  if (test::sanitized) return;
  const auto e = test::start_child("careless_with_two");
  CAPTURE(e.error_output);
  CHECK(e.status == 0);
  CHECK(times(e.error_output, "waits while it holds a lock") == 2);
}

TEST_CASE("who unlocks before it waits, or waits with the library's mutex, or on a thread, is not told of") {
  const auto e = test::start_child("careful");
  CAPTURE(e.error_output);
  CHECK(e.status == 0);
  CHECK(e.error_output.empty());
}
