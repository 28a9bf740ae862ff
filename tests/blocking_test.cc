// blocking(): a pool of threads for what blocks. Nothing is lost, no worker waits, jobs in line can be withdrawn.
#include "tests/support/harness.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <mutex>
#include <pthread.h>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>

using namespace std::chrono_literals;
using sluice::blocking;
using sluice::channel;

namespace {

sluice::runtime_options with_threads(unsigned workers, unsigned threads) {
  auto options = test::with_workers(workers);
  options.blocking_threads = threads;
  return options;
}

// Runs f in a runtime whose pool has that many threads at most, once for each worker count.
template <class F>
void with_pool_of(unsigned threads, F f) {
  for (const unsigned n : test::worker_counts()) {
    test::current_workers = n;
    sluice::run(with_threads(n, threads), f);
  }
  test::current_workers = 0;
}

sluice::detail::blocking_pool::figures figures() {
  return sluice::detail::blocking_threads(sluice::detail::current_scheduler()).count();
}

// Holds up a job until it is opened.
class gate {
 public:
  void open() { open_.store(true); }
  void pass() const {
    while (!open_.load()) std::this_thread::sleep_for(1ms);
  }

 private:
  std::atomic<bool> open_{false};
};

template <class T>
bool ends_cancelled(sluice::future<T>& f) {
  try {
    f.get();
  } catch (const sluice::cancelled&) {
    return true;
  }
  return false;
}

}  // namespace

TEST_CASE("results and exceptions arrive: values, references decayed, move-only, void") {
  with_pool_of(3, [] {
    CHECK(blocking([] { return 42; }).get() == 42);
    CHECK(*blocking([p = std::make_unique<int>(7)]() mutable { return std::move(p); }).get() == 7);
    static int target = 0;
    CHECK(blocking([]() -> int& { return target; }).get() == 0);
    auto nothing = blocking([] { target = 1; });
    nothing.get();
    CHECK(target == 1);
    CHECK_THROWS_WITH_AS(blocking([]() -> int { throw std::runtime_error("eeee"); }).get(), "eeee", std::runtime_error);
    CHECK_THROWS_AS(blocking([] { throw 3; }).get(), int);
    target = 0;
    const auto held = std::make_shared<int>(0);
    for (int i = 0; i < 100; ++i) {
      blocking([held] {}).wait();
      CHECK(held.use_count() == 1);  // what a job captured is gone when its future is ready
    }
  });
}

TEST_CASE("jobs run on threads of their own, which do not occupy the workers") {
  test::in_runtime([](unsigned workers) {
    gate all_run;
    std::atomic<unsigned> inside{0};
    std::vector<sluice::future<std::string>> jobs;
    for (unsigned i = 0; i < workers + 3; ++i)
      jobs.push_back(blocking([&] {
        ++inside;
        all_run.pass();
        char name[32] = {};
        pthread_getname_np(pthread_self(), name, sizeof name);
        return std::string(name);
      }));
    CHECK(test::eventually([&] { return inside == workers + 3; }));
    CHECK(sluice::go([] { return 5; }).get() == 5);
    CHECK(figures().running == workers + 3);
    all_run.open();
    for (auto& j : jobs) CHECK(j.get() == "sluice-block");
  });
}

TEST_CASE("no more threads than allowed; the others stand in line, first come, first served") {
  for (const unsigned threads : {1U, 2U})
    with_pool_of(threads, [threads] {
      gate open;
      std::atomic<unsigned> inside{0}, most{0};
      std::mutex mutex;
      std::vector<int> order;
      std::vector<sluice::future<void>> jobs;
      for (unsigned i = 0; i < threads; ++i)
        jobs.push_back(blocking([&] {
          ++inside;
          open.pass();
        }));
      REQUIRE(test::eventually([&] { return inside == threads; }));
      inside = 0;
      for (int i = 0; i < 40; ++i)
        jobs.push_back(blocking([&, i] {
          const unsigned now = ++inside;
          {
            const std::scoped_lock hold(mutex);
            most = std::max(most.load(), now);
            order.push_back(i);
          }
          std::this_thread::yield();
          --inside;
        }));
      const auto at_most = figures();
      CHECK(at_most.threads == threads);
      CHECK(at_most.queued == 40);
      CHECK(at_most.running == threads);
      open.open();
      test::join(jobs);
      CHECK(most <= threads);
      CHECK(order.size() == 40);
      if (threads == 1) CHECK(std::is_sorted(order.begin(), order.end()));
    });
}

TEST_CASE("a thread that has nothing to do ends") {
  for (const unsigned n : test::worker_counts()) {
    auto options = with_threads(n, 8);
    options.blocking_keep_alive = 20ms;
    sluice::run(options, [] {
      gate open;
      std::atomic<int> inside{0};
      std::vector<sluice::future<void>> jobs;
      for (int i = 0; i < 8; ++i)
        jobs.push_back(blocking([&] {
          ++inside;
          open.pass();
        }));
      REQUIRE(test::eventually([&] { return inside == 8; }));
      CHECK(figures().threads == 8);
      open.open();
      test::join(jobs);
      CHECK(test::eventually([] { return figures().threads == 0; }));
      CHECK(blocking([] { return 1; }).get() == 1);  // and begins anew
    });
  }
}

TEST_CASE("one job after the other needs one thread: the one that fell idle last") {
  for (const unsigned n : test::worker_counts()) {
    auto options = with_threads(n, 8);
    options.blocking_keep_alive = 1h;
    sluice::run(options, [] {
      std::set<std::thread::id> ids;
      for (int i = 0; i < 50; ++i) {
        ids.insert(blocking([] { return std::this_thread::get_id(); }).get());
        REQUIRE(test::eventually([] { return figures().idle == 1; }));
      }
      CHECK(ids.size() == 1);
      CHECK(figures().threads == 1);

      gate open;
      std::atomic<int> inside{0};
      std::vector<sluice::future<void>> burst;
      for (int i = 0; i < 8; ++i)
        burst.push_back(blocking([&] {
          ++inside;
          open.pass();
        }));
      REQUIRE(test::eventually([&] { return inside == 8; }));
      open.open();
      test::join(burst);
      REQUIRE(test::eventually([] { return figures().idle == 8; }));
      ids.clear();
      for (int i = 0; i < 20; ++i) {
        ids.insert(blocking([] { return std::this_thread::get_id(); }).get());
        REQUIRE(test::eventually([] { return figures().idle == 8; }));
      }
      CHECK(ids.size() == 1);
    });
  }
}

TEST_CASE("a runtime that does not use it has no thread for it") {
  test::in_runtime([] { CHECK(figures().threads == 0); });
}

TEST_CASE("a job in line is removed by cancel: it never runs, and its captures are gone when the future is ready") {
  with_pool_of(1, [] {
    gate open;
    std::atomic<bool> inside{false};
    auto first = blocking([&] {
      inside = true;
      open.pass();
    });
    REQUIRE(test::eventually([&] { return inside.load(); }));
    const auto held = std::make_shared<int>(0);
    std::atomic<int> ran{0};
    auto second = blocking([&ran, held] { ++ran; });
    auto third = blocking([&ran, held] { ++ran; });
    CHECK(held.use_count() == 3);
    CHECK(figures().queued == 2);
    CHECK(second.cancel());
    CHECK(second.ready());
    CHECK(held.use_count() == 2);
    CHECK(figures().queued == 1);
    CHECK_FALSE(second.cancel());
    CHECK(ends_cancelled(second));
    CHECK_FALSE(first.cancel());  // it runs, and is not interrupted
    open.open();
    first.get();
    third.get();
    CHECK_FALSE(third.valid());
    CHECK(ran == 1);
  });
}

TEST_CASE("what a cancelled job captured may wait, submit and cancel in its destructor") {
  with_pool_of(1, [] {
    gate open;
    auto first = blocking([&] { open.pass(); });
    struct busybody {
      sluice::future<void> other;
      channel<int> bell;
      ~busybody() {
        if (!other.valid()) return;
        CHECK(other.cancel());
        auto again = blocking([] {});
        CHECK(again.cancel());
        sluice::go([bell = bell] { bell.send(1); });
        CHECK(*bell.recv() == 1);
      }
      explicit busybody(sluice::future<void> f) : other(std::move(f)) {}
      busybody(busybody&&) = default;
      busybody& operator=(busybody&&) = default;
    };
    auto second = blocking([] {});
    REQUIRE(test::eventually([] { return figures().running == 1; }));
    auto third = blocking([b = busybody(std::move(second))] {});
    CHECK(third.cancel());
    open.open();
    first.get();
  });
}

TEST_CASE("a job that takes a stop token is asked, in line it is removed") {
  with_pool_of(1, [] {
    std::atomic<bool> inside{false};
    auto looks = blocking([&](std::stop_token asked) {
      inside = true;
      while (!asked.stop_requested()) std::this_thread::sleep_for(1ms);
      return 9;
    });
    REQUIRE(test::eventually([&] { return inside.load(); }));
    auto in_line = blocking([](const std::stop_token&) { return 1; });
    CHECK(in_line.cancel());
    CHECK(ends_cancelled(in_line));
    CHECK(looks.cancel());
    CHECK(looks.get() == 9);
  });
}

TEST_CASE("cancel against begin: each job runs or is cancelled, and cancel knows which") {
  with_pool_of(2, [] {
    std::atomic<int> ran{0};
    int removed = 0, done = 0;
    constexpr int rounds = test::scaled(20'000);
    std::vector<sluice::future<void>> jobs;
    for (int i = 0; i < rounds; ++i) {
      jobs.push_back(blocking([&] { ++ran; }));
      if (jobs.size() < 8) continue;
      for (std::size_t k = jobs.size(); k-- > 0;) {
        const bool took_out = jobs[k].cancel();
        CHECK(ends_cancelled(jobs[k]) == took_out);
        ++(took_out ? removed : done);
      }
      jobs.clear();
    }
    CHECK(ran == done);
    CHECK(removed + done == rounds / 8 * 8);
    test::join(jobs);
    const auto all = figures();
    CHECK(all.queued == 0);
    CHECK(test::eventually([] { return figures().running == 0; }));
  });
}

TEST_CASE("an error that nobody looks at is reported, once; a departure is not") {
  for (const unsigned n : test::worker_counts()) {
    std::atomic<int> reported{0};
    auto options = with_threads(n, 1);
    options.unobserved_error = [&](std::exception_ptr e) {
      CHECK_THROWS_WITH_AS(std::rethrow_exception(e), "lost", std::runtime_error);
      ++reported;
    };
    sluice::run(options, [] {
      blocking([] { throw std::runtime_error("lost"); });
      auto later = blocking([] { throw std::runtime_error("lost"); });
      later.wait();
      auto seen = blocking([] { throw std::runtime_error("seen"); });
      CHECK_THROWS_AS(seen.get(), std::runtime_error);
      gate open;
      auto first = blocking([&] { open.pass(); });
      blocking([] {}).cancel();
      open.open();
      first.get();
    });
    CHECK(reported == 2);
  }
}

TEST_CASE("deadline and values are inherited, and not those of the job before") {
  with_pool_of(1, [] {
    static constexpr sluice::context_key<std::string> user;
    const auto name = [] { return user.get() != nullptr ? *user.get() : std::string("nobody"); };
    sluice::with_value(user, "ann", [&] {
      CHECK(blocking(name).get() == "ann");
      CHECK(blocking([&] { return blocking(name).cancel() ? "ann" : "ran"; }).get() == std::string("ann"));
    });
    CHECK(blocking(name).get() == "nobody");
    std::string seen_by_callback;
    sluice::with_value(user, "bob", [&] {
      gate open;
      auto job = blocking([&] { open.pass(); });
      const auto told = job.on_ready([&](const auto&) { seen_by_callback = name(); });
      open.open();
      job.get();
    });
    CHECK(seen_by_callback == "nobody");  // it is not part of the job
    const auto wait_for_ever = [] { channel<int>().recv(); };
    sluice::future<void> late;
    sluice::with_deadline(1ms, [&] { late = blocking(wait_for_ever); });
    CHECK_THROWS_AS(late.get(), sluice::deadline_exceeded);
    channel<int> bell;
    auto patient = blocking([bell] { return *bell.recv(); });
    bell.send(4);
    CHECK(patient.get() == 4);
  });
}

TEST_CASE("a job waits on channels, starts fibers and jobs of its own runtime, and may outlast the fiber that made it") {
  with_pool_of(4, [] {
    const auto* const home = &sluice::detail::current_scheduler();
    channel<int> numbers, sums;
    auto adder = blocking([=] {
      int sum = 0;
      for (const int n : numbers) sum += n;
      sums.send(sum);
      return &sluice::detail::current_scheduler();
    });
    auto nested = blocking([=] {
      auto fiber = sluice::go([=] {
        numbers.send(1);
        return &sluice::detail::current_scheduler();
      });
      auto job = blocking([=] {
        numbers.send(2);
        return &sluice::detail::current_scheduler();
      });
      return fiber.get() == home && job.get() == home;
    });
    CHECK(nested.get());
    numbers.close();
    CHECK(*sums.recv() == 3);
    CHECK(adder.get() == home);
  });
}

TEST_CASE("from a plain thread, and from a runtime given by name") {
  test::in_thread([] { CHECK(blocking([] { return 3; }).get() == 3); });
  sluice::runtime r(test::with_workers(1));
  CHECK(r.blocking([] { return 4; }).get() == 4);
  CHECK_THROWS_AS(sluice::runtime(with_threads(1, 0)), std::invalid_argument);
}

TEST_CASE("the end of the runtime cancels what stands in line and waits for what runs") {
  for (const unsigned n : test::worker_counts()) {
    std::atomic<int> finished{0};
    const auto held = std::make_shared<int>(0);
    std::vector<sluice::future<void>> waiting;
    sluice::future<void> runs;
    std::atomic<bool> inside{false};
    {
      sluice::runtime r(with_threads(n, 1));
      runs = r.blocking([&, held] {
        inside = true;
        std::this_thread::sleep_for(20ms);
        ++finished;
      });
      for (int i = 0; i < 5; ++i) waiting.push_back(r.blocking([&, held] { ++finished; }));
      while (!inside) std::this_thread::yield();
    }
    CHECK(finished == 1);
    CHECK(held.use_count() == 1);
    runs.get();
    for (auto& w : waiting) CHECK(ends_cancelled(w));
  }
}

TEST_CASE("the end of the runtime stops the tokens and the waits of running jobs, and refuses new ones") {
  for (const unsigned n : test::worker_counts()) {
    sluice::future<void> waits, looks, unwinds;
    std::atomic<int> late{0};
    {
      sluice::runtime r(test::with_workers(n));
      std::atomic<int> inside{0};
      waits = r.blocking([&] {
        ++inside;
        channel<int> never;
        never.recv();
      });
      looks = r.blocking([&](const std::stop_token& asked) {
        ++inside;
        while (!asked.stop_requested()) std::this_thread::yield();
        std::this_thread::sleep_for(20ms);
        const sluice::shield from_the_end;
        auto refused = blocking([] {});
        if (ends_cancelled(refused)) ++late;
        auto fiber = sluice::go([] {});
        if (ends_cancelled(fiber)) ++late;
      });
      unwinds = r.blocking([&] {
        ++inside;
        struct waits_in_destructor {
          ~waits_in_destructor() {
            auto f = sluice::go([] {});
            f.wait();
          }
        } const at_the_end;
        channel<int>().recv();
      });
      while (inside < 3) std::this_thread::yield();
    }
    CHECK(ends_cancelled(waits));
    looks.get();
    CHECK(late == 2);
    CHECK(ends_cancelled(unwinds));
  }
}

TEST_CASE("cancel from another thread while the runtime ends") {
  for (const unsigned n : test::worker_counts()) {
    for (int i = 0; i < test::scaled(400); ++i) {
      std::atomic<int> ran{0};
      std::vector<sluice::future<void>> jobs;
      std::thread canceller;
      std::atomic<int> ready{0};
      {
        sluice::runtime r(with_threads(n, 1));
        for (int k = 0; k < 100; ++k) jobs.push_back(r.blocking([&] { ++ran; }));
        canceller = std::thread([&] {
          for (++ready; ready < 2;) {}
          for (auto j = jobs.rbegin(); j != jobs.rend(); ++j) j->cancel();
        });
        while (ready < 1) {}
        ++ready;
      }
      canceller.join();
      int cancelled = 0;
      for (auto& j : jobs) cancelled += ends_cancelled(j);
      CHECK(ran + cancelled == 100);
    }
  }
}

TEST_CASE("many submitters, many threads that come and go") {
  for (const unsigned n : test::worker_counts()) {
    auto options = with_threads(n, 6);
    options.blocking_keep_alive = 0ms;
    sluice::run(options, [] {
      std::atomic<int> ran{0};
      std::vector<sluice::future<void>> fibers;
      for (int i = 0; i < 8; ++i)
        fibers.push_back(sluice::go([&] {
          for (int k = 0; k < test::scaled(2000); ++k) {
            auto f = blocking([&] { ++ran; });
            if (k % 3 == 0) f.get();
          }
        }));
      test::join(fibers);
      CHECK(test::eventually([&] { return ran == 8 * test::scaled(2000); }));
    });
  }
}
