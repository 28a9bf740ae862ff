// this_fiber::stop_token: requested by cancel and by the runtime's end, and from then on for good.
#include "tests/support/harness.h"

#include <functional>
#include <optional>
#include <stop_token>

using namespace std::chrono_literals;
using sluice::channel;

TEST_CASE(
    "a fiber's token: possible, not requested, requested by cancel, and it stays so whatever became of the exception") {
  test::in_runtime([] {
    std::atomic<bool> begun{false};
    auto f = sluice::go([&] {
      const std::stop_token token = sluice::this_fiber::stop_token();
      CHECK(token.stop_possible());
      CHECK_FALSE(token.stop_requested());
      CHECK(token == sluice::this_fiber::stop_token());
      begun = true;
      CHECK_THROWS_AS(channel<int>().recv(), sluice::cancelled);
      CHECK(token.stop_requested());
      sluice::this_fiber::sleep_for(1us);  // the request is used up
      CHECK(sluice::this_fiber::stop_token().stop_requested());
      CHECK(token == sluice::this_fiber::stop_token());
    });
    CHECK(test::eventually([&] { return begun.load(); }));
    test::let_others_block();
    CHECK(f.cancel());
    f.get();
  });
}

TEST_CASE("asked for only after the cancel, it is requested from the first") {
  test::in_runtime([] {
    channel<int> go_on;
    std::atomic<bool> begun{false};
    auto f = sluice::go([&, go_on] {
      begun = true;
      CHECK_THROWS_AS(channel<int>().recv(), sluice::cancelled);
      go_on.recv();
      CHECK(sluice::this_fiber::stop_token().stop_requested());
      bool called = false;
      const std::stop_callback at_once(sluice::this_fiber::stop_token(), [&] { called = true; });
      CHECK(called);
    });
    CHECK(test::eventually([&] { return begun.load(); }));
    CHECK(f.cancel());
    go_on.send(1);
    f.get();
  });
}

TEST_CASE("a loop that never waits sees it; fibers have a token each") {
  test::in_runtime([](unsigned workers) {
    if (workers == 1) return;  // the loop has the worker to itself
    std::atomic<bool> begun{false};
    std::atomic<bool> quit{false};
    auto spins = sluice::go([&] {
      const auto token = sluice::this_fiber::stop_token();
      begun = true;
      while (!token.stop_requested()) std::this_thread::yield();
    });
    auto other = sluice::go([&] {
      const auto token = sluice::this_fiber::stop_token();
      while (!quit) sluice::this_fiber::sleep_for(100us);
      CHECK_FALSE(token.stop_requested());
    });
    CHECK(test::eventually([&] { return begun.load(); }));
    CHECK(spins.cancel());
    spins.get();
    quit = true;
    other.get();
  });
}

TEST_CASE("callbacks run on the one who cancels, before cancel returns, and before the wait is over") {
  test::in_runtime([] {
    channel<int> quiet;
    std::atomic<bool> begun{false};
    std::atomic<int> calls{0};
    std::thread::id called_on;
    auto f = sluice::go([&, quiet] {
      const std::stop_callback note(sluice::this_fiber::stop_token(), [&] {
        called_on = std::this_thread::get_id();
        ++calls;
      });
      begun = true;
      CHECK_THROWS_AS(quiet.recv(), sluice::cancelled);
      CHECK(calls == 1);
    });
    CHECK(test::eventually([&] { return begun.load(); }));
    test::let_others_block();
    std::thread canceller([&] {
      CHECK(f.cancel());
      CHECK(calls == 1);
      CHECK(called_on == std::this_thread::get_id());
    });
    canceller.join();
    f.get();
  });
}

TEST_CASE("a fiber that was cancelled before it began does not begin; one that is over cannot be asked") {
  test::in_runtime([] {
    auto f = sluice::go([] { return sluice::this_fiber::stop_token(); });
    const std::stop_token token = f.get();  // outlives its fiber
    CHECK_FALSE(token.stop_requested());
    auto g = sluice::go([] { return sluice::this_fiber::stop_token(); });
    g.wait();
    CHECK_FALSE(g.cancel());
    CHECK_FALSE(g.get().stop_requested());
  });
}

TEST_CASE("a plain thread's token never stops") {
  test::in_thread([] {
    const auto token = sluice::this_fiber::stop_token();
    CHECK_FALSE(token.stop_possible());
    CHECK_FALSE(token.stop_requested());
  });
}

TEST_CASE("the end of the runtime requests every fiber's, before its waits throw; callbacks run on the one who ends it") {
  for (const unsigned n : test::worker_counts()) {
    std::atomic<int> ready{0}, called{0}, seen{0}, late{0};
    std::atomic<bool> on_this_thread{true};
    const auto me = std::this_thread::get_id();
    {
      sluice::runtime r(test::with_workers(n));
      for (int i = 0; i < 50; ++i)
        r.go([&, i] {
          std::optional<std::stop_token> token;
          std::optional<std::stop_callback<std::function<void()>>> note;
          if (i % 2 == 0) {
            token = sluice::this_fiber::stop_token();
            note.emplace(*token, [&] {
              ++called;
              if (std::this_thread::get_id() != me) on_this_thread = false;
            });
          }
          ++ready;
          try {
            channel<int>().recv();
          } catch (const sluice::cancelled&) {
            if (sluice::this_fiber::stop_token().stop_requested()) ++seen;
            sluice::go([&] {
              if (sluice::this_fiber::stop_token().stop_requested()) ++late;
            });
            throw;
          }
        });
      CHECK(test::eventually([&] { return ready == 50; }));
    }
    CHECK(called == 25);
    CHECK(on_this_thread.load());
    CHECK(seen == 50);
    CHECK(late == 0);  // a fiber that is started then does not begin
  }
}

TEST_CASE("asked for and cancelled at the same moment: the token is requested, and its callbacks run once") {
  for (const unsigned n : test::worker_counts()) {
    sluice::runtime r(test::with_workers(n));
    test::tally ok;
    for (int i = 0; i < test::scaled(4'000); ++i) {
      std::atomic<int> stage{0};
      std::atomic<int> calls{0};
      auto f = r.go([&, i] {
        stage = 1;
        while (stage == 1) std::this_thread::yield();
        for (int k = i % 7; k > 0; --k) sluice::detail::cpu_relax();
        const auto token = sluice::this_fiber::stop_token();
        const std::stop_callback note(token, [&] { ++calls; });
        while (!token.stop_requested()) std::this_thread::yield();
      });
      while (stage != 1) std::this_thread::yield();
      stage = 2;
      for (int k = i / 7 % 7; k > 0; --k) sluice::detail::cpu_relax();
      ok.expect(f.cancel());
      f.get();
      ok.expect(calls == 1);
    }
    CHECK(ok.failures() == 0);
  }
}
