// With runtime_options::always_migrate a fiber goes on with another thread after each wait: so it must in every place where
// C++ lets code wait. BUILD.bazel builds this file a few times more, together with the library's sources: with -O3, and with
// -flto, where the compiler sees through every function that may wait.
#include "tests/support/harness.h"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;
using sluice::channel, sluice::go, sluice::launch;

namespace {

// What the standard library calls a constant function may be called once for a whole function: so ask in one of its own.
[[gnu::noinline]] std::thread::id this_thread_id() {
  asm volatile("");
  return std::this_thread::get_id();
}
[[gnu::noinline]] void set_errno(int e) {
  asm volatile("");
  errno = e;
}
[[gnu::noinline]] int get_errno() {
  asm volatile("");
  return errno;
}

// Ways to wait once. Each must block: whoever ends the wait is pinned to the worker that the caller is on and cannot run
// before that one has left it.
template <class F>
void here(F f) {
  go(launch{.pinned = true}, std::move(f));
}

constexpr int ways = 8;
void wait_by(int way) {
  const channel<int> c;
  switch (way % ways) {
    case 0:
      sluice::this_fiber::yield();
      break;
    case 1:
      here([=] { c.send(1); });
      c.recv();
      break;
    case 2:
      here([=] { c.recv(); });
      c.send(1);
      break;
    case 3:
      go({.pinned = true}, [] { return 1; }).get();
      break;
    case 4: {
      here([=] { c.send(1); });
      auto a = sluice::recv(c);
      auto b = sluice::never();
      static_cast<void>(sluice::select(b, a));
      break;
    }
    case 5: {
      const auto s = std::make_shared<sluice::semaphore>(0);
      here([=] { s->release(); });
      s->acquire();
      break;
    }
    case 6:
      here([=] { std::thread([=] { c.send(1); }).join(); });  // from outside the runtime
      c.recv();
      break;
    case 7:
      sluice::with_deadline(10min, [&] {
        here([=] { c.send(1); });
        c.recv();
      });
      break;
  }
}

// Waits in each way by turns, and sees that it goes on elsewhere, and with its own errno.
class traveller {
 public:
  traveller(unsigned workers, int number) : workers_(workers), number_(number), way_(number) {}
  traveller(const traveller&) = delete;
  traveller& operator=(const traveller&) = delete;

  int number() const { return number_; }
  long failures() const { return ok_.failures(); }
  int waits() const { return waits_; }
  void expect(bool ok) { ok_.expect(ok); }

  void wait() {
    const int error_number = ++waits_ % 3 == 0 ? 0 : 1000 + number_;
    const auto before = this_thread_id();
    set_errno(error_number);
    wait_by(way_++);
    ok_.expect(get_errno() == error_number);
    if (workers_ > 1) ok_.expect(this_thread_id() != before);
  }

 private:
  const unsigned workers_;
  const int number_;
  int way_;
  int waits_ = 0;
  test::tally ok_;
};

// f(traveller&) in many fibers at once that all move all the time.
template <class F>
void travelling(F f) {
  for (const unsigned n : test::worker_counts()) {
    test::current_workers = n;
    auto options = test::with_workers(n);
    options.always_migrate = true;
    sluice::run(options, [&] {
      std::vector<sluice::future<long>> all;
      for (int i = 0; i < 2 * ways; ++i)
        all.push_back(go([&f, n, i] {
          traveller t(n, i);
          f(t);
          t.expect(t.waits() > 0);
          t.expect(std::current_exception() == nullptr && std::uncaught_exceptions() == 0);
          return t.failures();
        }));
      for (auto& one : all) CHECK(one.get() == 0);
    });
  }
  test::current_workers = 0;
}

struct waits_in_destructor {
  traveller& t;
  int uncaught;
  ~waits_in_destructor() {
    t.expect(std::uncaught_exceptions() == uncaught);
    t.wait();
    t.expect(std::uncaught_exceptions() == uncaught);
  }
};

struct waits_in_constructor {
  explicit waits_in_constructor(traveller& t) : text(std::to_string(t.number())) {
    t.wait();
    text += "!";
  }
  std::string text;
};

std::string name_of(const traveller& t) { return "number " + std::to_string(t.number()); }

}  // namespace

TEST_CASE("after each wait that blocks, and after each yield, a fiber is on another worker") {
  travelling([](traveller& t) {
    for (int i = 0; i < test::scaled(20) * ways; ++i) t.wait();
  });
}

TEST_CASE("who yields with nobody else to run moves too; who is pinned does not") {
  for (const unsigned n : test::worker_counts()) {
    auto options = test::with_workers(n);
    options.always_migrate = true;
    int stayed = 0, moved = 0;
    sluice::run(options, [&] {
      for (int i = 0; i < 100; ++i) {
        const auto before = this_thread_id();
        sluice::this_fiber::yield();
        stayed += this_thread_id() == before;
      }
      go({.pinned = true}, [&] {
        for (int i = 0; i < 3 * ways; ++i) {
          const auto before = this_thread_id();
          sluice::this_fiber::sleep_for(100us);
          sluice::this_fiber::yield();
          moved += this_thread_id() != before;
        }
      }).get();
    });
    if (n > 1) CHECK(stayed == 0);
    CHECK(moved == 0);
  }
}

TEST_CASE("errno: a fiber begins with 0; a thread's own wait leaves it too") {
  travelling([](traveller& t) {
    t.wait();
    const auto begins = [] {
      const int e = get_errno();
      set_errno(7);
      return e;
    };
    t.expect(go(begins).get() == 0 && go(begins).get() == 0);
  });
  test::in_thread([] {
    set_errno(77);
    sluice::this_fiber::sleep_for(1ms);
    CHECK(get_errno() == 77);
  });
}

TEST_CASE("in handlers: nested, rethrown, and with an exception of their own") {
  travelling([](traveller& t) {
    const std::string mine = name_of(t);
    for (int round = 0; round < ways; ++round) {
      try {
        try {
          t.wait();
          throw std::runtime_error(mine);
        } catch (const std::exception& outer) {
          t.wait();
          try {
            throw round;
          } catch (int inner) {
            t.wait();
            t.expect(inner == round);
            try {
              std::rethrow_exception(std::make_exception_ptr(std::logic_error(mine)));
            } catch (const std::logic_error& innermost) {
              t.wait();
              t.expect(innermost.what() == mine);
            }
            t.wait();
          }
          t.expect(outer.what() == mine && std::uncaught_exceptions() == 0);
          t.wait();
          throw;
        }
      } catch (const std::runtime_error& e) {
        t.wait();
        t.expect(e.what() == mine);
      }
      t.wait();
      t.expect(std::current_exception() == nullptr);
    }
  });
}

TEST_CASE("in destructors while an exception unwinds, with others thrown and caught inside") {
  travelling([](traveller& t) {
    for (int round = 0; round < ways; ++round) {
      try {
        const waits_in_destructor first{t, 1};
        struct throws_inside {
          traveller& t;
          ~throws_inside() {
            t.wait();
            try {
              const waits_in_destructor two_at_once{t, 2};
              throw 1;
            } catch (int) {
              t.wait();
              t.expect(std::uncaught_exceptions() == 1);
            }
          }
        } const second{t};
        throw std::runtime_error(name_of(t));
      } catch (const std::runtime_error& e) {
        t.wait();
        t.expect(e.what() == name_of(t) && std::uncaught_exceptions() == 0);
      }
      const waits_in_destructor calm{t, 0};
    }
  });
}

TEST_CASE("in the constructor, the copy and the destructor of an exception") {
  travelling([](traveller& t) {
    struct error {
      explicit error(traveller& t) : traveller_(t) { t.wait(); }
      error(const error& other) : traveller_(other.traveller_) { traveller_.wait(); }
      ~error() { traveller_.wait(); }
      traveller& traveller_;
    };
    for (int round = 0; round < ways; ++round) {
      const int before = t.waits();
      try {
        throw error(t);
      } catch (error e) {  // NOLINT: by value, for the copy
        t.expect(&e.traveller_ == &t && std::uncaught_exceptions() == 0);
      }
      t.expect(t.waits() == before + 4);
    }
  });
}

TEST_CASE("in the constructors of members, bases and arrays, of which one throws") {
  travelling([](traveller& t) {
    struct base {
      explicit base(traveller& t) : t_(t) { t.wait(); }
      ~base() { t_.wait(); }
      traveller& t_;
    };
    struct derived : base {
      derived(traveller& t, int& made) : base(t), member(t) {
        t.wait();
        if (++made == 3) throw std::runtime_error(name_of(t));
      }
      base member;
    };
    int made = 0;
    try {
      const derived all[] = {{t, made}, {t, made}, {t, made}, {t, made}};
      t.expect(false);
    } catch (const std::runtime_error& e) {
      t.expect(e.what() == name_of(t));
    }
    t.expect(made == 3 && t.waits() == 3 * 3 + 3 * 2);
  });
}

TEST_CASE("in the constructor of a static, which nobody else is about to use") {
  for (const unsigned n : test::worker_counts()) {
    auto options = test::with_workers(n);
    options.always_migrate = true;
    sluice::run(options, [n] {
      traveller t(n, 0);
      const auto use = [&t](auto kind) {
        static const waits_in_constructor made{t};
        static_cast<void>(kind);
        t.wait();
        return made.text;
      };
      CHECK(use(1) == use(1));
      CHECK(use(1L) == "0!");
      CHECK(t.failures() == 0);
    });
  }
}

TEST_CASE("in noexcept functions, function try blocks, comparators and std::function") {
  travelling([](traveller& t) {
    const auto never_throws = [&t]() noexcept {
      t.wait();
      try {
        t.wait();
        throw 1;
      } catch (...) {
        t.wait();
      }
    };
    never_throws();
    struct tries {
      explicit tries(traveller& t) try : made(t) {
        t.wait();
        throw std::runtime_error("made");
      } catch (const std::runtime_error&) {
        t.wait();  // and it is thrown again
      }
      waits_in_constructor made;
    };
    CHECK_THROWS_AS(tries{t}, std::runtime_error);
    std::vector<int> numbers(40);
    std::iota(numbers.begin(), numbers.end(), 0);
    std::function<bool(int, int)> greater = [&t](int a, int b) {
      if ((a + b) % 8 == 0) t.wait();
      return a > b;
    };
    std::sort(numbers.begin(), numbers.end(), greater);
    t.expect(std::is_sorted(numbers.rbegin(), numbers.rend()));
  });
}

TEST_CASE("with exceptions kept, nested and passed on") {
  travelling([](traveller& t) {
    std::exception_ptr kept;
    try {
      t.wait();
      try {
        throw std::runtime_error(name_of(t));
      } catch (...) {
        t.wait();
        std::throw_with_nested(std::logic_error("outer"));
      }
    } catch (...) {
      t.wait();
      kept = std::current_exception();
    }
    t.wait();
    try {
      std::rethrow_exception(kept);
    } catch (const std::logic_error& outer) {
      t.wait();
      t.expect(outer.what() == std::string("outer"));
      try {
        std::rethrow_if_nested(outer);
        t.expect(false);
      } catch (const std::runtime_error& inner) {
        kept = nullptr;
        t.wait();
        t.expect(inner.what() == name_of(t));
      }
    }
    auto child = go([&t]() -> int {
      t.wait();
      throw std::out_of_range(name_of(t));
    });
    try {
      child.get();
    } catch (const std::out_of_range& e) {
      t.wait();
      t.expect(e.what() == name_of(t));
    }
  });
}

TEST_CASE("under a lock of ours, in a critical section that many share") {
  for (const unsigned n : test::worker_counts()) {
    auto options = test::with_workers(n);
    options.always_migrate = true;
    sluice::run(options, [n] {
      sluice::mutex m;
      int inside = 0, entered = 0;
      test::tally ok;
      std::vector<sluice::future<void>> all;
      for (int i = 0; i < ways; ++i)
        all.push_back(go([&, i] {
          traveller t(n, i);
          for (int round = 0; round < 5; ++round) {
            const std::scoped_lock one_at_a_time(m);
            ok.expect(inside++ == 0);
            t.wait();
            ok.expect(--inside == 0);
            ++entered;
          }
          ok.expect(t.failures() == 0);
        }));
      test::join(all);
      CHECK(ok.failures() == 0);
      CHECK(entered == 5 * ways);
    });
  }
}

TEST_CASE("deep in a recursion, with values and a deadline that the fiber carries along") {
  static const sluice::context_key<std::string> name;
  struct dives {
    static int down(traveller& t, int depth) {
      const waits_in_destructor on_the_way_up{t, 0};
      return depth == 0 ? 0 : 1 + with_value(name, std::to_string(depth), [&] {
                                const int below = down(t, depth - 1);
                                t.wait();
                                t.expect(*name.get() == std::to_string(depth));
                                return below;
                              });
    }
  };
  travelling([](traveller& t) { t.expect(dives::down(t, 20) == 20); });
}

TEST_CASE("when the runtime ends under them, fibers unwind on other workers") {
  for (const unsigned n : test::worker_counts()) {
    std::atomic<int> unwound{0}, moved{0};
    auto options = test::with_workers(n);
    options.always_migrate = true;
    sluice::latch begun(20);
    sluice::run(options, [&] {
      for (int i = 0; i < 20; ++i)
        go([&] {
          struct waits_once_more {
            std::atomic<int>&unwound, &moved;
            ~waits_once_more() {
              sluice::this_fiber::sleep_for(100us);  // nobody new can be started now
              const auto before = this_thread_id();
              sluice::this_fiber::yield();
              moved += this_thread_id() != before;
              ++unwound;
            }
          } const guard{unwound, moved};
          begun.count_down();
          channel<int>().recv();
        });
      begun.wait();
      test::let_others_block();
    });
    CHECK(unwound == 20);
    if (n > 1) CHECK(moved == 20);
  }
}
