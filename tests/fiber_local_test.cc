// fiber_local: each fiber and each thread has its own value, made when first asked for and destroyed at its end.
#include "tests/support/harness.h"

#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;
using sluice::channel, sluice::fiber_local, sluice::go;

namespace {

const fiber_local<int> number;
const fiber_local<std::string> text([] { return std::string("begins"); });

// What was destroyed, in order, by whomever.
class diary {
 public:
  void note(std::string entry) {
    const std::scoped_lock hold(mutex_);
    entries_ += entry;
  }
  std::string take() {
    const std::scoped_lock hold(mutex_);
    return std::exchange(entries_, {});
  }

 private:
  std::mutex mutex_;
  std::string entries_;
};
diary notes;

struct named {
  explicit named(const char* n) : name(n) {}
  named(const named&) = delete;  // made in place
  named& operator=(const named&) = delete;
  ~named() { notes.note(name); }
  const char* name;
};
const fiber_local<named> first([] { return named("1"); });
const fiber_local<named> second([] { return named("2"); });
const fiber_local<named> third([] { return named(second->name == std::string("2") ? "3" : "?"); });

struct waits_at_its_end {
  ~waits_at_its_end() {
    sluice::this_fiber::yield();
    sluice::this_fiber::sleep_for(1ms);
    notes.note(*text + "/" + std::to_string(++*number));
  }
};
const fiber_local<waits_at_its_end> patient;

struct asks_again {
  int* left = nullptr;
  ~asks_again();
};
const fiber_local<asks_again> again;
asks_again::~asks_again() {
  if (left != nullptr && --*left > 0) again->left = left;
}

struct only_once {
  only_once() {
    if (attempts++ == 0) throw std::runtime_error("not yet");
    sluice::this_fiber::yield();
  }
  static inline std::atomic<int> attempts{0};
};
const fiber_local<only_once> late;

template <class F>
void in_fibers_and_threads(F f) {
  test::in_runtime([&] { go(f).get(); });
  test::in_thread(f);
}

}  // namespace

TEST_CASE("each fiber has its own, whatever others do and wherever it runs") {
  test::in_runtime([](unsigned workers) {
    auto options = test::with_workers(workers);
    options.always_migrate = true;
    sluice::runtime migrating(options);
    test::tally ok;
    std::vector<sluice::future<void>> all;
    for (int i = 0; i < 200; ++i) {
      const auto body = [&ok, i] {
        ok.expect(*number == 0 && *text == "begins");
        std::string* const where = &*text;
        *text = std::to_string(i);
        for (int k = 1; k <= 20; ++k) {
          ++*number;
          sluice::this_fiber::yield();
          ok.expect(*number == k && &*text == where && *text == std::to_string(i));
        }
        ok.expect(go([] { return *number; }).get() == 0);  // nothing is inherited
      };
      all.push_back(i % 2 == 0 ? go(body) : migrating.go(body));
    }
    test::join(all);
    CHECK(ok.failures() == 0);
  });
}

TEST_CASE("destroyed at the end of a fiber or a thread, the last made first, and only what was made") {
  in_fibers_and_threads([] { CHECK(notes.take() == ""); });
  const auto uses_three = [] {
    CHECK(second->name == std::string("2"));
    CHECK(third->name == std::string("3"));
    CHECK(first->name == std::string("1"));
    CHECK(third->name == std::string("3"));
    CHECK(notes.take() == "");
  };
  test::in_runtime([&] {
    go(uses_three).get();
    CHECK(notes.take() == "132");
    auto throws = go([] { throw std::runtime_error(second->name); });
    CHECK_THROWS_WITH(throws.get(), "2");
    CHECK(notes.take() == "2");
  });
  test::in_thread(uses_three);
  CHECK(notes.take() == "132");
}

TEST_CASE("gone when the fiber's result can be seen, after what its function captured; made later, by the fiber's end") {
  struct looks {
    ~looks() { notes.note(std::string("captured ") + first->name + ", "); }
  };
  test::in_runtime([] {
    go([held = std::make_unique<looks>()] {}).get();
    CHECK(notes.take() == "captured 1, 1");
    {
      sluice::scope s;
      s.go([held = std::make_unique<looks>()] { return std::make_unique<named>("result "); });  // nobody takes it
      s.join();
      CHECK(notes.take() == "captured 1, 1result ");
    }
    {
      sluice::scope s;
      s.go([] { return looks{}; });  // goes in the fiber that made it, when that has let go
      s.join();
      CHECK(notes.take().ends_with("captured 1, 1"));
    }
    {
      auto cancelled = go([held = std::make_unique<looks>()] { sluice::this_fiber::yield(); });
      cancelled.cancel();
      cancelled.wait();
      CHECK(notes.take() == "captured 1, 1");
    }
  });
}

TEST_CASE("a destructor may wait and use others") {
  test::in_runtime([] {
    const auto uses = [] {
      static_cast<void>(*patient);
      *text = "kept";
      *number = 6;
    };
    go(uses).get();
    CHECK(notes.take() == "begins/1");  // both were destroyed before, as they are newer, and are made anew
    go([&] {
      uses();
      go(uses).get();
      CHECK(notes.take() == "begins/1");
    }).get();
    notes.take();
    go([] {
      *text = "older";
      *number = 6;
      static_cast<void>(*patient);
    }).get();
    CHECK(notes.take() == "older/7");
  });
  test::in_thread([] { static_cast<void>(*patient); });
  CHECK(notes.take() == "begins/1");
}

TEST_CASE("a value that is asked for while it is destroyed is another one, until nobody asks") {
  int left = 5;
  in_fibers_and_threads([&left] {
    left = 5;
    again->left = &left;
  });
  CHECK(left == 0);
}

TEST_CASE("if making it throws there is none, and the next use tries again; it may wait") {
  in_fibers_and_threads([] {
    only_once::attempts = 0;
    CHECK_THROWS_AS(*late, std::runtime_error);
    only_once* const made = &*late;
    CHECK(&*late == made);
    CHECK(only_once::attempts == 2);
  });
}

TEST_CASE("a coroutine sees those of the fiber that carries it, and they go with the runtime") {
  test::in_runtime([](unsigned workers) {
    {
      sluice::runtime other(test::with_workers(workers));
      other
          .spawn([]() -> sluice::task<void> {
            CHECK(first->name == std::string("1"));
            co_return;
          }())
          .get();
    }
    CHECK(notes.take() == "1");
  });
}

TEST_CASE("a value of any kind: over-aligned or immovable, in a fiber_local that is no global") {
  struct alignas(256) wide {
    char bytes[256] = {};
  };
  const fiber_local<wide> wides;
  const fiber_local<std::mutex> mutexes;
  in_fibers_and_threads([&] {
    CHECK(reinterpret_cast<std::uintptr_t>(&*wides) % 256 == 0);
    CHECK(mutexes->try_lock());
    mutexes->unlock();
  });
}
