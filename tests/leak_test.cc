// Who waits for ever although the program goes on: asked for on demand, and told when the runtime ends.
#include "tests/support/child.h"
#include "tests/support/harness.h"

#include <algorithm>
#include <optional>
#include <sstream>
#include <string>

using namespace std::chrono_literals;

namespace {

std::optional<sluice::waiting_party> find(const std::vector<sluice::waiting_party>& all, const std::string& name) {
  const auto at = std::find_if(all.begin(), all.end(), [&](const auto& w) { return w.name == name; });
  return at != all.end() ? std::optional(*at) : std::nullopt;
}

// The same for one that must be there.
sluice::waiting_party get(const std::vector<sluice::waiting_party>& all, const std::string& name) {
  const auto found = find(all, name);
  std::ostringstream seen;
  for (const auto& each : all) seen << each << '\n';
  REQUIRE_MESSAGE(found.has_value(), name, " is not among\n", seen.str());
  return *found;
}

// As soon as all of them wait.
std::vector<sluice::waiting_party> when_waiting(const std::vector<std::string>& names,
                                                std::chrono::nanoseconds at_least = 0ns) {
  std::vector<sluice::waiting_party> all;
  CHECK(test::eventually([&] {
    all = sluice::waiting_parties(at_least);
    return std::all_of(names.begin(), names.end(), [&](const auto& n) { return find(all, n).has_value(); });
  }));
  return all;
}

bool contains(const std::string& text, const char* what) { return text.find(what) != std::string::npos; }

}  // namespace

TEST_CASE("on demand: who waits, for what, since at least when, started where") {
  test::in_runtime([] {
    sluice::channel<int> c({.name = "jobs"});
    auto f = sluice::go(sluice::launch{.name = "worker"}, [=] { return c.recv().value(); });
    const auto all = when_waiting({"'worker'"}, 20ms);
    const auto w = find(all, "'worker'");
    REQUIRE(w);
    CHECK(w->what == sluice::waiting_party::kind::fiber);
    REQUIRE(w->waits_for.size() == 1);
    CHECK(w->waits_for[0] == "recv from channel 'jobs'");
    CHECK(contains(w->started_at, "leak_test.cc:"));
    CHECK(w->waited == 20ms);
    CHECK(!w->in_circle);
    CHECK(!w->stack.empty());
    std::ostringstream text;
    text << *w;
    CHECK(contains(text.str(), "has waited 0.02 s for recv from channel 'jobs'"));
    c.send(1);
    CHECK(f.get() == 1);
    CHECK(!find(sluice::waiting_parties(), "'worker'"));
  });
}

TEST_CASE("channels whose only users wait in them, until somebody else has a handle") {
  test::in_runtime([] {
    std::vector<sluice::future<void>> all;
    const auto wait_in = [&](std::string name, auto waits) { all.push_back(sluice::go({.name = std::move(name)}, waits)); };
    std::optional<sluice::channel<int>> jobs(std::in_place), more(std::in_place), used(std::in_place);
    wait_in("one", [c = *jobs] { c.recv(); });
    wait_in("two", [c = *jobs, d = *more] {
      auto job = sluice::recv(c), other = sluice::recv(d);
      static_cast<void>(sluice::select(job, other));
    });
    wait_in("with a limit", [c = *more] {
      try {
        sluice::with_deadline(1h, [&] { c.recv(); });
      } catch (const sluice::cancelled&) {}
    });
    wait_in("of use", [c = *used] { c.recv(); });
    const auto abandoned = [&](const char* name) {
      return get(when_waiting({"'one'", "'two'", "'with a limit'", "'of use'"}), name).abandoned;
    };
    CHECK(!abandoned("'one'"));
    jobs.reset();
    more.reset();
    CHECK(abandoned("'one'"));
    CHECK(!abandoned("'two'"));  // the one with a limit goes on some time
    CHECK(!abandoned("'with a limit'"));
    CHECK(!abandoned("'of use'"));
    all[2].cancel();
    all[2].wait();
    const auto left = when_waiting({"'one'", "'two'"});
    CHECK(get(left, "'two'").abandoned);
    std::ostringstream text;
    text << *find(left, "'two'");
    CHECK(contains(text.str(), "nobody else seems to have a handle"));
    for (auto& each : all) each.cancel();
    for (auto& each : all) each.wait();
  });
}

TEST_CASE("a partial deadlock: mutexes in a circle while others go on") {
  test::in_runtime([] {
    sluice::mutex m, n;
    sluice::latch both(2);
    const auto lock = [&](sluice::mutex& first, sluice::mutex& second) {
      const std::scoped_lock mine(first);
      both.arrive_and_wait();
      const std::scoped_lock other(second);
    };
    auto left = sluice::go(sluice::launch{.name = "left"}, [&] { lock(m, n); });
    auto right = sluice::go(sluice::launch{.name = "right"}, [&] { lock(n, m); });
    both.wait();  // else the next one might be before them
    auto behind = sluice::go(sluice::launch{.name = "behind"}, [&] { const std::scoped_lock l(m); });
    auto apart = sluice::go(sluice::launch{.name = "apart"}, [&] { sluice::channel<int>().recv(); });
    const auto all = when_waiting({"'left'", "'right'", "'behind'", "'apart'"});
    CHECK(test::eventually([&] { return get(sluice::waiting_parties(), "'left'").in_circle; }));
    const auto again = sluice::waiting_parties(1ms);
    CHECK(get(again, "'left'").in_circle);
    CHECK(contains(get(again, "'left'").waits_for.at(0), "owned by fiber 'right'"));
    CHECK(get(again, "'left'").owns.size() == 1);
    CHECK(get(again, "'right'").in_circle);
    CHECK(!get(again, "'behind'").in_circle);
    CHECK(contains(get(again, "'behind'").waits_for.at(0), "owned by fiber 'left'"));
    CHECK(!get(again, "'apart'").in_circle);
    left.cancel();
    right.get();
    behind.get();
    apart.cancel();
    CHECK_THROWS_AS(left.get(), sluice::cancelled);
  });
}

TEST_CASE("fibers that wait for each other's results") {
  test::in_runtime([] {
    sluice::promise<sluice::future<void>> of_second;
    auto first = sluice::go(sluice::launch{.name = "first"}, [f = of_second.get_future()]() mutable { f.get().get(); });
    sluice::channel<int> stop;
    auto second = sluice::go(sluice::launch{.name = "second"}, [&] { first.wait(); });
    of_second.set_value(std::move(second));
    const auto all = when_waiting({"'first'", "'second'"});
    CHECK(test::eventually([] {
      const auto now = sluice::waiting_parties();
      return get(now, "'first'").in_circle && get(now, "'second'").in_circle;
    }));
    CHECK(get(sluice::waiting_parties(), "'second'").waits_for.at(0) == "the result of fiber 'first'");
    CHECK(first.cancel());
    first.wait();
  });
}

TEST_CASE("no circle is seen where two lock in turn, however often one looks") {
  test::in_runtime([] {
    sluice::mutex m, n;
    std::atomic<bool> stop{false};
    std::vector<sluice::future<void>> all;
    for (int i = 0; i < 4; ++i)
      all.push_back(sluice::go([&] {
        while (!stop) {
          const std::scoped_lock a(m);
          sluice::this_fiber::yield();
          const std::scoped_lock b(n);
          sluice::this_fiber::yield();
        }
      }));
    for (int i = 0; i < test::scaled(200); ++i)
      for (const auto& w : sluice::waiting_parties()) CHECK(!w.in_circle);
    stop = true;
    test::join(all);
  });
}

TEST_CASE("threads that wait are listed, and nothing that has ended") {
  test::in_runtime([] {
    sluice::channel<int> c({.name = "for a thread"});
    std::thread t([=] { c.recv(); });
    CHECK(test::eventually([] {
      const auto all = sluice::waiting_parties();
      return std::any_of(all.begin(), all.end(), [](const auto& w) {
        return w.what == sluice::waiting_party::kind::thread && w.waits_for.at(0) == "recv from channel 'for a thread'";
      });
    }));
    c.send(1);
    t.join();
  });
}

TEST_CASE("looking while fibers come, wait and go") {
  test::in_runtime([] {
    std::atomic<bool> stop{false};
    auto churn = sluice::go([&] {
      while (!stop) {
        sluice::channel<int> c;
        sluice::scope s;
        for (int i = 0; i < 20; ++i)
          s.go(sluice::launch{.name = "short"}, [=] {
            auto value = sluice::recv(c);
            auto late = sluice::after(1h);
            auto set = sluice::choose(std::move(value), late);
            auto nothing = sluice::never();
            sluice::select(set, nothing);
          });
        for (int i = 0; i < 20; ++i) c.send(i);
        s.join();
      }
    });
    for (int i = 0; i < test::scaled(400); ++i) sluice::waiting_parties();
    stop = true;
    churn.get();
  });
}

TEST_CASE("at the end of a runtime: those that have waited for longer than the limit") {
  for (const unsigned n : test::worker_counts()) {
    std::vector<sluice::leak_report> reports;
    auto options = test::with_workers(n);
    options.leak_limit = 50ms;
    options.on_leak = [&](const sluice::leak_report& r) { reports.push_back(r); };
    sluice::run(options, [] {
      sluice::go(sluice::launch{.name = "forgotten"}, [] { sluice::channel<int>({.name = "nobody's"}).recv(); });
      sluice::go(sluice::launch{.name = "ends"}, [] { sluice::this_fiber::sleep_for(1ms); });
      sluice::this_fiber::sleep_for(200ms);
      sluice::go(sluice::launch{.name = "late"}, [] { sluice::channel<int>().recv(); });
      sluice::this_fiber::yield();
    });
    REQUIRE(reports.size() == 1);
    CHECK(reports[0].limit == 50ms);
    const auto forgotten = find(reports[0].fibers, "'forgotten'");
    REQUIRE(forgotten);
    CHECK(forgotten->waits_for.at(0) == "recv from channel 'nobody\'s'");
    CHECK(forgotten->waited >= 50ms);
    CHECK(contains(forgotten->started_at, "leak_test.cc:"));
    CHECK(!find(reports[0].fibers, "'ends'"));
    std::ostringstream text;
    text << reports[0];
    CHECK(contains(text.str(), "had waited for longer than 50 ms"));

    reports.clear();
    options.leak_limit = 1h;
    sluice::run(options, [] {
      sluice::go([] { sluice::channel<int>().recv(); });
      test::let_others_block();
    });
    CHECK(reports.empty());
  }
}

CHILD_PROGRAM(leaks_by_default) {
  auto options = test::with_workers(2);
  options.leak_limit = 20ms;
  sluice::run(options, [] {
    sluice::go(sluice::launch{.name = "forgotten"}, [] { sluice::channel<int>().recv(); });
    sluice::this_fiber::sleep_for(100ms);
  });
  return 0;
}
CHILD_PROGRAM(leaks_not_asked_for) {
  sluice::run(test::with_workers(2), [] {
    sluice::go([] { sluice::channel<int>().recv(); });
    sluice::this_fiber::sleep_for(100ms);
  });
  return 0;
}
TEST_CASE("by default it is printed if a limit was set, and the program goes on") {
  const auto e = test::start_child("leaks_by_default");
  CAPTURE(e.error_output);
  CHECK(e.status == 0);
  CHECK(contains(e.error_output, "sluice: when a runtime ended"));
  CHECK(contains(e.error_output, "fiber 'forgotten', started at "));
  const auto silent = test::start_child("leaks_not_asked_for");
  CHECK(silent.status == 0);
  CHECK(silent.error_output.empty());
}
