#include "examples/custom_event/latch.h"

#include <doctest/doctest.h>
#include <sluice/sluice.h>

#include <thread>
#include <vector>

using namespace std::chrono_literals;
using custom_event::latch;
using custom_event::opened;

TEST_CASE("opens at zero and stays open") {
  latch l(2);
  auto open = opened(l);
  CHECK(!sluice::try_select(open));
  l.count_down();
  CHECK(!sluice::try_select(open));
  l.count_down();
  CHECK(l.is_open());
  for (int i = 0; i < 2; ++i) CHECK(sluice::select(open) == open);
  latch none(0);
  CHECK(none.is_open());
}

TEST_CASE("loses against a timeout and a channel without leaving a trace") {
  sluice::channel<int> c(1);
  latch l(1);
  for (int i = 0; i < 1000; ++i) {
    auto open = opened(l);
    auto soon = sluice::after(std::chrono::microseconds(i % 20));
    CHECK(sluice::select(open, soon) == soon);
    c.send(i);
    auto value = sluice::recv(c);
    CHECK(sluice::select(open, value) == value);
    CHECK(value.take() == i);
  }
  l.count_down();
}  // wait_list's destructor checks that nobody is left in it

TEST_CASE("lets all fibers and threads through at once, and what came before is visible to them") {
  for (int round = 0; round < 200; ++round) {
    latch start(4), through(6);
    int written[4] = {};
    sluice::run({.workers = 2}, [&] {
      std::vector<sluice::future<void>> all;
      const auto wait = [&] {
        auto open = opened(start);
        auto late = sluice::after(30s);
        CHECK(sluice::select(late, open) == open);
        for (const int w : written) CHECK(w == round + 1);
        through.count_down();
      };
      for (int i = 0; i < 4; ++i) all.push_back(sluice::go(wait));
      std::thread a(wait), b(wait);
      for (int& w : written)
        all.push_back(sluice::go([&] {
          w = round + 1;
          start.count_down();
        }));
      auto open = opened(through);
      sluice::select(open);
      for (auto& f : all) f.get();
      a.join();
      b.join();
    });
  }
}
