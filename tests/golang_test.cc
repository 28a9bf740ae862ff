// The situations of channels and fibers that Go's own tests pin, in our words.
#include "tests/support/count_allocations.h"
#include "tests/support/harness.h"

#include <algorithm>
#include <deque>
#include <numeric>
#include <vector>

using sluice::channel, sluice::recv, sluice::select, sluice::send;

TEST_CASE("fifo: many fibers in a row hand a value on, each to the next") {
  test::in_runtime([] {
    constexpr int n = 20;
    channel<int> out(n);
    std::vector<channel<int>> turn(n + 1);
    std::vector<sluice::future<void>> all;
    for (int i = 0; i < n; ++i)
      all.push_back(sluice::go([=] {
        const auto at = static_cast<std::size_t>(i);
        turn[at].recv();
        out.send(i);
        turn[at + 1].send(1);
      }));
    turn[0].send(1);
    turn[n].recv();
    test::join(all);
    for (int i = 0; i < n; ++i) CHECK(out.recv() == i);
  });
}

TEST_CASE("goroutines: a value through a chain of thousands") {
  test::in_runtime([] {
    const int n = test::sanitized ? 500 : 10'000;
    const channel<int> first;
    channel<int> left = first;
    for (int i = 0; i < n; ++i) {
      channel<int> right;
      sluice::go([left, right] { left.send(*right.recv() + 1); });
      left = right;
    }
    auto begin = sluice::go([left] { left.send(0); });
    CHECK(first.recv() == n);
    begin.get();
  });
}

TEST_CASE("sieve: a pipeline that grows by a filter for each prime") {
  test::in_runtime([] {
    const int count = test::sanitized ? 30 : 150;
    const channel<int> source;
    sluice::go([source] {
      for (int i = 2; source.send(i); ++i) {}
    });
    channel<int> in = source;
    std::vector<int> primes;
    while (static_cast<int>(primes.size()) < count) {
      const int prime = *in.recv();
      primes.push_back(prime);
      channel<int> out;
      sluice::go([in, out, prime] {
        for (;;) {
          const int v = *in.recv();
          if (v % prime != 0) out.send(v);
        }
      });
      in = out;
    }
    const bool all_prime = std::all_of(primes.begin(), primes.end(), [](int p) {
      for (int d = 2; d * d <= p; ++d)
        if (p % d == 0) return false;
      return true;
    });
    CHECK(all_prime);
    CHECK(std::is_sorted(primes.begin(), primes.end()));
    CHECK(primes[29] == 113);
    if (count == 150) CHECK(primes[149] == 863);
  });  // the filters are still blocked: run cancels them
}

namespace {

// A power series is a channel of coefficients, each asked for by a receive.
using series = channel<double>;

// Both copies see every coefficient, however far one is ahead of the other.
std::pair<series, series> split(series in) {
  std::pair<series, series> out;
  sluice::go([in, a = out.first, b = out.second] {
    std::deque<double> for_a;
    std::deque<double> for_b;
    series off(nullptr);
    for (;;) {
      auto to_a = send(for_a.empty() ? off : a, for_a.empty() ? 0.0 : for_a.front());
      auto to_b = send(for_b.empty() ? off : b, for_b.empty() ? 0.0 : for_b.front());
      auto more = recv(for_a.empty() || for_b.empty() ? in : off);
      const auto won = select(to_a, to_b, more);
      if (won == to_a) {
        for_a.pop_front();
      } else if (won == to_b) {
        for_b.pop_front();
      } else {
        const double v = *more.take();
        for_a.push_back(v);
        for_b.push_back(v);
      }
    }
  });
  return out;
}

series integral(double constant, series in) {
  series out;
  sluice::go([=] {
    out.send(constant);
    for (int n = 1;; ++n) out.send(*in.recv() / n);
  });
  return out;
}

series product(series x, series y) {  // first x0*y0, then the sums of products of equal rank
  series out;
  sluice::go([=] {
    std::vector<double> xs;
    std::vector<double> ys;
    for (;;) {
      xs.push_back(*x.recv());
      ys.push_back(*y.recv());
      out.send(std::inner_product(xs.begin(), xs.end(), ys.rbegin(), 0.0));
    }
  });
  return out;
}

}  // namespace

TEST_CASE("powser: exp as the series that is its own integral, and its square, by many tiny rendezvous") {
  test::in_runtime([] {
    const series knot;  // exp = 1 + integral of exp
    const auto [loop, use] = split(integral(1.0, knot));
    sluice::go([knot, loop = loop] {
      while (auto v = loop.recv()) knot.send(*v);
    });
    const auto [x, y] = split(use);
    const series squared = product(x, y);  // exp(t)^2 = exp(2t)
    double expected = 1;
    for (int n = 0; n < (test::sanitized ? 10 : 25); ++n) {
      CHECK(*squared.recv() == doctest::Approx(expected));
      expected *= 2.0 / (n + 1);
    }
  });
}

TEST_CASE("select2: a quiet channel that is selected a hundred thousand times does not grow") {
  test::in_runtime([] {
    const channel<int> quiet;
    const channel<int> busy;
    sluice::promise<int> p;
    const auto silent = p.get_future();
    const int n = test::scaled(100'000);
    const auto rounds = [&](int count) {
      auto feeder = sluice::go([=] {
        for (int i = 0; i < count; ++i) busy.send(i);
      });
      for (int i = 0; i < count; ++i) {
        auto a = recv(quiet);
        auto b = recv(busy);
        auto c = sluice::done(silent);
        auto d = sluice::after(std::chrono::hours(1));
        REQUIRE((select(a, b, c, d) == b));
      }
      feeder.get();
    };
    rounds(1'000);
    const long before = test::live_allocations();
    rounds(n);
    CHECK(test::live_allocations() - before < 50);
    CHECK(silent.waiters() == 0);
    CHECK(quiet.try_send(1).full());
  });
}

TEST_CASE("MultiConsumer: twenty-three workers share one queue and each item is done once") {
  test::in_runtime([] {
    constexpr int workers = 23;
    const int n = test::scaled(20'000);
    const std::vector<int> primes{2, 3, 7, 11, 13, 17, 19, 23, 27, 31};
    channel<int> queue(static_cast<std::size_t>(workers) * 2);
    channel<int> results(static_cast<std::size_t>(workers) * 2);
    std::vector<sluice::future<void>> all;
    for (int w = 0; w < workers; ++w)
      all.push_back(sluice::go([=] {
        for (const int v : queue) {
          if (primes[static_cast<std::size_t>(w) % primes.size()] % 3 == 0) sluice::this_fiber::yield();
          results.send(v);
        }
      }));
    long expected = 0;
    auto feeder = sluice::go([&] {
      for (int i = 0; i < n; ++i) {
        const int v = primes[static_cast<std::size_t>(i) % primes.size()];
        expected += v;
        queue.send(v);
      }
      queue.close();
      test::join(all);
      results.close();
    });
    long sum = 0;
    int count = 0;
    for (const int v : results) {
      sum += v;
      ++count;
    }
    feeder.get();
    CHECK(count == n);
    CHECK(sum == expected);
  });
}

TEST_CASE("SelectStress: plain and selecting parties on the same four channels, every value accounted for") {
  test::in_runtime([] {
    const std::vector<channel<int>> c{channel<int>(), channel<int>(), channel<int>(2), channel<int>(3)};
    const int n = test::scaled(10'000);
    std::vector<sluice::future<void>> all;
    test::tally ok;
    for (std::size_t k = 0; k < 4; ++k) {
      all.push_back(sluice::go([&, k] {
        for (int i = 0; i < n; ++i) ok.expect(c[k].send(i));
      }));
      all.push_back(sluice::go([&, k] {
        for (int i = 0; i < n; ++i) ok.expect(c[k].recv().has_value());
      }));
    }
    // A selecting sender and a selecting receiver deal n times with each channel, and switch off those they are done with.
    for (const bool sends : {true, false})
      all.push_back(sluice::go([&, sends] {
        std::vector<channel<int>> open = c;
        std::vector<int> count(4, 0);
        const channel<int> off(nullptr);
        for (int i = 0; i < 4 * n; ++i) {
          std::size_t won = 0;
          if (sends) {
            std::vector<decltype(send(c[0], 0))> events;
            for (const auto& ch : open) events.push_back(send(ch, i));
            won = select(events);
            ok.expect(events[won].take());
          } else {
            std::vector<decltype(recv(c[0]))> events;
            for (const auto& ch : open) events.push_back(recv(ch));
            won = select(events);
            ok.expect(events[won].take().has_value());
          }
          if (++count[won] == n) open[won] = off;
        }
      }));
    test::join(all);
    CHECK(ok.failures() == 0);
    for (const auto& ch : c) CHECK(ch.size() == 0);
  });
}

TEST_CASE("chanbarrier: a hundred fibers through one barrier, again and again") {
  test::in_runtime([] {
    const channel<channel<int>> depart(1);
    constexpr int n = 100;
    std::vector<sluice::future<void>> all;
    std::atomic<int> inside{0};
    test::tally ok;
    const int rounds = test::sanitized ? 3 : 20;
    for (int i = 0; i < n; ++i)
      all.push_back(sluice::go([&] {
        for (int r = 0; r < rounds; ++r) {
          ++inside;
          const channel<int> mine;
          depart.send(mine);
          mine.recv();
          ok.expect(inside >= n * (r + 1));  // nobody passes before all have come
        }
      }));
    for (int r = 0; r < rounds; ++r) {
      std::vector<channel<int>> waiting;
      for (int i = 0; i < n; ++i) waiting.push_back(*depart.recv());
      for (auto& w : waiting) w.send(1);
    }
    test::join(all);
    CHECK(ok.failures() == 0);
  });
}

TEST_CASE("NonblockRecvRace: what was sent before the receiver was started is there") {
  test::in_runtime([] {
    test::tally ok;
    for (int i = 0; i < test::scaled(10'000); ++i) {
      channel<int> c(1);
      c.send(1);
      auto looks = sluice::go([c] {
        const auto v = c.try_recv();
        return static_cast<bool>(v) || v.closed();
      });
      c.close();
      c.try_recv();
      ok.expect(looks.get());
    }
    CHECK(ok.failures() == 0);
  });
}
