// stopped(): a request on a stop_token against everything else that may happen.
#include "tests/support/harness.h"
#include "tests/support/probe_waiter.h"

#include <random>
#include <stop_token>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using sluice::channel, sluice::recv, sluice::select, sluice::select_in_order, sluice::stopped, sluice::try_select;

TEST_CASE("a jthread that waits for a channel ends when it goes") {
  const channel<int> c;
  int sum = 0;
  {
    std::jthread worker([&](std::stop_token stop) {
      auto job = recv(c);
      auto quit = stopped(stop);
      while (select_in_order(quit, job) == job) sum += *job.take();
    });
    for (int i = 1; i <= 100; ++i) CHECK(c.send(i));
  }
  CHECK(sum == 5050);
}

TEST_CASE("a token that cannot be stopped is never, one that was is always") {
  auto none = stopped({});
  CHECK_FALSE(static_cast<bool>(try_select(none)));
  auto soon = sluice::after(1ms);
  CHECK((select(none, soon) == soon));
  std::stop_source source;
  source.request_stop();
  auto quit = stopped(source.get_token());
  for (int i = 0; i < 3; ++i) CHECK((select(quit, none) == quit));
  CHECK(sluice::detail::spent(quit));
  auto moved = std::move(quit);
  CHECK(moved.poll());
  moved = stopped({});
  CHECK_FALSE(moved.poll());
}

TEST_CASE("the request comes at any moment: while it is armed, loses, wins, or goes") {
  test::in_runtime([] {
    std::mt19937 r(1);
    for (int i = 0; i < test::scaled(4'000); ++i) {
      std::stop_source source;
      const channel<int> c(1);
      int plain = 0;
      std::vector<sluice::future<bool>> waiting;
      for (int k = 0; k < 3; ++k)
        waiting.push_back(sluice::go([&, token = source.get_token()] {
          auto quit = stopped(token);
          auto value = recv(c);
          for (;;) {  // each loss disarms it
            auto soon = sluice::after(std::chrono::microseconds(i % 30));
            const auto won = select(quit, value, soon);
            if (won == quit) return plain == 1;
            if (won == value) value.take();
          }
        }));
      const auto request = [&, pause = static_cast<int>(r() % 200)] {
        for (int k = 0; k < pause; ++k) c.try_send(k);
        plain = 1;
        source.request_stop();
      };
      if (i % 4 == 0)
        std::thread(request).join();
      else
        sluice::go(request).get();
      for (auto& f : waiting) CHECK(f.get());
    }
  });
}

TEST_CASE("a wait that lost leaves no callback: a request that comes later wins nothing") {
  std::stop_source source;
  auto quit = stopped(source.get_token());
  test::probe_waiter w;
  REQUIRE(quit.arm(w, 3));
  quit.disarm();
  CHECK(source.request_stop());
  CHECK_FALSE(w.decided_for().has_value());
}

TEST_CASE("while it is armed, the party may not decide its own wait unasked") {
  std::stop_source source;
  auto quit = stopped(source.get_token());
  test::probe_waiter w;
  w.open();  // a wait of which nobody knows yet
  REQUIRE(quit.arm(w, 3));
  CHECK(source.request_stop());
  CHECK_FALSE(w.claim_own(4));
  CHECK(w.decided_for() == 3U);
}
