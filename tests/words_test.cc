// What is said when something goes wrong in a handler, in a callback, or where nobody can catch it: what, who and where.
#include "tests/support/child.h"
#include "tests/support/harness.h"

#include <sluice/runtime/detail/scheduler.h>

#include <memory>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

CHILD_PROGRAM(handler_throws) {
  auto options = test::with_workers(2);
  options.unobserved_error = [](const std::exception_ptr&) { throw std::runtime_error("the handler's own"); };
  return sluice::run(options, [] {
    sluice::go(sluice::launch{.name = "reader"}, [] { throw std::runtime_error("disk on fire"); });
    sluice::this_fiber::sleep_for(20ms);
    return 0;
  });
}
TEST_CASE("an error handler that throws: its error is told, and the one it was to handle") {
  const auto e = test::start_child("handler_throws");
  CAPTURE(e.error_output);
  CHECK(e.status == 0);
  CHECK(says(e, "in the handler unobserved_error: the handler's own"));
  CHECK(says(e, "in fiber 'reader', started at "));
  CHECK(says(e, "words_test.cc:"));
  CHECK(says(e, "disk on fire"));
}

CHILD_PROGRAM(callback_throws) {
  return sluice::run(test::with_workers(2), [] {
    sluice::promise<int> p;
    auto f = p.get_future();
    f.on_ready([](const sluice::outcome<int>&) { throw std::runtime_error("called back"); }).detach();
    sluice::go(sluice::launch{.name = "fulfiller"}, [&] { p.set_value(1); }).get();
    return f.get() - 1;
  });
}
TEST_CASE("a callback that throws") {
  const auto e = test::start_child("callback_throws");
  CAPTURE(e.error_output);
  CHECK(e.status == 0);
  CHECK(says(e, "in a callback of on_ready, called by fiber 'fulfiller', started at "));
  CHECK(says(e, ": called back"));
}

CHILD_PROGRAM(other_handlers_throw) {
  auto options = test::with_workers(2);
  options.leak_limit = 1ms;
  options.on_leak = [](const sluice::leak_report&) { throw std::runtime_error("leaky"); };
  sluice::run(options, [] {
    sluice::go([] { sluice::channel<int>().recv(); });
    sluice::this_fiber::sleep_for(50ms);
  });
  return 0;
}
TEST_CASE("on_leak that throws") {
  const auto e = test::start_child("other_handlers_throw");
  CAPTURE(e.error_output);
  CHECK(e.status == 0);
  CHECK(says(e, "in the handler on_leak: leaky"));
}

CHILD_PROGRAM(job_error) {
  return sluice::run(test::with_workers(1), [] {
    {
      auto dropped = sluice::blocking([] { throw std::runtime_error("no such file"); });
    }
    sluice::this_fiber::sleep_for(20ms);
    return 0;
  });
}
TEST_CASE("a job's error nobody looked at") {
  const auto e = test::start_child("job_error");
  CAPTURE(e.error_output);
  CHECK(e.status == 0);
  CHECK(says(e, "in a job of blocking(): no such file"));
}

namespace {

struct throws_at_its_end {
  ~throws_at_its_end() noexcept(false) { throw std::runtime_error("second"); }
};
[[gnu::noinline]] void both_at_once() {
  const throws_at_its_end late;
  throw std::runtime_error("first");
}

}  // namespace

CHILD_PROGRAM(terminates) {
  return sluice::run(test::with_workers(2), [] {
    sluice::go(sluice::launch{.name = "unlucky"}, [] { both_at_once(); }).get();
    return 0;
  });
}
CHILD_PROGRAM(stop_callback_throws) {
  return sluice::run(test::with_workers(1), [] {
    sluice::latch begun(1);
    auto f = sluice::go([&] {
      const std::stop_callback fails(sluice::this_fiber::stop_token(), [] { throw std::runtime_error("not allowed"); });
      begun.count_down();
      sluice::channel<int>().recv();
    });
    begun.wait();
    sluice::go(sluice::launch{.name = "canceller"}, [&] { f.cancel(); }).get();
    return 0;
  });
}
TEST_CASE("std::terminate names the fiber that it happens in") {
  if (test::sanitized) return;  // ASan's own report comes in between
  const auto e = test::start_child("terminates");
  CAPTURE(e.error_output);
  CHECK(e.status == 128 + 6);
  CHECK(says(e, "sluice: std::terminate was called in fiber 'unlucky', started at "));
  CHECK(says(e, "both_at_once"));
  CHECK(says(e, "what():  first"));

  const auto stop = test::start_child("stop_callback_throws");
  CAPTURE(stop.error_output);
  CHECK(stop.status == 128 + 6);
  CHECK(says(stop, "std::terminate was called in fiber 'canceller'"));
  CHECK(says(stop, "not allowed"));
}

CHILD_PROGRAM(terminates_elsewhere) {
  sluice::run(test::with_workers(1), [] {});
  std::terminate();
}
TEST_CASE("outside of fibers it is as ever") {
  const auto e = test::start_child("terminates_elsewhere");
  CAPTURE(e.error_output);
  CHECK(e.status == 128 + 6);
  CHECK(!says(e, "sluice"));
}

// ---- A runtime that has ended

TEST_CASE("go() and spawn() on a runtime that has ended, while the object is still there") {
  for (const unsigned n : test::worker_counts()) {
    sluice::detail::scheduler ended(test::with_workers(n));
    ended.shut_down();
    auto captured = std::make_shared<int>(1);
    auto f = sluice::detail::spawn(ended, {.name = "late"}, {}, [captured] { return *captured; });
    CHECK(captured.use_count() == 1);
    CHECK_THROWS_AS(f.get(), std::logic_error);
    CHECK_THROWS_AS(sluice::spawn(ended.coroutines(), []() -> sluice::task<int> { co_return 1; }()), std::logic_error);
  }
}

// Each fiber runs, is cancelled or is refused, and none is lost, whenever the end comes.
TEST_CASE("a thread that calls go() until the runtime has ended") {
  for (const unsigned n : test::worker_counts())
    for (int round = 0; round < test::scaled(100); ++round) {
      sluice::detail::scheduler s(test::with_workers(n));
      std::atomic<int> ran{0};
      std::atomic<int> made{0};
      int cancelled = 0, refused = 0;
      std::thread other([&] {
        while (refused == 0) {
          auto f = sluice::detail::spawn(s, {}, {}, [&] { ++ran; });
          ++made;
          try {
            f.get();
          } catch (const sluice::cancelled&) {
            ++cancelled;
          } catch (const std::logic_error&) {
            ++refused;
          }
        }
      });
      while (made < round % 5) std::this_thread::yield();
      s.shut_down();
      other.join();
      CHECK(ran + cancelled + refused == made);
    }
}
