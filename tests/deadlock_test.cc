// When nothing can happen any more, the program says so at once, names everybody and what they wait for, and ends.
//
// Each scenario runs in a process of its own: there the main thread is the only one that is not the library's. A child that
// must not be reported ends by itself, with 0; one that hangs is ended by an alarm.
#include "tests/support/child.h"
#include "tests/support/harness.h"

#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <string>

using namespace std::chrono_literals;

namespace {

sluice::runtime_options with_test_workers() { return test::with_workers(test::worker_counts().front()); }

template <class F>
int in_child(F f, sluice::runtime_options options = with_test_workers()) {
  alarm(60);
  sluice::run(std::move(options), f);
  return 0;
}

// How often `what` is said.
long times(const test::ended& e, const std::string& what) {
  long n = 0;
  for (auto at = e.error_output.find(what); at != std::string::npos; at = e.error_output.find(what, at + 1)) ++n;
  return n;
}

// The lines about one party, up to the empty line.
std::string about(const test::ended& e, const std::string& name) {
  const auto begin = e.error_output.find("\n" + name);
  if (begin == std::string::npos) return "";
  return e.error_output.substr(begin, e.error_output.find("\n\n", begin) - begin);
}

bool found(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }

const int exits_with = 2;

}  // namespace

// ---- What is one

CHILD_PROGRAM(each_waits_for_the_other) {
  return in_child([] {
    sluice::channel<int> a, b;
    auto ping = sluice::go(sluice::launch{.name = "ping"}, [=] {
      a.recv();
      b.send(1);
    });
    auto pong = sluice::go(sluice::launch{.name = "pong"}, [=] {
      b.recv();
      a.send(1);
    });
    ping.get();
  });
}
TEST_CASE("two fibers, each waits for the other") {
  if (test::tsan) return;  // it has a thread of its own, of which nobody knows what it may do
  const auto e = test::start_child("each_waits_for_the_other");
  CAPTURE(e.error_output);
  CHECK(e.status == exits_with);
  CHECK(times(e, "sluice: deadlock") == 1);
  CHECK(says(e, "3 fibers, 1 thread"));
  CHECK(found(about(e, "fiber 'ping'"), "deadlock_test.cc:"));
  CHECK(found(about(e, "fiber 'ping'"), "waits for recv from channel 0x"));
  CHECK(found(about(e, "fiber 'pong'"), "waits for recv from channel 0x"));
  CHECK(found(about(e, "fiber 'main'"), "waits for the result of fiber 'ping'"));
  CHECK(found(about(e, "main thread"), "waits for the result of fiber 'main'"));
}

CHILD_PROGRAM(mutexes_in_a_circle) {
  return in_child([] {
    static sluice::mutex m, n;
    static sluice::latch both(2);
    const auto lock = [](sluice::mutex& first, sluice::mutex& second) {
      const std::scoped_lock mine(first);
      both.arrive_and_wait();
      const std::scoped_lock never(second);
    };
    sluice::scope s;
    s.go(sluice::launch{.name = "left"}, [&] { lock(m, n); });
    s.go(sluice::launch{.name = "right"}, [&] { lock(n, m); });
    s.join();
  });
}
TEST_CASE("mutexes in a circle: who owns what") {
  if (test::tsan) return;
  const auto e = test::start_child("mutexes_in_a_circle");
  CAPTURE(e.error_output);
  CHECK(e.status == exits_with);
  const auto left = about(e, "fiber 'left'");
  CHECK(found(left, "waits for lock of mutex 0x"));
  CHECK(found(left, "owned by fiber 'right'"));
  CHECK(found(left, "and so on in a circle"));
  CHECK(found(left, "owns mutex 0x"));
  const auto right = about(e, "fiber 'right'");
  CHECK(found(right, "owned by fiber 'left'"));
  CHECK(found(right, "owns mutex 0x"));
  CHECK(found(about(e, "fiber 'main'"), "waits for children 0x"));
  CHECK(!found(about(e, "fiber 'main'"), "in a circle"));
  CHECK(found(about(e, "fiber 'main'"), "2 to go"));
}

CHILD_PROGRAM(owner_has_ended) {
  return in_child([] {
    static sluice::mutex m;
    sluice::go([] { m.lock(); }).get();
    for (int i = 0; i < 100; ++i) sluice::go([] {}).get();  // one of them has the memory of the first
    sluice::go(sluice::launch{.name = "late"}, [] { m.lock(); }).get();
  });
}
TEST_CASE("a mutex whose owner has ended without unlocking it") {
  if (test::tsan) return;
  const auto e = test::start_child("owner_has_ended");
  CAPTURE(e.error_output);
  CHECK(e.status == exits_with);
  CHECK(found(about(e, "fiber 'late'"), "whose owner has ended"));
}

CHILD_PROGRAM(nobody_holds_the_channel) {
  return in_child([] { sluice::go(sluice::launch{.name = "left alone"}, [] { sluice::channel<int>().recv(); }).get(); });
}
TEST_CASE("main waits for a fiber that waits on a channel that nobody holds") {
  if (test::tsan) return;
  const auto e = test::start_child("nobody_holds_the_channel");
  CAPTURE(e.error_output);
  CHECK(e.status == exits_with);
  CHECK(found(about(e, "fiber 'left alone'"), "waits for recv from channel"));
}

CHILD_PROGRAM(select_of_three) {
  return in_child([] {
    sluice::channel<int> c(1);
    sluice::semaphore none(0);
    auto nothing = sluice::never();
    auto value = sluice::recv(c);
    auto two = sluice::acquire(none, 2);
    sluice::select(nothing, value, two);
  });
}
TEST_CASE("a select lists its cases") {
  if (test::tsan) return;
  const auto e = test::start_child("select_of_three");
  CAPTURE(e.error_output);
  CHECK(e.status == exits_with);
  const auto main = about(e, "fiber 'main'");
  CHECK(found(main, "waits for one of 3"));
  CHECK(found(main, "never()"));
  CHECK(found(main, "recv from channel 0x"));
  CHECK(found(main, "permits of semaphore 0x"));
  CHECK(found(main, "2 wanted"));
}

namespace {

struct silent_event {
  using value_type = void;
  bool poll() { return false; }
  bool arm(sluice::waiter&, std::uint32_t) noexcept { return true; }
  void disarm() noexcept {}
  void take() {}
};

}  // namespace

CHILD_PROGRAM(all_kinds_of_events) {
  return in_child([] {
    sluice::broadcast<int> b(1);
    auto subscription = b.subscribe();
    auto [tx, rx] = sluice::one_shot<int>();
    sluice::watch<int> w(0);
    auto watcher = w.watcher();
    sluice::condition c;
    sluice::latch l(7);
    sluice::wait_group g;
    g.add(5);
    sluice::once o;
    sluice::promise<int> p;
    auto f = p.get_future();
    auto e1 = sluice::recv(subscription);
    auto e2 = sluice::recv(rx);
    auto e3 = sluice::changed(watcher);
    auto e4 = sluice::notified(c);
    auto e5 = sluice::opened(l);
    auto e6 = sluice::idle(g);
    auto e7 = sluice::done(o);
    auto e8 = sluice::done(f);
    auto e9 = silent_event();
    sluice::select_set set;
    set.add(sluice::send(sluice::channel<int>(), 1), [](bool) {});
    auto chosen = sluice::choose(sluice::never(), sluice::wrap(sluice::recv(sluice::channel<int>()), [](auto) {}));
    sluice::select(e1, e2, e3, e4, e5, e6, e7, e8, e9, set, chosen);
  });
}
TEST_CASE("every kind of event says what it is") {
  if (test::tsan) return;
  const auto e = test::start_child("all_kinds_of_events");
  CAPTURE(e.error_output);
  CHECK(e.status == exits_with);
  const auto main = about(e, "fiber 'main'");
  for (const char* words : {"waits for one of 12", "recv from broadcast 0x", "recv from one_shot 0x", "change of watch 0x",
                            "condition 0x", "latch 0x", ", 7 to go", "wait_group 0x", ", 5 to go", "once 0x", "future 0x",
                            "an event of type ", "silent_event", "send to channel 0x", "recv from channel 0x", "never()"}) {
    CAPTURE(words);
    CHECK(found(main, words));
  }
}

CHILD_PROGRAM(tasks_too) {
  return in_child([] {
    sluice::channel<int> c;
    sluice::spawn([](sluice::channel<int> in) -> sluice::task<void> { co_await sluice::recv(in); }(c)).get();
  });
}
TEST_CASE("a task that waits is listed") {
  if (test::tsan) return;
  const auto e = test::start_child("tasks_too");
  CAPTURE(e.error_output);
  CHECK(e.status == exits_with);
  CHECK(says(e, "1 fiber, 1 task, 1 thread"));
  CHECK(found(about(e, "task 0x"), "waits for recv from channel 0x"));
  CHECK(found(about(e, "fiber 'main'"), "waits for the result of task 0x"));
}

CHILD_PROGRAM(two_runtimes) {
  alarm(60);
  sluice::runtime a(with_test_workers()), b(with_test_workers());
  sluice::channel<int> c, d;
  auto f = a.go(sluice::launch{.name = "in a"}, [=] { c.recv(), d.send(1); });
  auto g = b.go(sluice::launch{.name = "in b"}, [=] { d.recv(), c.send(1); });
  f.get();
  return 0;
}
TEST_CASE("a deadlock across runtimes is one") {
  if (test::tsan) return;
  const auto e = test::start_child("two_runtimes");
  CAPTURE(e.error_output);
  CHECK(e.status == exits_with);
  CHECK(!about(e, "fiber 'in a'").empty());
  CHECK(!about(e, "fiber 'in b'").empty());
}

CHILD_PROGRAM(threads_that_wait) {
  alarm(60);
  sluice::runtime r(with_test_workers());
  sluice::channel<int> c;
  std::thread other([=] { c.recv(); });
  auto f = r.go([=] { c.recv(); });
  f.get();
  return 0;
}
TEST_CASE("threads that wait for the library's things count as fibers do") {
  if (test::tsan) return;
  const auto e = test::start_child("threads_that_wait");
  CAPTURE(e.error_output);
  CHECK(e.status == exits_with);
  CHECK(says(e, "1 fiber, 2 threads"));
  CHECK(found(about(e, "thread "), "recv from channel"));
}

CHILD_PROGRAM(blocking_jobs_that_wait) {
  return in_child([] {
    sluice::channel<int> c;
    sluice::blocking([] {}).get();  // leaves an idle thread behind, perhaps
    sluice::blocking([=] { c.recv(); }).get();
  });
}
TEST_CASE("so do jobs of blocking()") {
  if (test::tsan) return;
  const auto e = test::start_child("blocking_jobs_that_wait");
  CAPTURE(e.error_output);
  CHECK(e.status == exits_with);
  CHECK(says(e, "1 fiber, 2 threads"));
}

CHILD_PROGRAM(does_not_let_itself_be_ended) {
  return in_child([] {
    sluice::go(sluice::launch{.name = "stubborn"}, [] {
      const sluice::shield always;
      sluice::channel<int>().recv();
    });
    sluice::this_fiber::sleep_for(1ms);
  });
}
TEST_CASE("a fiber that waits under a shield while its runtime ends") {
  if (test::tsan) return;
  const auto e = test::start_child("does_not_let_itself_be_ended");
  CAPTURE(e.error_output);
  CHECK(e.status == exits_with);
  CHECK(found(about(e, "fiber 'stubborn'"), "recv from channel"));
  CHECK(says(e, "the thread that ends the runtime"));
}

CHILD_PROGRAM(after_much_else) {
  return in_child([] {
    std::vector<sluice::future<void>> all;
    for (int i = 0; i < 1000; ++i)
      all.push_back(sluice::go([i] {
        if (i % 3 == 0) sluice::this_fiber::sleep_for(std::chrono::microseconds(i));
        if (i % 7 == 0) sluice::blocking([] {}).get();
      }));
    test::join(all);
    std::thread([] {}).join();
    auto late = sluice::after(1h);
    auto soon = sluice::after(1ms);
    sluice::select(late, soon);  // leaves nothing of the hour behind
    sluice::channel<int>().recv();
  });
}
TEST_CASE("timers, jobs and threads that are over do not hide it") {
  if (test::tsan) return;
  const auto e = test::start_child("after_much_else");
  CAPTURE(e.error_output);
  CHECK(e.status == exits_with);
}

CHILD_PROGRAM(a_thread_ends_without_helping) {
  return in_child([] {
    std::thread([] { std::this_thread::sleep_for(30ms); }).detach();
    sluice::channel<int>().recv();
  });
}
TEST_CASE("a thread that might have helped ends") {
  if (test::tsan) return;
  const auto e = test::start_child("a_thread_ends_without_helping");
  CAPTURE(e.error_output);
  CHECK(e.status == exits_with);
}

// ---- What is none

CHILD_PROGRAM(a_timer_runs) {
  return in_child([] {
    sluice::channel<int> c;
    sluice::go([=] {
      sluice::this_fiber::sleep_for(300ms);
      c.send(1);
    });
    c.recv();
    auto late = sluice::after(100ms);
    auto nothing = sluice::never();
    sluice::select(late, nothing);
    try {
      sluice::with_deadline(100ms, [&] { c.recv(); });
    } catch (const sluice::timed_out&) {}
    sluice::spawn([]() -> sluice::task<void> { co_await sluice::after(100ms); }()).get();
  });
}
CHILD_PROGRAM(a_thread_will_send) {
  return in_child([] {
    sluice::channel<int> c;
    std::thread other([=] {
      std::this_thread::sleep_for(300ms);
      c.send(1);
    });
    c.recv();
    other.join();
  });
}
CHILD_PROGRAM(the_main_thread_will_send) {
  alarm(60);
  sluice::runtime r(with_test_workers());
  sluice::channel<int> c;
  auto f = r.go([=] { c.recv(); });
  std::this_thread::sleep_for(200ms);
  c.send(1);
  f.get();
  return 0;
}
CHILD_PROGRAM(a_job_will_send) {
  return in_child([] {
    sluice::channel<int> c;
    auto f = sluice::blocking([=] {
      std::this_thread::sleep_for(300ms);
      c.send(1);
    });
    c.recv();
    f.get();
  });
}
CHILD_PROGRAM(a_fiber_computes) {
  return in_child([] {
    sluice::channel<int> c;
    sluice::go([=] {
      for (const auto end = std::chrono::steady_clock::now() + 300ms; std::chrono::steady_clock::now() < end;) {}
      c.send(1);
    });
    c.recv();
  });
}
CHILD_PROGRAM(a_thread_waits_with_a_limit) {
  alarm(60);
  sluice::runtime r(with_test_workers());
  sluice::channel<int> c;
  auto f = r.go([=] { c.recv(); });
  try {
    sluice::with_deadline(200ms, [] { sluice::channel<int>().recv(); });
  } catch (const sluice::timed_out&) {}
  c.send(1);
  f.get();
  return 0;
}
CHILD_PROGRAM(blocked_until_the_end) {
  return in_child([] {
    for (int i = 0; i < 10; ++i) sluice::go([] { sluice::channel<int>().recv(); });
    test::let_others_block();
  });
}
CHILD_PROGRAM(back_and_forth) {
  alarm(100);
  sluice::runtime r(with_test_workers());
  sluice::channel<int> there, back;
  r.go([=] {
    for (int v : there) back.send(v);
    back.close();
  });
  for (int i = 0; i < 20'000; ++i) {
    there.send(i);
    if (*back.recv() != i) return 1;
  }
  there.close();
  return 0;
}
CHILD_PROGRAM(runtimes_come_and_go) {
  alarm(100);
  for (int i = 0; i < 300; ++i) {
    sluice::runtime r(with_test_workers());
    sluice::channel<int> c;
    auto f = r.go([=] { return *c.recv(); });
    auto g = sluice::go([=] { c.send(i); });  // in the default runtime
    if (f.get() != i) return 1;
    g.get();
  }
  return 0;
}
TEST_CASE("where somebody will go on, nothing is reported") {
  for (const char* name :
       {"a_timer_runs", "a_thread_will_send", "the_main_thread_will_send", "a_job_will_send", "a_fiber_computes",
        "a_thread_waits_with_a_limit", "blocked_until_the_end", "back_and_forth", "runtimes_come_and_go"}) {
    const auto e = test::start_child(name);
    CAPTURE(name);
    CAPTURE(e.error_output);
    CHECK(e.status == 0);
    CHECK(e.error_output.empty());
  }
}

// ---- What happens then

CHILD_PROGRAM(status_7) {
  auto options = with_test_workers();
  options.deadlock_exit_status = 7;
  return in_child([] { sluice::channel<int>().recv(); }, options);
}
TEST_CASE("the exit status can be chosen") {
  if (test::tsan) return;
  const auto e = test::start_child("status_7");
  CHECK(e.status == 7);
  CHECK(says(e, "sluice: deadlock"));
}

// The handler sees the report as data, and may put things right; and a second deadlock is reported too.
[[gnu::noinline]] void wait_here(const sluice::channel<int>& c) {
  c.recv();
  asm volatile("# wait_here");  // a frame of its own, that of no other function
}

CHILD_PROGRAM(handler_helps) {
  alarm(60);
  sluice::channel<int> c;
  std::atomic<int> calls{0};
  auto options = with_test_workers();
  options.on_deadlock = [&, c](const sluice::deadlock_report& r) {
    bool seen = false;
    for (const auto& w : r.parties)
      seen |= w.what == sluice::waiting_party::kind::fiber && w.name == "'waiting'" && w.waits_for.size() == 1 &&
              found(w.started_at, "deadlock_test.cc:") && found(w.where(), "wait_here");
    std::ostringstream text;
    text << r;
    if (!seen || !found(text.str(), "waiting")) {
      std::fputs(text.str().c_str(), stderr);
      std::_Exit(1);
    }
    ++calls;
    c.send(1);
  };
  sluice::run(options, [=] {
    for (int i = 0; i < 2; ++i) sluice::go(sluice::launch{.name = "waiting"}, [=] { wait_here(c); }).get();
  });
  return calls == 2 ? 0 : 3;
}
TEST_CASE("a handler gets the report, and may go on") {
  if (test::tsan) return;
  const auto e = test::start_child("handler_helps");
  CAPTURE(e.error_output);
  CHECK(e.status == 0);
  CHECK(e.error_output.empty());
}

CHILD_PROGRAM(output_is_kept) {
  static char buffer[4096];
  std::setvbuf(stderr, buffer, _IOFBF, sizeof buffer);
  std::fputs("in a buffer\n", stderr);
  return in_child([] { sluice::channel<int>().recv(); });
}
TEST_CASE("what was printed before is not lost") {
  if (test::tsan) return;
  const auto e = test::start_child("output_is_kept");
  CAPTURE(e.error_output);
  CHECK(e.status == exits_with);
  CHECK(says(e, "in a buffer"));
}
