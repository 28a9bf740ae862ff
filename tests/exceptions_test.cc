// Exceptions in flight belong to their fiber: it may suspend inside a handler or a destructor and go on elsewhere.
#include "tests/support/harness.h"

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;
using sluice::channel;

namespace {

[[gnu::noinline]] std::thread::id this_thread_id() {
  asm volatile("");
  return std::this_thread::get_id();
}
[[gnu::noinline]] int uncaught() {
  asm volatile("");
  return std::uncaught_exceptions();
}

// Suspends in each way that the library has.
void suspend(int way, const channel<int>& c) {
  switch (way % 4) {
    case 0:
      sluice::this_fiber::yield();
      break;
    case 1:
      sluice::this_fiber::sleep_for(100us);
      break;
    case 2:
      c.recv();
      break;
    case 3: {
      auto a = sluice::recv(c);
      auto b = sluice::never();
      static_cast<void>(sluice::select(b, a));
      static_cast<void>(a.take());
      break;
    }
  }
}

struct suspends_in_destructor {
  int way;
  const channel<int>& c;
  int expected;
  test::tally& ok;
  ~suspends_in_destructor() {
    ok.expect(uncaught() == expected);
    suspend(way, c);
    ok.expect(uncaught() == expected);
    try {  // an exception inside, handled inside, while another is on its way
      throw std::logic_error("inner");
    } catch (const std::logic_error&) {
      suspend(way + 1, c);
      ok.expect(uncaught() == expected);
    }
  }
};

}  // namespace

TEST_CASE("suspend inside a catch block, many at once, then rethrow: each has its own exception") {
  test::in_runtime([] {
    channel<int> c(sluice::unbounded);
    const int n = test::sanitized ? 40 : 400;
    const int depth = 3;
    for (int i = 0; i < n * 20; ++i) c.send(i);
    test::tally ok;
    std::vector<sluice::future<void>> all;
    for (int i = 0; i < n; ++i)
      all.push_back(sluice::go([&, i] {
        for (int k = 0; k < depth; ++k) {
          const std::string mine = std::to_string(i) + "/" + std::to_string(k);
          try {
            try {
              throw std::runtime_error(mine);
            } catch (...) {
              suspend(i + k, c);
              try {
                throw i;  // a second one, nested in the handler of the first
              } catch (int inner) {
                suspend(i + k + 1, c);
                ok.expect(inner == i);
              }
              suspend(i + k + 2, c);
              ok.expect(uncaught() == 0);
              throw;
            }
          } catch (const std::runtime_error& e) {
            ok.expect(e.what() == mine);
            ok.expect(std::current_exception() != nullptr);
          }
          ok.expect(std::current_exception() == nullptr);
        }
      }));
    test::join(all);
    CHECK(ok.failures() == 0);
    CHECK(std::current_exception() == nullptr);
  });
}

TEST_CASE("suspend in a destructor while the stack unwinds: uncaught_exceptions is right on both sides") {
  test::in_runtime([] {
    channel<int> c(sluice::unbounded);
    const int n = test::sanitized ? 40 : 400;
    for (int i = 0; i < n * 8; ++i) c.send(i);
    test::tally ok;
    std::vector<sluice::future<void>> all;
    for (int i = 0; i < n; ++i)
      all.push_back(sluice::go([&, i] {
        try {
          suspends_in_destructor outer{i, c, 1, ok};
          suspends_in_destructor inner{i + 1, c, 1, ok};
          throw i;
        } catch (int caught) {
          ok.expect(caught == i);
        }
        ok.expect(uncaught() == 0);
        suspends_in_destructor calm{i, c, 0, ok};
      }));
    for (int i = 0; i < 50; ++i) {
      ok.expect(uncaught() == 0);
      ok.expect(std::current_exception() == nullptr);
      sluice::this_fiber::yield();
    }
    test::join(all);
    CHECK(ok.failures() == 0);
  });
}

TEST_CASE("rethrown on another worker than where it was caught") {
  for (const unsigned n : test::worker_counts()) {
    if (n == 1) continue;
    sluice::run(test::with_workers(n), [] {
      test::tally ok;
      int moved = 0;
      for (int i = 0; i < 500 && moved < 20; ++i) {
        channel<int> c;
        std::atomic<bool> resumed{false};
        auto catches = sluice::go([&] {
          std::thread::id before;
          try {
            try {
              throw std::runtime_error("travels");
            } catch (...) {
              before = this_thread_id();
              c.recv();
              resumed = true;
              throw;
            }
          } catch (const std::runtime_error& e) {
            ok.expect(e.what() == std::string("travels"));
          }
          ok.expect(uncaught() == 0);
          return this_thread_id() != before;
        });
        sluice::this_fiber::sleep_for(100us);
        // Wakes it and keeps this worker, so that another must run it.
        auto keeps = sluice::go([&] {
          c.send(1);
          const auto end = std::chrono::steady_clock::now() + 2s;
          while (!resumed && std::chrono::steady_clock::now() < end) {}
        });
        keeps.get();
        moved += catches.get();
      }
      CHECK(ok.failures() == 0);
      CHECK(moved > 0);
    });
  }
}

TEST_CASE("an exception_ptr goes from fiber to fiber, and its object lives as long as somebody holds it") {
  test::in_runtime([] {
    auto probe = std::make_shared<int>(1);
    struct error {
      std::shared_ptr<int> held;
    };
    channel<std::exception_ptr> c(4);
    auto thrower = sluice::go([&] {
      try {
        throw error{probe};
      } catch (...) {
        c.send(std::current_exception());
        sluice::this_fiber::yield();
      }
    });
    auto e = *c.recv();
    thrower.get();
    CHECK(probe.use_count() == 2);
    CHECK_THROWS_AS(std::rethrow_exception(e), error);
    e = nullptr;
    CHECK(probe.use_count() == 1);
  });
}
