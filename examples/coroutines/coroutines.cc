// coroutines - tasks that share a channel with a fiber, and a display that only one thread may touch.
#include "examples/coroutines/event_loop.h"

#include <sluice/sluice.h>

#include <cstdio>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using sluice::async_select, sluice::channel, sluice::recv, sluice::send, sluice::task;

// Only the loop's thread touches it, so it needs no lock.
struct display {
  std::thread::id owner = std::this_thread::get_id();
  long sum = 0;
  int shown = 0;
  int elsewhere = 0;
  void show(long square) {
    elsewhere += std::this_thread::get_id() != owner;
    sum += square;
    ++shown;
  }
};

task<long> square(int n) {
  if (n % 100 == 0) co_await sluice::after(1ms);  // some take longer
  co_return static_cast<long>(n) * n;
}

// On the runtime's workers: takes numbers until there are none, or it is told to quit.
task<int> consumer(channel<int> numbers, channel<long> squares, channel<int> quit) {
  auto number = recv(numbers);
  auto told = recv(quit);
  for (int done = 0;; ++done) {
    const auto won = co_await async_select(number, told);
    const auto n = won == number ? number.take() : std::nullopt;
    if (!n) co_return done;
    co_await send(squares, co_await square(*n));
  }
}

// On the loop: every co_await comes back there.
task<> show_all(channel<long> squares, display& screen) {
  while (auto s = co_await recv(squares)) screen.show(*s);
}

int main() {
  constexpr int n = 1000;
  sluice::runtime rt;
  event_loop loop;
  display screen;
  const channel<int> numbers(16);
  const channel<int> quit;
  const channel<long> squares(16);

  auto fed = rt.go([=] {  // a fiber
    for (int i = 1; i <= n; ++i) numbers.send(i);
    numbers.close();
  });
  std::vector<sluice::future<int>> consumers;
  for (int i = 0; i < 4; ++i) consumers.push_back(rt.spawn(consumer(numbers, squares, quit)));
  auto shown = sluice::spawn(loop, show_all(squares, screen));
  // Begins on the runtime, and brings the news to the loop.
  auto finished = rt.spawn([](std::vector<sluice::future<int>> all, channel<long> out, sluice::future<void> last,
                              event_loop& where) -> task<int> {
    int total = 0;
    for (auto& each : all) total += co_await each;
    out.close();
    co_await last;
    co_await sluice::resume_on(where);
    where.stop();
    co_return total;
  }(std::move(consumers), squares, std::move(shown), loop));

  loop.run();  // the main thread is the loop
  fed.get();
  std::printf("%d numbers, %d shown, %d of them elsewhere, sum %ld\n", finished.get(), screen.shown, screen.elsewhere,
              screen.sum);

  // A task that nobody serves is cancelled like a fiber.
  auto waits = rt.spawn([](channel<int> c) -> task<> { co_await recv(c); }(quit));
  waits.cancel();
  try {
    waits.get();
  } catch (const sluice::cancelled&) {
    std::puts("cancelled");
  }
}
