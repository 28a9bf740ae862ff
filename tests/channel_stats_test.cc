// What channels of all kinds say of themselves: who waits, what they hold, and their names.
#include "tests/support/harness.h"

#include <algorithm>
#include <string>
#include <thread>

using namespace std::chrono_literals;
using sluice::named_channel;
using sluice::overflow;

namespace {

std::vector<named_channel> called(const std::string& name) {
  std::vector<named_channel> found;
  for (auto& c : sluice::named_channels())
    if (c.name == name) found.push_back(c);
  return found;
}

}  // namespace

TEST_CASE("a channel counts what it holds and who waits") {
  test::in_runtime([] {
    const sluice::channel<int> c(2, "counted");
    CHECK(c.stats().capacity == 2);
    CHECK(c.stats().buffered == 0);
    std::vector<sluice::future<void>> all;
    for (int i = 0; i < 3; ++i) all.push_back(sluice::go([=] { c.recv(); }));
    CHECK(test::eventually([&] { return c.stats().waiting_receivers == 3; }));
    CHECK(c.stats().waiting_senders == 0);
    for (int i = 0; i < 5; ++i) c.send(i);
    test::join(all);
    CHECK(c.stats().buffered == 2);
    CHECK(c.stats().waiting_receivers == 0);
    for (int i = 0; i < 2; ++i) all.push_back(sluice::go([=] { c.send(7); }));
    CHECK(test::eventually([&] { return c.stats().waiting_senders == 2; }));
    REQUIRE(called("counted").size() == 1);
    const auto shown = called("counted").front();
    CHECK(shown.kind == std::string("channel"));
    CHECK(shown.figures.waiting_senders == 2);
    CHECK(shown.figures.buffered == 2);
    CHECK(shown.figures.capacity == 2);
    CHECK_FALSE(shown.figures.closed);
    c.close();
    test::join(all);
    CHECK(c.stats().closed);
    CHECK(c.stats().waiting_senders == 0);
    CHECK(c.stats().buffered == 2);
  });
}

TEST_CASE("a select counts once for each of its cases, and not when it is over") {
  test::in_runtime([] {
    const sluice::channel<int> a(0, "a"), b(0, "b");
    auto f = sluice::go([&] {
      auto in = recv(a);
      auto out = send(b, 1);
      select(in, out);
    });
    CHECK(test::eventually([&] { return b.stats().waiting_senders == 1; }));
    CHECK(a.stats().waiting_receivers == 1);
    CHECK(b.recv() == 1);
    f.get();
    CHECK(a.stats().waiting_receivers == 0);
  });
}

TEST_CASE("broadcasts and watches count as well") {
  test::in_runtime([] {
    const sluice::broadcast<int> b(1, "news");
    const sluice::watch<int> w(1, "level");
    CHECK(b.name() == std::string("news"));
    CHECK(w.name() == std::string("level"));
    std::vector<sluice::future<void>> all;
    for (int i = 0; i < 2; ++i) {
      all.push_back(sluice::go([in = b.subscribe()] { in.recv(); }));
      all.push_back(sluice::go([seen = w.watcher()]() mutable { seen.changed(); }));
    }
    CHECK(test::eventually([&] { return b.stats().waiting_receivers == 2 && w.stats().waiting_receivers == 2; }));
    const auto slow = b.subscribe();
    b.send(1);
    w.set(2);
    test::join(all);
    CHECK(b.stats().buffered == 1);
    all.push_back(sluice::go([&] { b.send(2); }));
    CHECK(test::eventually([&] { return b.stats().waiting_senders == 1; }));
    CHECK(w.stats().waiting_receivers == 0);
    CHECK(w.stats().buffered == 1);
    REQUIRE(called("news").size() == 1);
    CHECK(called("news").front().kind == std::string("broadcast"));
    CHECK(called("news").front().figures.waiting_senders == 1);
    REQUIRE(called("level").size() == 1);
    CHECK(called("level").front().kind == std::string("watch"));
    CHECK(slow.recv());
    test::join(all);
    b.close();
    w.close();
    CHECK(b.stats().closed);
    CHECK(w.stats().closed);
  });
}

TEST_CASE("each way to make a channel takes a name") {
  const sluice::channel<int> unbounded(sluice::unbounded, "unbounded");
  const sluice::channel<int> rendezvous(0, "rendezvous");
  const sluice::channel<int> dropping({.capacity = 1, .when_full = overflow::drop_oldest, .name = "dropping"});
  const auto [tx, rx] = sluice::make_channel<int>({.capacity = 3, .name = "with ends"});
  CHECK(unbounded.name() == std::string("unbounded"));
  CHECK(unbounded.stats().capacity == sluice::unbounded);
  CHECK(rendezvous.name() == std::string("rendezvous"));
  CHECK(dropping.name() == std::string("dropping"));
  CHECK(tx.name() == std::string("with ends"));
  CHECK(rx.stats().capacity == 3);
  const auto all = sluice::named_channels();
  const std::vector<std::string> oldest_first{"unbounded", "rendezvous", "dropping", "with ends"};
  CHECK(std::ranges::equal(all, oldest_first, {}, &named_channel::name));
}

TEST_CASE("channels without a name are in no list, and named ones only while they live") {
  CHECK(sluice::named_channels().empty());
  const sluice::channel<int> nameless(1);
  const sluice::broadcast<int> b(1);
  const sluice::watch<int> w(1);
  const sluice::channel<int> null(nullptr);
  CHECK(nameless.name() == std::string());
  CHECK(b.name() == std::string());
  CHECK(w.name() == std::string());
  CHECK(null.name() == std::string());
  CHECK(null.stats().capacity == 0);
  CHECK(sluice::named_channels().empty());
  {
    const sluice::channel<int> one(1, "same"), other(2, "same");
    const auto copy = one;
    REQUIRE(called("same").size() == 2);
    CHECK(called("same")[0].address != called("same")[1].address);
  }
  CHECK(sluice::named_channels().empty());
}

TEST_CASE("channels come and go while others look at them") {
  for (const unsigned n : test::worker_counts()) {
    sluice::runtime rt(test::with_workers(n));
    std::atomic<bool> stop{false};
    test::tally right;
    std::thread observer([&] {
      while (!stop)
        for (const auto& c : sluice::named_channels())
          right.expect(c.name == "busy" && c.figures.buffered <= 4 && c.figures.waiting_receivers <= 4);
    });
    std::vector<sluice::future<void>> all;
    for (int i = 0; i < 4; ++i)
      all.push_back(rt.go([] {
        for (int round = 0; round < test::scaled(2000); ++round) {
          const sluice::channel<std::string> c(4, "busy");
          auto f = sluice::go([=] { c.recv(); });
          for (int k = 0; k < 4; ++k) c.send("some value that lies on the heap");
          f.get();
        }
      }));
    test::join(all);
    stop = true;
    observer.join();
    CHECK(right.failures() == 0);
    CHECK(called("busy").empty());
  }
}
