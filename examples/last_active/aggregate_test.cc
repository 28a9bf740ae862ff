// The aggregator against a writer that the test plays. Everything here runs on plain threads.
#include "examples/last_active/aggregate.h"

#include <doctest/doctest.h>

#include <future>
#include <string>
#include <thread>

using namespace last_active;
using namespace std::chrono_literals;

namespace {

struct bench {
  options o;
  stats counts;
  interrupt stop;
  sluice::channel<parsed> events{2};
  sluice::channel<user_times> batches{1};
  sluice::channel<written> results{1};

  std::future<aggregate_result> start() {
    return std::async(std::launch::async, [this] { return aggregate(events, batches, results, o, counts, stop); });
  }
  // One chunk with the users first, first+1, ... each active at `when`.
  bool feed(int first, int count, std::int64_t when) {
    user_times users;
    for (int i = first; i < first + count; ++i) users.note("user" + std::to_string(i), when);
    parsed p;
    auto bytes = std::make_unique_for_overwrite<char[]>(static_cast<std::size_t>(count) * 16);
    char* at = bytes.get();
    p.newest = users.entries();
    for (auto& e : p.newest) {
      e.user.copy(at, e.user.size());
      e.user = {at, e.user.size()};
      at += e.user.size();
    }
    p.lines.bytes = std::move(bytes);
    return events.send(std::move(p));
  }
  void report(std::string error = {}, user_times batch = user_times{}) {
    CHECK(results.send(written{std::move(batch), std::move(error)}));
  }
};

}  // namespace

TEST_CASE("nothing is handed to the writer before the table is there; then one batch a tick, merged meanwhile") {
  bench b;
  b.o.tick = 5ms;
  auto done = b.start();
  b.feed(0, 3, 10);
  std::this_thread::sleep_for(50ms);
  CHECK(b.batches.size() == 0);
  b.report();
  auto first = b.batches.recv();
  REQUIRE(first);
  CHECK(first->size() == 3);
  b.feed(0, 4, 20);
  b.feed(2, 4, 30);
  std::this_thread::sleep_for(50ms);  // many ticks, but the writer is busy
  CHECK(b.batches.size() == 0);
  b.report();
  auto second = b.batches.recv();
  REQUIRE(second);
  CHECK(second->size() == 6);
  b.report();
  b.feed(9, 1, 1);
  b.events.close();
  auto last = b.batches.recv();
  REQUIRE(last);
  CHECK(last->size() == 1);
  b.report();
  const auto result = done.get();
  CHECK(result.unwritten == 0);
  CHECK(result.error.empty());
}

TEST_CASE("the end does not wait for the tick") {
  bench b;
  b.o.tick = 1h;
  auto done = b.start();
  b.report();
  b.feed(0, 1, 1);
  b.events.close();
  REQUIRE(b.batches.recv());
  b.report();
  CHECK(done.get().unwritten == 0);
}

TEST_CASE("back-pressure: too many users waiting hold up the readers until the writer is done") {
  bench b;
  b.o.tick = 1ms;
  b.o.max_pending = 10;
  auto done = b.start();
  int fed = 0;
  std::promise<void> all_fed;
  std::thread reader([&] {
    for (; fed < 50; ++fed) CHECK(b.feed(fed * 5, 5, 1));
    b.events.close();
    all_fed.set_value();
  });
  CHECK(all_fed.get_future().wait_for(100ms) == std::future_status::timeout);  // the writer is not ready yet
  CHECK(b.counts.pending == 10);
  std::size_t users = 0;
  for (b.report(); users < 250;) {
    auto batch = b.batches.recv();
    REQUIRE(batch);
    CHECK(batch->size() <= 10);
    users += batch->size();
    b.report();
  }
  CHECK(users == 250);
  CHECK(done.get().unwritten == 0);
  reader.join();
}

TEST_CASE("a writer that gives up: reading stops, and all users that are not written are counted once") {
  bench b;
  b.o.tick = 1ms;
  b.o.max_pending = 5;
  auto done = b.start();
  b.report();
  b.feed(0, 4, 1);
  auto batch = b.batches.recv();
  REQUIRE(batch);
  b.feed(2, 4, 1);
  b.report("the disk is gone", std::move(*batch));
  CHECK(!b.stop.stopping().recv());                // closed by the request
  for (int i = 0; i < 10; ++i) b.feed(100, 7, 1);  // what the stages before still had: taken, in spite of max_pending
  b.events.close();
  const auto result = done.get();
  CHECK(result.error == "the disk is gone");
  CHECK(result.unwritten == 6 + 7);
  CHECK(b.batches.size() == 0);
}

TEST_CASE("an error from upstream is reported after what came before it is written") {
  bench b;
  auto done = b.start();
  b.report();
  b.feed(0, 2, 1);
  b.events.close(std::make_exception_ptr(std::runtime_error("out of something")));
  auto batch = b.batches.recv();
  REQUIRE(batch);
  CHECK(batch->size() == 2);
  b.report();
  const auto result = done.get();
  CHECK(result.error == "out of something");
  CHECK(result.unwritten == 0);
}
