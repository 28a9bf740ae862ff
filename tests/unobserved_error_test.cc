// An error that nobody looked at is reported once, when its future is dropped; one that somebody saw is not.
#include "tests/support/child.h"
#include "tests/support/harness.h"

#include <algorithm>
#include <mutex>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

namespace {

// Runs f with a handler that collects what is reported.
template <class F>
std::vector<std::string> reported_by(unsigned workers, F f) {
  std::mutex mutex;
  std::vector<std::string> reports;
  auto options = test::with_workers(workers);
  options.unobserved_error = [&](std::exception_ptr e) {
    std::string what = "?";
    try {
      std::rethrow_exception(e);
    } catch (const std::exception& x) {
      what = x.what();
    } catch (int i) {
      what = std::to_string(i);
    }
    std::scoped_lock hold(mutex);
    reports.push_back(what);
  };
  sluice::run(options, f);
  std::sort(reports.begin(), reports.end());
  return reports;
}

using strings = std::vector<std::string>;

}  // namespace

TEST_CASE("dropped before, while or after the fiber failed: reported once each") {
  for (const unsigned n : test::worker_counts()) {
    CHECK(reported_by(n, [] {
            sluice::go([] { throw std::runtime_error("dropped at once"); });
            {
              auto later = sluice::go([] {
                sluice::this_fiber::sleep_for(1ms);
                throw std::runtime_error("dropped while it ran");
              });
              sluice::this_fiber::yield();
            }
            {
              auto failed = sluice::go([]() -> int { throw 3; });
              failed.wait();  // knowing that it is over is not looking
            }
            sluice::this_fiber::sleep_for(5ms);
          }) == strings{"3", "dropped at once", "dropped while it ran"});
  }
}

TEST_CASE("looked at: by get, through done, in wait_any and then get; or moved on and got elsewhere") {
  for (const unsigned n : test::worker_counts()) {
    CHECK(reported_by(n, [] {
            const auto fail = [] { return sluice::go([]() -> int { throw std::runtime_error("seen"); }); };
            auto a = fail();
            CHECK_THROWS_AS(a.get(), std::runtime_error);
            auto b = fail();
            auto d = sluice::done(b);
            auto never = sluice::never();
            CHECK((sluice::select(d, never) == d));
            CHECK(d.take().error() != nullptr);
            std::vector<sluice::future<int>> some;
            some.push_back(fail());
            CHECK_THROWS_AS(some[sluice::wait_any(some)].get(), std::runtime_error);
            auto c = fail();
            auto elsewhere = sluice::go([c = std::move(c)]() mutable { CHECK_THROWS_AS(c.get(), std::runtime_error); });
            elsewhere.get();
          }) == strings{});
  }
}

TEST_CASE("going away is no error: cancelled fibers and broken promises are not reported") {
  for (const unsigned n : test::worker_counts()) {
    CHECK(reported_by(n, [] {
            {
              auto f = sluice::go([] { sluice::channel<int>().recv(); });
              test::let_others_block();
              f.cancel();
            }
            sluice::go([] { sluice::channel<int>().recv(); });  // until the end of run
            sluice::go([] { sluice::promise<int>().get_future().get(); });
            test::let_others_block();
          }) == strings{});
  }
}

TEST_CASE("an error of a cancelled fiber's clean-up is an error like any other") {
  for (const unsigned n : test::worker_counts()) {
    CHECK(reported_by(n, [] {
            sluice::go([] {
              try {
                sluice::channel<int>().recv();
              } catch (const sluice::cancelled&) {
                throw std::runtime_error("while cleaning up");
              }
            });
            test::let_others_block();
          }) == strings{"while cleaning up"});
  }
}

CHILD_PROGRAM(drops_errors) {
  return sluice::run(test::with_workers(1), [] {
    sluice::go(sluice::launch{.name = "reader 7"}, [] { throw std::runtime_error("disk on fire"); });
    sluice::go(sluice::launch{.name = "odd one"}, [] { throw 42; });
    sluice::this_fiber::sleep_for(5ms);
    return 0;
  });
}
CHILD_PROGRAM(drops_promise_error) {
  sluice::promise<int> p;
  { auto f = p.get_future(); }
  p.set_exception(std::make_exception_ptr(std::runtime_error("nobody's")));
  return 0;
}

TEST_CASE("by default it is one line on standard error that names the error and the fiber, and the program goes on") {
  const auto e = test::start_child("drops_errors");
  CAPTURE(e.error_output);
  CHECK(e.status == 0);
  CHECK(std::count(e.error_output.begin(), e.error_output.end(), '\n') == 2);
  const auto fire = e.error_output.find("disk on fire");
  REQUIRE(fire != std::string::npos);
  const auto begin = e.error_output.rfind('\n', fire) + 1;
  const auto line = e.error_output.substr(begin, e.error_output.find('\n', fire) - begin);
  CHECK(line.find("reader 7") != std::string::npos);
  CHECK(e.error_output.find("odd one") != std::string::npos);

  const auto p = test::start_child("drops_promise_error");
  CHECK(p.status == 0);
  CHECK(p.error_output.find("nobody's") != std::string::npos);
}
