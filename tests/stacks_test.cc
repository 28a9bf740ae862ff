// Stacks: a million of them, their guards where the kernel has light ones and where not, what they cost, how deep they were,
// and that their memory goes back when nobody needs it.
#include "tests/support/child.h"
#include "tests/support/harness.h"

#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <set>
#include <sluice/runtime/detail/stack_pool.h>
#include <string>
#include <sys/resource.h>
#include <thread>

using namespace std::chrono_literals;
using sluice::stack_guards;
using sluice::detail::guard_size;
using sluice::detail::stack;
using sluice::detail::stack_magazine;
using sluice::detail::stack_pool;
using sluice::detail::steady_time;

namespace {

constexpr std::size_t small = 64 * 1024 * sluice::detail::stack_scale;

std::size_t resident_bytes() {
  std::size_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * 4096;
}
std::size_t mappings() {
  std::size_t n = 0;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) ++n;
  return n;
}
long map_limit() {
  long n = 0;
  std::ifstream("/proc/sys/vm/max_map_count") >> n;
  return n;
}

int failed(const std::string& what) {
  std::fprintf(stderr, "failed: %s\n", what.c_str());
  return 1;
}

// Many fibers that all wait in one channel, and how each of them ends.
class crowd {
 public:
  explicit crowd(std::size_t most) { members_.reserve(most); }

  void add(std::size_t n) {
    for (std::size_t i = 0; i < n; ++i)
      members_.push_back(sluice::go([this] {
        ++begun_;
        gate_.recv();
      }));
  }
  bool all_wait() {
    return test::eventually([this] { return begun_ + failed_by_now() == members_.size(); });
  }
  // Lets them go; how many ended with std::bad_alloc, and the words of the last of those.
  std::pair<std::size_t, std::string> release() {
    gate_.close();
    std::pair<std::size_t, std::string> refused;
    for (auto& m : members_) {
      try {
        m.get();
      } catch (const std::bad_alloc& e) {
        refused = {refused.first + 1, e.what()};
      }
    }
    members_.clear();
    return refused;
  }

 private:
  // Those that are refused are ready before they have begun.
  std::size_t failed_by_now() {
    std::size_t n = 0;
    for (auto& m : members_) n += m.ready() ? 1 : 0;
    return n;
  }

  sluice::channel<int> gate_;
  std::atomic<std::size_t> begun_{0};
  std::vector<sluice::future<void>> members_;
};

// A stack of the pool's, its topmost pages written to.
void use(const stack& s, std::size_t bytes) { std::memset(s.bottom + s.size - bytes, 1, bytes); }

std::vector<stack> take(stack_pool& pool, std::size_t n) {
  std::vector<stack> all;
  while (all.size() < n) {
    stack some[8];
    const std::size_t got = pool.get(std::span(some).first(std::min<std::size_t>(8, n - all.size())));
    if (got == 0) break;
    all.insert(all.end(), some, some + got);
  }
  return all;
}

// As a busy or an idle worker would call it.
void tidy_until(stack_pool& pool, steady_time& now, steady_time end) {
  while (now < end) {
    const steady_time next = pool.tidy(now);
    now = std::min(end, std::max(next, now + 1ms));
  }
}

[[gnu::noinline]] int go_down(std::size_t bytes) {
  volatile char frame[1024];
  std::memset(const_cast<char*>(frame), 1, sizeof frame);
  return bytes > sizeof frame ? go_down(bytes - sizeof frame) + frame[0] : 0;
}

}  // namespace

// ---- The pool

TEST_CASE("stacks of a pool do not overlap, and are given out again, the last one first") {
  stack_pool pool(small, stack_guards::always);
  std::vector<stack> all = take(pool, 100);
  REQUIRE(all.size() == 100);
  std::set<std::byte*> seen;
  for (const stack& s : all) {
    CHECK(s.size == small);
    CHECK(s.top() <= s.bottom + s.size);
    CHECK(s.top() > s.bottom + s.size - 2048);
    std::memset(s.bottom, 1, s.size);
    seen.insert(s.bottom);
  }
  CHECK(seen.size() == all.size());
  for (const std::byte* low = nullptr; const std::byte* bottom : seen) {
    if (low != nullptr) CHECK(static_cast<std::size_t>(bottom - low) >= small + guard_size);
    low = bottom;
  }
  pool.put(std::span(all).subspan(0, 99));
  pool.put(std::span(all).subspan(99, 1));
  const auto again = take(pool, 1);
  CHECK(again.front().home == all.back().home);
  for (const stack& s : take(pool, 99)) seen.erase(s.bottom);
  seen.erase(again.front().bottom);
  CHECK(seen.empty());
  pool.put(all);
}

TEST_CASE("a magazine keeps the stack that was used last for the next fiber") {
  stack_pool pool(small, stack_guards::always);
  stack_magazine magazine(pool);
  std::vector<stack> out;
  for (int i = 0; i < 200; ++i) out.push_back(magazine.get());
  std::set<std::byte*> all;
  for (const stack& s : out) all.insert(s.bottom);
  CHECK(all.size() == 200);
  for (const stack& s : out) {
    magazine.put(s);
    const stack again = magazine.get();
    CHECK(again.bottom == s.bottom);
    magazine.put(again);
  }
  for (int i = 0; i < 200; ++i) all.erase(magazine.get().bottom);  // none was lost or made twice
  CHECK(all.empty());
  for (const stack& s : out) magazine.put(s);
}

TEST_CASE("what nobody has needed for a while goes back, and what is in use stays as it is") {
  if (test::sanitized) return;  // resident memory is theirs
  constexpr std::size_t n = 4000, each = 16 * 1024;
  stack_pool pool(small, stack_guards::always);
  auto all = take(pool, n);
  REQUIRE(all.size() == n);
  for (const stack& s : all) use(s, each);
  const std::size_t full = resident_bytes();
  SUBCASE("all of them are idle") {
    pool.put(all);
    steady_time now = std::chrono::steady_clock::now();
    tidy_until(pool, now, now + 1s);
    CHECK(resident_bytes() + n * each / 10 > full);  // too early
    tidy_until(pool, now, now + 10s);
    CHECK(resident_bytes() + (n - 2 * stack_pool::always_kept) * each < full);
    CHECK(pool.tidy(now) == steady_time::max());
  }
  SUBCASE("one of every ten stays out, and every chunk with it") {
    std::vector<stack> kept, idle;
    for (std::size_t i = 0; i < n; ++i) (i % 10 == 0 ? kept : idle).push_back(all[i]);
    pool.put(idle);
    steady_time now = std::chrono::steady_clock::now();
    tidy_until(pool, now, now + 10s);
    CHECK(resident_bytes() + (n * 9 / 10 - 2 * stack_pool::always_kept) * each < full);
    long wrong = 0;
    for (const stack& s : kept)
      for (std::size_t i = 1; i <= each; ++i) wrong += s.bottom[s.size - i] != std::byte{1};
    CHECK(wrong == 0);
    // Those that were emptied serve again, and are stacks like any others.
    auto again = take(pool, n * 9 / 10);
    CHECK(again.size() == n * 9 / 10);
    for (const stack& s : again) std::memset(s.bottom, 2, s.size);
    pool.put(again);
    pool.put(kept);
  }
}

TEST_CASE("who takes as many again and again keeps them") {
  constexpr std::size_t n = 2000;
  stack_pool pool(small, stack_guards::always);
  std::vector<stack> all = take(pool, n);
  REQUIRE(all.size() == n);
  for (const stack& s : all) use(s, 1);
  steady_time now = std::chrono::steady_clock::now();
  for (int round = 0; round < 10; ++round) {
    pool.put(all);
    tidy_until(pool, now, now + 900ms);
    all = take(pool, n);
    long emptied = 0;
    for (const stack& s : all) emptied += s.bottom[s.size - 1] != std::byte{1};
    CHECK(emptied == 0);
  }
  pool.put(all);
}

TEST_CASE("a few are always kept") {
  stack_pool pool(small, stack_guards::always);
  auto all = take(pool, 4 * stack_pool::always_kept);
  for (const stack& s : all) use(s, 1);
  pool.put(all);
  steady_time now = std::chrono::steady_clock::now();
  tidy_until(pool, now, now + 10s);
  const auto kept = take(pool, stack_pool::always_kept - 32);  // chunks go as a whole
  for (const stack& s : kept) CHECK(s.bottom[s.size - 1] == std::byte{1});
  pool.put(kept);
}

TEST_CASE("threads that take and give while others tidy up never have the same stack") {
  stack_pool pool(small, stack_guards::always);
  test::tally wrong;
  std::atomic<int> busy{3};
  std::vector<std::thread> threads;
  for (int id = 1; id <= 3; ++id)
    threads.emplace_back([&, id] {
      const auto mark = static_cast<std::byte>(id);
      stack_magazine magazine(pool);
      sluice::detail::random_source random(static_cast<std::uint64_t>(id));
      std::vector<stack> mine;
      for (int round = 0; round < test::scaled(400); ++round) {
        for (std::size_t n = random.below(600); mine.size() < n;) {
          mine.push_back(magazine.get());
          mine.back().bottom[mine.back().size - 1] = mark;
        }
        for (std::size_t n = random.below(200); mine.size() > n; mine.pop_back()) {
          wrong.expect(mine.back().bottom[mine.back().size - 1] == mark);
          magazine.put(mine.back());
        }
      }
      for (const stack& s : mine) magazine.put(s);
      --busy;
    });
  threads.emplace_back([&] {
    for (steady_time now = std::chrono::steady_clock::now(); busy > 0; now += 500ms) pool.tidy(now);
  });
  for (auto& t : threads) t.join();
  CHECK(wrong.failures() == 0);
}

// ---- How deep

TEST_CASE("a fiber can tell how deep its stack has been") {
  test::in_runtime([] {
    constexpr std::size_t size = 256 * 1024;
    sluice::go(sluice::launch{.stack_size = size}, [] {
      const auto before = sluice::this_fiber::stack_used();
      CHECK(before.size == size * sluice::detail::stack_scale);
      CHECK(before.used > 0);
      CHECK(before.used < (test::sanitized ? 64 : 8) * 1024);
      for (const std::size_t depth : {std::size_t{20'000}, std::size_t{100'000}, std::size_t{50'000}}) {
        const std::size_t so_far = sluice::this_fiber::stack_used().used;
        go_down(depth);
        const auto now = sluice::this_fiber::stack_used();
        CHECK(now.used >= std::max(depth, so_far));
        if (!test::sanitized) CHECK(now.used < std::max(2 * depth, so_far + 4096));
        sluice::this_fiber::yield();
        CHECK(sluice::this_fiber::stack_used().used >= now.used);
      }
      const std::size_t twice = sluice::this_fiber::stack_used().used;
      CHECK(sluice::this_fiber::stack_used().used == twice);  // asking does not count
    }).get();
  });
}

TEST_CASE("pages that were never touched stay so, and a hole above the deepest frame does not hide it") {
  const stack s = sluice::detail::map_stack(1024 * 1024, stack_guards::always);
  REQUIRE(s);
  CHECK(sluice::detail::stack_used(s) == 0);
  s.bottom[s.size - 100] = std::byte{1};
  CHECK(sluice::detail::stack_used(s) >= 100);
  CHECK(sluice::detail::stack_used(s) < 108);
  s.bottom[s.size - 300'000] = std::byte{1};
  CHECK(sluice::detail::stack_used(s) >= 300'000);
  CHECK(sluice::detail::stack_used(s) < 300'008);
  s.bottom[0] = std::byte{1};
  CHECK(sluice::detail::stack_used(s) == s.size);
  sluice::detail::forget_contents(s);
  CHECK(sluice::detail::stack_used(s) == 0);
  sluice::detail::unmap_stack(s);
}

TEST_CASE("a plain thread has no fiber's stack") {
  CHECK(sluice::this_fiber::stack_used().size == 0);
  CHECK(sluice::this_fiber::stack_used().used == 0);
}

// ---- Many

// Benchmark W10 does it with a million.
CHILD_PROGRAM(very_many) {
  return sluice::run(test::with_workers(test::worker_counts().back()), [] {
    constexpr std::size_t n = 200'000;
    crowd all(n);
    const std::size_t before = resident_bytes();
    all.add(n);
    if (!all.all_wait()) return failed("they do not all wait");
    const std::size_t each = (resident_bytes() - before) / n;
    if (each > 4505) return failed("each takes " + std::to_string(each) + " bytes, more than 4.4 KiB");
    if (mappings() > 1000) return failed("their guards take mappings");
    if (all.release().first != 0) return failed("some had no stack");
    return 0;
  });
}

TEST_CASE("very many fibers wait in one channel, each with its guard, for 4.4 KiB") {
  if (test::sanitized) return;
  const auto child = test::start_child("very_many");
  CAPTURE(child.error_output);
  CHECK(child.status == 0);
}

CHILD_PROGRAM(a_burst) {
  constexpr std::size_t n = 100'000;
  return sluice::run(test::with_workers(test::worker_counts().back()), [] {
    crowd all(n);
    const std::size_t before = resident_bytes();
    all.add(n);
    if (!all.all_wait()) return failed("they do not all wait");
    all.release();
    // Of the 300 bytes that each fiber had on the heap too.
    const auto mostly_gone = [&] { return resident_bytes() < before + n * 150; };
    if (!test::eventually(mostly_gone)) return failed("the memory does not go back");
    crowd later(1000);
    later.add(1000);
    if (!later.all_wait()) return failed("others after them");
    return later.release().first == 0 ? 0 : failed("some of them had no stack");
  });
}

TEST_CASE("the memory of a burst goes back while the runtime lives on") {
  if (test::sanitized) return;
  const auto child = test::start_child("a_burst");
  CAPTURE(child.error_output);
  CHECK(child.status == 0);
}

// ---- Without light guards

namespace {

constexpr std::size_t too_many = 40'000;

void needs_mappings() {
  std::vector<std::unique_ptr<char[]>> memory;
  std::vector<std::jthread> threads;
  std::atomic<bool> leave{false};
  for (int i = 0; i < 200; ++i) memory.push_back(std::make_unique<char[]>(1 << 20));
  try {
    for (int i = 0; i < 200; ++i) threads.emplace_back([&leave] { leave.wait(false); });
  } catch (...) {
    leave = true;
    leave.notify_all();
    throw;
  }
  leave = true;
  leave.notify_all();
}

template <class F>
int without_light_guards(stack_guards policy, F f) {
  sluice::detail::forgo_light_guards();
  sluice::runtime_options options = test::with_workers(test::worker_counts().back());
  options.guards = policy;
  return sluice::run(options, f);
}

}  // namespace

CHILD_PROGRAM(mapped_guards_always) {
  return without_light_guards(stack_guards::always, [] {
    crowd all(too_many);
    all.add(1000);
    if (!all.all_wait()) return failed("the first do not wait");
    if (mappings() < 2000) return failed("there are no guards");
    all.add(too_many - 1000);
    if (!all.all_wait()) return failed("they neither wait nor fail");
    try {
      needs_mappings();
    } catch (const std::exception& e) {
      return failed(std::string("others are left with nothing: ") + e.what());
    }
    const auto [refused, why] = all.release();
    if (refused == 0) return failed("none was refused");
    if (refused > too_many / 2) return failed("too many were refused");
    if (why.find("max_map_count") == std::string::npos) return failed("the limit is not named: " + why);
    if (sluice::go([] { return 7; }).get() != 7) return failed("a fiber after them");
    return 0;
  });
}
CHILD_PROGRAM(mapped_guards_if_possible) {
  return without_light_guards(stack_guards::if_possible, [] {
    crowd all(too_many);
    all.add(too_many);
    if (!all.all_wait()) return failed("they do not all wait");
    if (mappings() < too_many) return failed("there are no guards");
    return all.release().first == 0 ? 0 : failed("some were refused");
  });
}
CHILD_PROGRAM(mapped_guards_come_and_go) {
  return without_light_guards(stack_guards::always, [] {
    for (std::size_t i = 0; i < too_many; ++i) sluice::go(sluice::launch{.stack_size = 16 * 1024}, [] {}).get();
    return 0;
  });
}
CHILD_PROGRAM(no_guards) {
  return without_light_guards(stack_guards::none, [] {
    crowd all(too_many);
    all.add(too_many);
    if (!all.all_wait()) return failed("they do not all wait");
    if (mappings() > 1000) return failed("there are guards");
    return all.release().first == 0 ? 0 : failed("some were refused");
  });
}
CHILD_PROGRAM(overflows_into_mapped_guard) {
  return without_light_guards(stack_guards::always, [] {
    return sluice::go(sluice::launch{.name = "deep"}, [] { return go_down(1 << 20); }).get();
  });
}

TEST_CASE("where guards take mappings, their limit is an error of the fibers beyond it, and no guard goes missing unasked") {
  if (test::sanitized || map_limit() > 2 * static_cast<long>(too_many)) return;
  for (const char* policy :
       {"mapped_guards_always", "mapped_guards_if_possible", "mapped_guards_come_and_go", "no_guards"}) {
    const auto child = test::start_child(policy);
    CAPTURE(policy);
    CAPTURE(child.error_output);
    CHECK(child.status == 0);
  }
}

TEST_CASE("a guard that is a mapping guards as well") {
  if (test::sanitized) return;
  const auto child = test::start_child("overflows_into_mapped_guard");
  CAPTURE(child.error_output);
  CHECK(child.status > 128);
  CHECK(child.error_output.find("'deep'") != std::string::npos);
  CHECK(child.error_output.find("overflowed its stack") != std::string::npos);
}

// ---- Without memory

CHILD_PROGRAM(out_of_address_space) {
  rlimit limit{};
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = std::size_t{1} << 30;
  setrlimit(RLIMIT_AS, &limit);
  return sluice::run(test::with_workers(test::worker_counts().back()), [] {
    constexpr std::size_t n = 20'000;
    for (int round = 0; round < 2; ++round) {
      crowd all(n);
      sluice::channel<int> ping, pong;
      auto server = sluice::go([=] {
        for (const int i : ping) pong.send(i + 1);
        return 0;
      });
      all.add(n);
      if (!all.all_wait()) return failed("they neither wait nor fail");
      for (int i = 0; i < 1000; ++i) {
        ping.send(i);
        if (pong.recv() != i + 1) return failed("others do not go on");
      }
      ping.close();
      server.get();
      const std::size_t refused = all.release().first;
      if (refused == 0 || refused > n - 5000) return failed(std::to_string(refused) + " were refused");
    }
    return 0;
  });
}

TEST_CASE("without address space the fibers beyond it end with std::bad_alloc, and the others go on") {
  if (test::sanitized) return;
  const auto child = test::start_child("out_of_address_space");
  CAPTURE(child.error_output);
  CHECK(child.status == 0);
}
