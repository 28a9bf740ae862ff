#include "examples/rpc/rental.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <thread>

using namespace std::chrono_literals;
using namespace rpc;

namespace {

std::vector<bicycle> bicycles(int n) {
  std::vector<bicycle> all;
  for (int i = 1; i <= n; ++i) all.emplace_back(i);
  return all;
}
std::vector<int> numbers(const std::vector<bicycle>& all) {
  std::vector<int> n;
  for (const bicycle& b : all) n.push_back(b.number());
  std::sort(n.begin(), n.end());
  return n;
}

}  // namespace

TEST_CASE("clients that come, give up and are cancelled: in the end every bicycle is back") {
  sluice::run({.workers = 2}, [] {
    rental_shop shop;
    auto server = sluice::go([shop, stock = bicycles(3)]() mutable { return serve(shop, std::move(stock)); });
    std::atomic<int> rides{0}, waits_given_up{0};
    const auto client = [&](unsigned seed) {
      for (unsigned i = 0; i < 300; ++i) {
        auto wanted = rent_within(shop, "somebody", std::chrono::microseconds((seed * 37 + i * 11) % 90));
        sluice::select(wanted);
        if (auto b = wanted.take()) {
          ++rides;
          if (i % 3 == 0) sluice::this_fiber::sleep_for(20us);
          shop.returned.send(*std::move(b));
        } else {
          ++waits_given_up;
        }
      }
    };
    std::vector<sluice::future<void>> fibers;
    for (unsigned k = 0; k < 8; ++k) fibers.push_back(sluice::go([&client, k] { client(k); }));
    std::atomic<int> begun{0};
    auto doomed = sluice::go([&] {
      for (;;) {
        auto wanted = rent(shop, "who is called away");
        ++begun;
        sluice::select(wanted);
        shop.returned.send(*wanted.take());
      }
    });
    for (auto& f : fibers) f.get();
    while (begun == 0) sluice::this_fiber::yield();
    while (!doomed.ready()) {
      doomed.cancel();
      sluice::this_fiber::yield();
    }
    CHECK_THROWS_AS(doomed.get(), sluice::cancelled);
    CHECK(rides + waits_given_up == 8 * 300);
    while (shop.returned.size() > 0) sluice::this_fiber::yield();
    shop.requests.close();
    CHECK(numbers(server.get()) == std::vector{1, 2, 3});
  });
}

TEST_CASE("who waits when the shop closes, or comes later, gets none") {
  sluice::run({.workers = 2}, [] {
    rental_shop shop;
    auto server = sluice::go([shop] { return serve(shop, {}); });
    auto waiting = sluice::go([shop] {
      auto b = rent(shop, "Ada");
      sluice::select(b);
      return b.take().has_value();
    });
    sluice::this_fiber::sleep_for(1ms);
    shop.requests.close();
    CHECK_FALSE(waiting.get());
    CHECK(server.get().empty());
    auto late = rent(shop, "Bob");
    sluice::select(late);
    CHECK_FALSE(late.take());
  });
}
