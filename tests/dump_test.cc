// dump: every fiber is there, with the functions on its stack, whatever it is doing, and the others go on.
#include "tests/support/child.h"
#include "tests/support/harness.h"

#include <sluice/runtime/detail/scheduler_list.h>
#include <sluice/runtime/detail/snapshot.h>
#include <sluice/runtime/detail/symbols.h>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <sstream>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using sluice::channel;
using sluice::detail::fiber_snapshot;
using sluice::detail::runtime_snapshot;

// Functions that are found again by their names. Nothing may follow a call in them but what keeps it from being a tail call.
#define FRAME extern "C" [[gnu::noinline]]
#define NO_TAIL_CALL asm volatile("")

FRAME void dump_test_receives(const channel<int>& c) {
  c.recv();
  NO_TAIL_CALL;
}
FRAME void dump_test_selects(const channel<int>& c) {
  auto a = sluice::recv(c);
  auto b = sluice::never();
  static_cast<void>(sluice::select(a, b));
  NO_TAIL_CALL;
}
FRAME void dump_test_sleeps(const channel<int>&) {
  sluice::this_fiber::sleep_for(1h);
  NO_TAIL_CALL;
}
FRAME void dump_test_calls_receives(const channel<int>& c) {
  dump_test_receives(c);
  NO_TAIL_CALL;
}
FRAME void dump_test_in_handler(const channel<int>& c) {
  try {
    throw 1;
  } catch (int) {
    dump_test_receives(c);
    NO_TAIL_CALL;
  }
}
struct receives_when_destroyed {
  const channel<int>& c;
  ~receives_when_destroyed() { dump_test_receives(c); }
};
FRAME void dump_test_unwinds(const channel<int>& c) {
  try {
    receives_when_destroyed guard{c};
    throw 1;
  } catch (int) {
    NO_TAIL_CALL;
  }
}
FRAME void dump_test_hogs(std::atomic<bool>& started, const std::atomic<bool>& stop) {
  started = true;
  while (!stop) {}
}
[[gnu::noinline]] std::string dump_test_dumps() {
  std::ostringstream text;
  sluice::dump(text);
  return text.str();
}

namespace {

// The lines about fibers of this name: their headers, and the stack that they share.
std::vector<std::string> about(const std::string& dump, const std::string& name) {
  std::istringstream lines(dump);
  std::vector<std::string> paragraph;
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) {
      paragraph.push_back(line);
      continue;
    }
    if (!paragraph.empty() && paragraph[0].find("'" + name + "'") != std::string::npos) return paragraph;
    paragraph.clear();
  }
  return {};
}

bool in_order(const std::vector<std::string>& lines, const std::vector<std::string>& wanted) {
  auto at = lines.begin();
  for (const std::string& each : wanted) {
    at = std::find_if(at, lines.end(), [&](const std::string& line) { return line.find(each) != line.npos; });
    if (at == lines.end()) return false;
    ++at;
  }
  return true;
}

std::string dump_text() {
  std::ostringstream text;
  sluice::dump(text);
  return text.str();
}

bool waits(const std::string& dump, const std::string& name) {
  const auto lines = about(dump, name);
  return !lines.empty() && lines[0].find(", waiting") != std::string::npos;
}

std::vector<runtime_snapshot> snapshots() {
  std::vector<runtime_snapshot> all;
  for (auto* s = sluice::detail::visit_first_scheduler(); s != nullptr; s = sluice::detail::visit_next_scheduler(*s))
    all.push_back(take_snapshot(*s));
  return all;
}

void* function_at(std::uintptr_t pc) { return _Unwind_FindEnclosingFunction(reinterpret_cast<void*>(pc + 1)); }
template <class F>
void* address(F* f) {
  return reinterpret_cast<void*>(f);
}

}  // namespace

TEST_CASE("fibers that wait are shown with the functions on their stacks, in a handler and in unwinding too") {
  test::in_runtime([] {
    channel<int> c;
    const std::vector<std::pair<std::string, void (*)(const channel<int>&)>> kinds = {
        {"receives", dump_test_receives},    {"selects", dump_test_selects},       {"sleeps", dump_test_sleeps},
        {"calls", dump_test_calls_receives}, {"in handler", dump_test_in_handler}, {"unwinds", dump_test_unwinds}};
    std::vector<sluice::future<void>> all;
    for (const auto& [name, body] : kinds) {
      void (*const f)(const channel<int>&) = body;
      for (int i = 0; i < 2; ++i) all.push_back(sluice::go({.name = name}, [f, &c] { f(c); }));
    }
    std::string dump;
    for (const auto& [name, body] : kinds) {
      const std::string who = name;
      REQUIRE(test::eventually([&] {
        sluice::this_fiber::yield();
        return waits(dump = dump_text(), who) && about(dump, who).size() > 2 &&
               about(dump, who)[1].find(", waiting") != std::string::npos;
      }));
    }
    CAPTURE(dump);
    CHECK(in_order(about(dump, "receives"), {"'receives' (#", "'receives' (#", "dump_test_receives"}));
    CHECK(in_order(about(dump, "selects"), {"dump_test_selects"}));
    CHECK(in_order(about(dump, "sleeps"), {"sluice::this_fiber::sleep", "dump_test_sleeps"}));
    CHECK(in_order(about(dump, "calls"), {"dump_test_receives", "dump_test_calls_receives"}));
    CHECK(in_order(about(dump, "in handler"), {"dump_test_receives", "dump_test_in_handler"}));
    CHECK(in_order(about(dump, "unwinds"), {"dump_test_receives", "dump_test_unwinds"}));
    CHECK(dump.find("fiber_main") == std::string::npos);
    CHECK(dump.find("switch_to") == std::string::npos);
    c.close();
    for (auto& f : all) f.cancel();
    for (auto& f : all) f.wait();
  });
}

TEST_CASE("who dumps is shown as running, and a fiber that has not begun as that") {
  test::in_runtime([] {
    sluice::go({.name = "dumper", .pinned = true}, [] {
      auto fresh = sluice::go({.name = "fresh", .pinned = true}, [] {});
      const std::string dump = dump_test_dumps();
      CAPTURE(dump);
      CHECK(in_order(about(dump, "dumper"), {", running", "at sluice::dump", "dump_test_dumps"}));
      CHECK(in_order(about(dump, "dumper"), {"at "}));
      CHECK(about(dump, "main").size() > 1);
      fresh.get();
    }).get();
  });
}

TEST_CASE("a fiber that never waits is shown with its stack") {
  for (const unsigned n : test::worker_counts()) {
    sluice::runtime r(test::with_workers(n));
    std::atomic<bool> started{false}, stop{false};
    auto hog = r.go({.name = "hog"}, [&] { dump_test_hogs(started, stop); });
    while (!started) std::this_thread::yield();
    const std::string dump = dump_text();
    CAPTURE(dump);
    CHECK(in_order(about(dump, "hog"), {", running"}));
    // TSan keeps signals back until the thread calls something.
    if (!test::tsan) CHECK(in_order(about(dump, "hog"), {", running", "dump_test_hogs"}));
    stop = true;
    hog.get();
  }
}

namespace {

FRAME void dump_test_ping(const channel<int>& in, const channel<int>& out, const std::atomic<bool>& stop) {
  for (int i = 0; !stop; ++i) {
    out.send(i);
    in.recv();
  }
  NO_TAIL_CALL;
}
FRAME void dump_test_pong(const channel<int>& in, const channel<int>& out) {
  while (const auto value = in.recv()) out.send(*value);
  NO_TAIL_CALL;
}
FRAME void dump_test_throws(const std::atomic<bool>& stop, test::tally& ok) {
  while (!stop) {
    try {
      throw 7;
    } catch (int caught) {
      sluice::this_fiber::yield();
      ok.expect(caught == 7);
    }
  }
}

// A stack that is torn would not have these. (That of a fiber that dumps may lead over to the one it is looking at.)
void check(const runtime_snapshot& r, test::tally& ok, std::atomic<long>& stacks_seen) {
  void* base = nullptr;
  for (const fiber_snapshot& f : r.fibers) {
    const auto& stack = r.stacks[f.stack];
    if (stack.empty() || f.name == "main") continue;
    std::vector<void*> functions;
    for (const std::uintptr_t pc : stack) functions.push_back(function_at(pc));
    const auto has = [&](void* function) {
      return std::find(functions.begin(), functions.end(), function) != functions.end();
    };
    if (base == nullptr) base = functions.back();
    ok.expect(functions.back() == base);
    if (f.name == "ping") ok.expect(f.state != fiber_snapshot::waiting || has(address(dump_test_ping)));
    if (f.name == "pong") ok.expect(f.state != fiber_snapshot::waiting || has(address(dump_test_pong)));
    if (f.name == "throws") ok.expect(f.state != fiber_snapshot::waiting);
    stacks_seen += f.name == "ping" || f.name == "pong" || f.name == "throws" ? 1 : 0;
  }
}

}  // namespace

TEST_CASE("dumped again and again while fibers switch, start, end and throw: every stack is whole, and nobody is lost") {
  test::in_runtime([] {
    test::tally ok;
    std::atomic<bool> stop{false};
    std::atomic<long> stacks_seen{0};
    std::vector<sluice::future<void>> all;
    for (int i = 0; i < 3; ++i) {
      const channel<int> there, back;
      all.push_back(sluice::go({.name = "ping"}, [=, &stop] {
        dump_test_ping(back, there, stop);
        there.close();
      }));
      all.push_back(sluice::go({.name = "pong"}, [=] { dump_test_pong(there, back); }));
      all.push_back(sluice::go({.name = "throws"}, [&] { dump_test_throws(stop, ok); }));
      all.push_back(sluice::go({.name = "starts"}, [&] {
        long started = 0, ended = 0;
        while (!stop) {
          std::vector<sluice::future<long>> some;
          for (int k = 0; k < 100; ++k) some.push_back(sluice::go({.name = "short"}, [] { return 1L; }));
          for (auto& f : some) ended += f.get();
          started += 100;
        }
        ok.expect(started == ended);
      }));
    }
    std::vector<std::thread> dumpers;
    std::atomic<int> left{2};
    for (int d = 0; d < 2; ++d)
      dumpers.emplace_back([&] {
        for (int i = 0; i < test::scaled(40); ++i)
          for (const runtime_snapshot& r : snapshots()) check(r, ok, stacks_seen);
        --left;
      });
    while (left > 0) {
      for (const runtime_snapshot& r : snapshots()) check(r, ok, stacks_seen);
      { sluice::runtime comes_and_goes(test::with_workers(1)); }
      sluice::this_fiber::sleep_for(1ms);
    }
    for (auto& d : dumpers) d.join();
    stop = true;
    test::join(all);
    CHECK(ok.failures() == 0);
    CHECK(stacks_seen > 0);
  });
}

[[gnu::noinline]] std::string dump_test_asks_where() {
  return sluice::detail::describe_site(sluice::detail::walk_caller().frames());
}

TEST_CASE("where in the user's code: the function, or its line if the program knows it") {
  const std::string site = dump_test_asks_where();
  CAPTURE(site);
  CHECK(site.find("dump_test") != std::string::npos);
}

namespace {

// What is written to standard error from now on, up to and with `last`.
class error_output {
 public:
  error_output() {
    if (pipe(ends_) != 0 || dup2(ends_[1], STDERR_FILENO) < 0) std::abort();
  }
  std::string up_to(const std::string& last) {
    std::string text;
    std::array<char, 1024> part;
    for (ssize_t n; text.find(last) == text.npos && (n = read(ends_[0], part.data(), part.size())) > 0;)
      text.append(part.data(), static_cast<std::size_t>(n));
    return text;
  }

 private:
  int ends_[2];
};

std::atomic<int> heard{0};
void hears(int) { ++heard; }

}  // namespace

// Exit statuses tell where they went wrong.
CHILD_PROGRAM(dumps_on_signal) {
  error_output errors;
  return sluice::run(test::with_workers(2), [&] {
    channel<int> c;
    auto waiter = sluice::go({.name = "waiter"}, [&] { dump_test_receives(c); });
    sluice::dump_on_signal(SIGUSR1);
    sluice::dump_on_signal(SIGUSR2);
    if (!test::eventually([] { return waits(dump_text(), "waiter"); })) return 1;
    for (const int signal_number : {SIGUSR1, SIGUSR2, SIGUSR1}) {
      kill(getpid(), signal_number);
      errors.up_to("dump_test_receives");
    }
    c.close();
    waiter.get();
    try {
      sluice::dump_on_signal(SIGKILL);
      return 2;
    } catch (const std::system_error&) {  // nobody catches that one
    }
    return 0;
  });
}

CHILD_PROGRAM(shares_the_signal) {
  std::signal(SIGURG, hears);
  sluice::runtime r(test::with_workers(1));
  std::atomic<bool> started{false}, stop{false};
  auto hog = r.go({.name = "hog"}, [&] { dump_test_hogs(started, stop); });
  while (!started) std::this_thread::yield();
  int status = 0;
  if (!test::tsan && !in_order(about(dump_text(), "hog"), {"dump_test_hogs"})) status = 1;
  if (heard != 0) status = 2;
  kill(getpid(), SIGURG);
  while (heard == 0) std::this_thread::yield();
  // Who takes the signal for himself has it, and nobody is asked any more.
  std::signal(SIGURG, hears);
  if (!in_order(about(dump_text(), "hog"), {", running"})) status = 3;
  if (heard != 1) status = 4;
  stop = true;
  hog.get();
  return status;
}

CHILD_PROGRAM(has_no_membarrier) {
  sock_filter refuse[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                          BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
                          BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
                          BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  sock_fprog program{sizeof refuse / sizeof refuse[0], refuse};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) return 0;
  return sluice::run(test::with_workers(2), [] {
    channel<int> c;
    std::vector<sluice::future<void>> all;
    for (int i = 0; i < 100; ++i) all.push_back(sluice::go({.name = "waiter"}, [&] { dump_test_receives(c); }));
    test::let_others_block();
    const std::string dump = dump_text();
    c.close();
    test::join(all);
    const bool says_why = dump.find("membarrier") != std::string::npos;
    return says_why && std::count(dump.begin(), dump.end(), '\'') >= 2 * 100 ? 0 : 1;
  });
}

TEST_CASE("a signal has all fibers dumped to standard error, as often as it comes, and the program goes on") {
  if (test::tsan) return;  // it holds signals back while a thread sleeps in a system call of our own
  const auto e = test::start_child("dumps_on_signal");
  CAPTURE(e.error_output);
  CHECK(e.status == 0);
}

TEST_CASE("a handler for SIGURG that was there before still gets it, and one that comes later has it for itself") {
  const auto e = test::start_child("shares_the_signal");
  CAPTURE(e.error_output);
  CHECK(e.status == 0);
}

TEST_CASE("where the kernel does not let fibers be held, all are listed and the dump says why there are no stacks") {
  const auto e = test::start_child("has_no_membarrier");
  CAPTURE(e.error_output);
  CHECK(e.status == 0);
}
