// Uniform among the ready cases: not only "each gets its turn", but no case is favoured by where it stands.
#include "tests/support/harness.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdlib>

using sluice::channel, sluice::recv, sluice::select;

namespace {

constexpr int trials = 20'000;

// Within ten standard deviations of the binomial: wrong once in far more runs than there will ever be.
bool near_expected(int count, int n, int ready) {
  const double p = 1.0 / ready;
  return std::abs(count - n * p) <= 10 * std::sqrt(n * p * (1 - p));
}

channel<int> closed_channel() {
  channel<int> c;
  c.close();
  return c;
}

}  // namespace

TEST_CASE("whichever cases are ready, each is equally likely, wherever it stands among those that are not") {
  test::in_runtime([] {
    const channel<int> ready = closed_channel();
    const channel<int> quiet;
    constexpr std::size_t n = 5;
    for (unsigned mask = 1; mask < 1U << n; ++mask) {
      std::vector<decltype(recv(ready))> events;
      int k = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const bool is_ready = mask >> i & 1;
        events.push_back(recv(is_ready ? ready : quiet));
        k += is_ready;
      }
      std::array<int, n> won{};
      for (int t = 0; t < 2000; ++t) {
        const std::size_t i = select(events);
        static_cast<void>(events[i].take());
        ++won[i];
      }
      for (std::size_t i = 0; i < n; ++i) {
        if (mask >> i & 1) {
          CHECK(near_expected(won[i], 2000, k));
        } else {
          CHECK(won[i] == 0);
        }
      }
    }
  });
}

TEST_CASE("two ready cases before two that never are: a random starting place would not be uniform") {
  test::in_runtime([] {
    const channel<int> c1 = closed_channel();
    const channel<int> c2 = closed_channel();
    const channel<int> c3;
    const channel<int> c4;
    auto a = recv(c1);
    auto b = recv(c2);
    auto c = recv(c3);
    auto d = recv(c4);
    int first = 0;
    int tried_first = 0;
    for (int i = 0; i < trials; ++i) {
      const auto won = select(a, b, c, d);
      first += won == a;
      static_cast<void>(won == a ? a.take() : b.take());
      const auto tried = sluice::try_select(a, b, c, d);
      tried_first += tried == a;
      static_cast<void>(tried == a ? a.take() : b.take());
    }
    CHECK(near_expected(first, trials, 2));
    CHECK(near_expected(tried_first, trials, 2));
  });
}

TEST_CASE("sends and receives are treated alike, in the handler form too") {
  test::in_runtime([] {
    channel<int> room(sluice::unbounded);
    const channel<int> ready = closed_channel();
    int sent = 0;
    for (int i = 0; i < trials; ++i) {
      sent += sluice::select(sluice::on(sluice::send(room, 1), [] { return 1; }), sluice::on(recv(ready), [] { return 0; }));
    }
    CHECK(near_expected(sent, trials, 2));
    CHECK(room.size() == static_cast<std::size_t>(sent));
  });
}

TEST_CASE("many cases, beyond one machine word of them") {
  test::in_runtime([] {
    constexpr std::size_t n = 150;
    const channel<int> ready = closed_channel();
    const channel<int> quiet;
    std::vector<decltype(recv(ready))> events;
    for (std::size_t i = 0; i < n; ++i) events.push_back(recv(i % 3 == 1 ? ready : quiet));
    std::vector<int> won(n, 0);
    const int t = 10'000;
    for (int i = 0; i < t; ++i) {
      const std::size_t w = select(events);
      static_cast<void>(events[w].take());
      ++won[w];
    }
    for (std::size_t i = 0; i < n; ++i) CHECK((i % 3 == 1 ? near_expected(won[i], t, 50) : won[i] == 0));
  });
}

TEST_CASE("fed by others, four producers on four channels, none is neglected") {
  test::in_runtime([] {
    std::array<channel<int>, 4> c;
    const int enough = test::scaled(1'000);
    std::vector<sluice::future<void>> producers;
    for (int p = 0; p < 4; ++p)
      producers.push_back(sluice::go([ch = c[static_cast<std::size_t>(p)], p] {
        while (ch.send(p)) {}
      }));
    std::array<int, 4> got{};
    auto a = recv(c[0]);
    auto b = recv(c[1]);
    auto d = recv(c[2]);
    auto e = recv(c[3]);
    // No share of a number of rounds: the machine may not run a producer's worker for a long time.
    const auto late = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (*std::min_element(got.begin(), got.end()) < enough && std::chrono::steady_clock::now() < late) {
      const auto won = select(a, b, d, e);
      auto& event = won == a ? a : won == b ? b : won == d ? d : e;
      ++got[static_cast<std::size_t>(*event.take())];
    }
    for (auto& ch : c) ch.close();
    test::join(producers);
    for (const int g : got) CHECK(g >= enough);
  });
}
