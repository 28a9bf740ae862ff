// context_key and with_value: values reach the fibers that are started under them, and go when the last of these has.
#include "tests/support/harness.h"

#include <memory>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;
using sluice::context_key, sluice::with_value;

namespace {

const context_key<std::string> request;
const context_key<int> depth;
const context_key<int> other;
const context_key<std::shared_ptr<int>> held;

template <class F>
void in_fibers_and_threads(F f) {
  test::in_runtime(f);
  test::in_thread(f);
}

std::string request_or_none() { return request.get() != nullptr ? *request.get() : "none"; }

// A chain of fibers, each started under one value more.
int nest(int more) {
  if (more == 0) return *depth.get();
  return with_value(depth, more, [=] { return sluice::go([=] { return nest(more - 1); }).get(); });
}

}  // namespace

TEST_CASE("a value is seen inside with_value, the innermost of its key, and not after it") {
  in_fibers_and_threads([] {
    CHECK(request.get() == nullptr);
    const int result = with_value(request, "outer", [] {
      CHECK(request_or_none() == "outer");
      CHECK(depth.get() == nullptr);
      with_value(depth, 1, [] {
        CHECK(request_or_none() == "outer");
        CHECK(*depth.get() == 1);
        CHECK(other.get() == nullptr);
        with_value(request, std::string("inner"), [] { CHECK(request_or_none() == "inner"); });
        CHECK(request_or_none() == "outer");
      });
      CHECK(depth.get() == nullptr);
      return 7;
    });
    CHECK(result == 7);
    CHECK_THROWS_AS(with_value(request, "x", [] { throw std::runtime_error("out"); }), std::runtime_error);
    CHECK(request.get() == nullptr);
    int here = 0;
    int& same = with_value(depth, 1, [&]() -> int& { return here; });
    CHECK(&same == &here);
  });
}

TEST_CASE("fibers inherit what is in force where they are started, and keep it after that has been left") {
  in_fibers_and_threads([] {
    sluice::channel<int> go_on;
    const auto wait_and_look = [go_on] {
      go_on.recv();
      return request_or_none();
    };
    sluice::future<std::string> child, grandchild, without;
    with_value(request, "r-1", [&] {
      child = sluice::go(wait_and_look);
      grandchild = sluice::go([&] { return sluice::go(wait_and_look).get(); });
    });
    without = sluice::go(wait_and_look);
    for (int i = 0; i < 3; ++i) go_on.send(i);
    CHECK(child.get() == "r-1");
    CHECK(grandchild.get() == "r-1");
    CHECK(without.get() == "none");
    CHECK(request.get() == nullptr);
  });
}

TEST_CASE("what a fiber sets is its own: neither its starter nor its siblings see it") {
  test::in_runtime([] {
    with_value(depth, 0, [] {
      std::vector<sluice::future<void>> all;
      for (int i = 1; i <= 20; ++i)
        all.push_back(sluice::go([i] {
          CHECK(*depth.get() == 0);
          with_value(depth, i, [&] {
            sluice::this_fiber::sleep_for(1ms);  // and goes on, perhaps elsewhere
            CHECK(*depth.get() == i);
            CHECK(sluice::go([] { return *depth.get(); }).get() == i);
          });
          CHECK(*depth.get() == 0);
        }));
      test::join(all);
      CHECK(*depth.get() == 0);
    });
  });
}

TEST_CASE("scopes and races hand values on; so does launch without a deadline") {
  test::in_runtime([] {
    with_value(request, "r-2", [] {
      sluice::scope s;
      auto f = s.go(request_or_none);
      s.join();
      CHECK(f.get() == "r-2");
      CHECK(sluice::race(request_or_none) == "r-2");
      CHECK(sluice::go({.inherit_deadline = false}, request_or_none).get() == "r-2");
    });
  });
}

TEST_CASE("a value goes when the last fiber that sees it has: before that fiber's result can be seen") {
  in_fibers_and_threads([] {
    const auto value = std::make_shared<int>(1);
    sluice::channel<int> go_on;
    sluice::future<void> child;
    with_value(held, value, [&] {
      child = sluice::go([go_on] { go_on.recv(); });
      CHECK(value.use_count() == 2);
    });
    CHECK(value.use_count() == 2);
    go_on.send(1);
    child.wait();
    CHECK(value.use_count() == 1);
    // One that never begins lets go too.
    with_value(held, value, [&] { child = sluice::go([] {}); });
    child.cancel();
    child.wait();
    CHECK(value.use_count() == 1);
  });
}

TEST_CASE("a function whose copy throws leaves no reference behind") {
  struct throws_when_copied {
    throws_when_copied() = default;
    throws_when_copied(const throws_when_copied&) { throw std::runtime_error("copy"); }
    void operator()() const {}
  };
  in_fibers_and_threads([] {
    const auto value = std::make_shared<int>(1);
    const throws_when_copied f;
    with_value(held, value, [&] { CHECK_THROWS_AS(sluice::go(f), std::runtime_error); });
    CHECK(value.use_count() == 1);
  });
}

TEST_CASE("a value's destructor may wait") {
  struct waits {
    explicit waits(std::atomic<int>& n) : gone(n) {}
    ~waits() {
      sluice::this_fiber::sleep_for(100us);
      ++gone;
    }
    std::atomic<int>& gone;
  };
  static const context_key<waits> key;
  test::in_runtime([] {
    std::atomic<int> gone{0};
    std::vector<sluice::future<void>> all;
    for (int i = 0; i < 20; ++i)
      with_value(key, gone, [&] { all.push_back(sluice::go([] { sluice::this_fiber::sleep_for(1ms); })); });
    test::join(all);
    CHECK(gone == 20);
  });
}

TEST_CASE("long chains: from fiber to fiber, and gone without deep recursion") {
  test::in_runtime([] {
    CHECK(nest(test::sanitized ? 50 : 500) == 1);
    // 100,000 links on one chain, let go of on a fiber's stack.
    const int links = 100'000;
    sluice::future<int> last = sluice::go([] { return 0; });
    struct starter {
      static sluice::future<int> next(int left, sluice::promise<int> all_done) {
        return with_value(depth, left, [&] {
          return sluice::go([left, all_done = std::move(all_done)]() mutable {
            if (left == 0)
              all_done.set_value(*depth.get());
            else
              static_cast<void>(next(left - 1, std::move(all_done)));
            return left;
          });
        });
      }
    };
    sluice::promise<int> all_done;
    auto end = all_done.get_future();
    static_cast<void>(starter::next(test::scaled(links), std::move(all_done)));
    CHECK(end.get() == 0);
    CHECK(last.get() == 0);
  });
}
