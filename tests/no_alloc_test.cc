// Sending, receiving, selecting and timers do not allocate: counted over the whole program, workers included.
#include "tests/support/count_allocations.h"
#include "tests/support/harness.h"

#include <algorithm>
#include <array>
#include <limits>
#include <stop_token>

using namespace std::chrono_literals;
using sluice::channel, sluice::on, sluice::otherwise, sluice::recv, sluice::select, sluice::send;

namespace {

// Allocations during f, after f ran once to warm up what is made on first use. The fewest of three times: a worker that
// starts late allocates as well, once; what is in the path of an operation does so every time.
template <class F>
long allocated_by(F f) {
  f(test::scaled(2'000));
  long fewest = std::numeric_limits<long>::max();
  for (int i = 0; i < 3; ++i) {
    const long before = test::allocations;
    f(test::scaled(5'000));
    fewest = std::min(fewest, test::allocations - before);
  }
  return fewest;
}

// Both sides of an exchange; the far side is a fiber that was started before anything is counted.
template <class Far, class Near>
long allocated_between(Far far, Near near) {
  channel<int> rounds;
  channel<int> done;
  auto partner = sluice::go([=] {
    for (const int n : rounds) {
      far(n);
      done.send(1);
    }
  });
  const long result = allocated_by([&](int n) {
    rounds.send(n);
    near(n);
    done.recv();
  });
  rounds.close();
  partner.get();
  return result;
}

template <class F>
void in_fibers_and_threads(F f) {
  test::in_runtime(f);
  test::in_thread(f);
}

}  // namespace

TEST_CASE("the counter counts") {
  CHECK(allocated_by([](int n) {
          for (int i = 0; i < n; ++i) channel<int> made;
        }) >= test::scaled(5'000));
}

TEST_CASE("send and recv that need not wait") {
  in_fibers_and_threads([] {
    for (const auto& c : {channel<int>(16), channel<int>(sluice::unbounded)})
      CHECK(allocated_by([&](int n) {
              for (int i = 0; i < n; ++i) {
                for (int k = 0; k < 10; ++k) c.send(k);
                for (int k = 0; k < 5; ++k) c.recv();
                for (int k = 0; k < 5; ++k) c.try_recv();
                if (!c.try_send(1)) std::abort();
                c.recv();
                c.try_recv();
              }
            }) == 0);
  });
}

TEST_CASE("send and recv that wait, rendezvous and buffered") {
  in_fibers_and_threads([] {
    for (const auto& c : {channel<int>(), channel<int>(1), channel<int>(8)})
      CHECK(allocated_between(
                [c](int n) {
                  for (int i = 0; i < n; ++i) c.recv();
                },
                [c](int n) {
                  for (int i = 0; i < n; ++i) c.send(i);
                }) == 0);
  });
}

TEST_CASE("select, in all forms for listed cases, ready or waiting, with timers that lose and timers that win") {
  in_fibers_and_threads([] {
    const std::array<channel<int>, 3> c;
    const channel<int> room(sluice::unbounded);
    CHECK(allocated_between(
              [=](int n) {
                for (int i = 0; i < n; ++i) {
                  auto a = send(c[0], i);
                  auto b = send(c[1], i);
                  auto d = send(c[2], i);
                  auto t = sluice::after(1h);
                  static_cast<void>(select(a, b, d, t));
                }
              },
              [=](int n) {
                auto a = recv(c[0]);
                auto b = recv(c[1]);
                auto d = recv(c[2]);
                auto tick = sluice::every(1h);
                for (int i = 0; i < n; ++i) {
                  if (i % 2 == 0) {
                    const auto won = select(a, b, tick, d);
                    static_cast<void>(won == a ? a.take() : won == b ? b.take() : d.take());
                  } else {
                    select(on(recv(c[0]), [] {}), on(recv(c[1]), [] {}), on(recv(c[2]), [] {}),
                           on(sluice::after(1h), [] {}));
                  }
                  select(on(recv(room), [] {}), otherwise([] {}));
                  if (sluice::try_select(tick, a)) {
                    a.take();
                    ++i;
                  }
                  auto now = sluice::after(0us);
                  static_cast<void>(sluice::select_in_order(now, tick));
                }
              }) == 0);
  });
}

TEST_CASE("timers that fire, and yields") {
  in_fibers_and_threads([] {
    CHECK(allocated_by([](int n) {
            for (int i = 0; i < n / 50; ++i) {
              sluice::this_fiber::sleep_for(10us);
              sluice::this_fiber::yield();
              auto t = sluice::after(20us);
              auto never = sluice::never();
              static_cast<void>(select(t, never));
            }
          }) == 0);
  });
}

TEST_CASE("locks, permits, notifications, counts and stop requests") {
  in_fibers_and_threads([] {
    sluice::mutex m;
    m.lock();
    sluice::semaphore s(0);
    sluice::condition changed;
    sluice::wait_group group;
    group.add();
    std::stop_source source;
    CHECK(allocated_by([&](int n) {
            for (int i = 0; i < n; ++i) {
              auto mine = sluice::lock(m);
              auto some = sluice::acquire(s, 3);
              auto news = sluice::notified(changed);
              auto quiet = sluice::idle(group);
              auto quit = sluice::stopped(source.get_token());
              auto t = sluice::after(1us);
              static_cast<void>(select(mine, some, news, quiet, quit, t));
            }
          }) == 0);
    m.unlock();
    group.done();
  });
}

TEST_CASE("waiting for a future that exists") {
  in_fibers_and_threads([] {
    sluice::promise<int> p;
    auto f = p.get_future();
    CHECK(allocated_by([&](int n) {
            for (int i = 0; i < n; ++i) {
              auto d = sluice::done(f);
              auto t = sluice::after(0us);
              static_cast<void>(select(d, t));
            }
          }) == 0);
  });
}

TEST_CASE("a fiber costs one allocation, whatever it does") {
  test::in_runtime([] {
    const channel<int> c(1);
    const long per_round = allocated_by([&](int n) {
      for (int i = 0; i < n; ++i) {
        auto f = sluice::go([c] { c.send(1); });
        c.recv();
        f.get();
      }
    });
    CHECK(per_round <= test::scaled(5'000) + 10);
  });
}
