// Any T that moves without throwing, and none lost or left over: instances are counted.
#include "tests/support/harness.h"

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <numeric>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>

namespace {

// Move-only, without a default constructor, and it knows how many of its kind there are.
class counted {
 public:
  explicit counted(int v) : value(v) { ++live; }
  counted(counted&& other) noexcept : value(std::exchange(other.value, -1)) { ++live; }
  counted& operator=(counted&& other) noexcept {
    value = std::exchange(other.value, -1);
    return *this;
  }
  ~counted() { --live; }
  int value;
  static inline std::atomic<int> live{0};
};

struct alignas(128) over_aligned {
  explicit over_aligned(int v) : value(v) { check(); }
  over_aligned(over_aligned&& other) noexcept : value(other.value) { check(); }
  over_aligned& operator=(over_aligned&&) = default;
  void check() const noexcept { misplaced += reinterpret_cast<std::uintptr_t>(this) % 128 != 0; }
  int value;
  static inline std::atomic<int> misplaced{0};
};

struct large {
  explicit large(int v) { std::iota(words.begin(), words.end(), v); }
  std::array<int, 1000> words;
  bool intact(int v) const {
    for (const int w : words)
      if (w != v++) return false;
    return true;
  }
};

struct empty {};

// Moves into a new place only: enough for a queue.
struct unassignable {
  explicit unassignable(int v) : value(v) {}
  unassignable(unassignable&&) noexcept = default;
  unassignable& operator=(unassignable&&) = delete;
  const int value;
};

template <class T, class Make, class Check>
void travels_through_all_kinds(Make make, Check check) {
  for (int kind = 0; kind < 3; ++kind) {
    sluice::channel<T> c = kind == 0   ? sluice::channel<T>()
                           : kind == 1 ? sluice::channel<T>(2)
                                       : sluice::channel<T>(sluice::unbounded);
    auto sender = sluice::go([=] {
      for (int i = 0; i < 50; ++i) {
        if (i % 2 == 0) {
          c.send(make(i));
        } else {
          auto e = sluice::send(c, make(i));
          auto nothing = sluice::never();
          static_cast<void>(sluice::select(nothing, e));
        }
      }
      c.close();
    });
    int next = 0;
    for (auto e = sluice::recv(c);;) {
      auto nothing = sluice::never();
      static_cast<void>(sluice::select(e, nothing));
      auto v = e.take();
      if (!v) break;
      check(*v, next++);
    }
    CHECK(next == 50);
    sender.get();
  }
}

}  // namespace

TEST_CASE("move-only, over-aligned, large, empty and not default-constructible values") {
  test::in_runtime([] {
    travels_through_all_kinds<std::unique_ptr<int>>([](int i) { return std::make_unique<int>(i); },
                                                    [](const auto& p, int i) { CHECK((p && *p == i)); });
    travels_through_all_kinds<counted>([](int i) { return counted(i); },
                                       [](const counted& v, int i) { CHECK(v.value == i); });
    travels_through_all_kinds<over_aligned>([](int i) { return over_aligned(i); },
                                            [](const over_aligned& v, int i) { CHECK(v.value == i); });
    travels_through_all_kinds<large>([](int i) { return large(i); }, [](const large& v, int i) { CHECK(v.intact(i)); });
    travels_through_all_kinds<empty>([](int) { return empty{}; }, [](const empty&, int) {});
    travels_through_all_kinds<std::string>(
        [](int i) { return std::string(100, static_cast<char>('a' + i % 26)); },
        [](const std::string& s, int i) { CHECK(s == std::string(100, static_cast<char>('a' + i % 26))); });
    travels_through_all_kinds<bool>([](int i) { return i % 3 == 0; }, [](bool b, int i) { CHECK(b == (i % 3 == 0)); });
    travels_through_all_kinds<std::optional<int>>([](int i) { return i % 2 ? std::optional(i) : std::nullopt; },
                                                  [](std::optional<int> v, int i) { CHECK(v.has_value() == (i % 2 == 1)); });
  });
  CHECK(counted::live == 0);
  CHECK(over_aligned::misplaced == 0);
}

TEST_CASE_TEMPLATE("a value that can be constructed by a move, but not assigned", T, unassignable) {
  constexpr bool works = sluice::event<sluice::recv_event<T>> && sluice::event<sluice::owning_send_event<T>>;
  CHECK(works);
  if constexpr (works) {
    test::in_runtime(
        [] { travels_through_all_kinds<T>([](int i) { return T(i); }, [](const T& v, int i) { CHECK(v.value == i); }); });
  }
}

TEST_CASE("no instance is lost or left: in buffers, refused, cancelled, timed out, taken back") {
  test::in_runtime([] {
    {
      sluice::channel<counted> kept(10);
      for (int i = 0; i < 7; ++i) CHECK(kept.send(counted(i)));
      CHECK(kept.recv()->value == 0);
      CHECK(counted::live == 6);
    }
    CHECK(counted::live == 0);
    {
      sluice::channel<counted> grown(sluice::unbounded);
      for (int i = 0; i < 1000; ++i) CHECK(grown.send(counted(i)));
      for (int i = 0; i < 500; ++i) CHECK(grown.recv()->value == i);
      CHECK(counted::live == 500);
    }
    CHECK(counted::live == 0);
    {
      sluice::channel<counted> c;
      auto blocked = sluice::go([c] { return c.send(counted(1)); });
      auto cancelled = sluice::go([] { return sluice::channel<counted>().send(counted(2)); });
      test::let_others_block();
      cancelled.cancel();
      c.close();
      CHECK_FALSE(blocked.get());
      CHECK_THROWS_AS(cancelled.get(), sluice::cancelled);
    }
    CHECK(counted::live == 0);
    {
      sluice::channel<counted> c;
      auto out = sluice::send(c, counted(3));
      auto soon = sluice::after(std::chrono::milliseconds(1));
      CHECK((sluice::select(out, soon) == soon));
      REQUIRE(out.value().has_value());
      const counted back = *std::exchange(out.value(), std::nullopt);
      CHECK(back.value == 3);
    }
    CHECK(counted::live == 0);
  });
}

TEST_CASE("a refused or timed-out value is still whole, whoever holds it") {
  test::in_runtime([] {
    sluice::channel<counted> full(1);
    CHECK(full.send(counted(0)));
    counted mine(5);
    CHECK(full.try_send(std::move(mine)).full());
    CHECK(mine.value == 5);
    auto out = sluice::send(full, std::move(mine));
    CHECK_FALSE(static_cast<bool>(sluice::try_select(out)));
    REQUIRE(out.value());
    CHECK(out.value()->value == 5);
    full.close();
    auto nothing = sluice::never();
    CHECK((sluice::select(out, nothing) == out));
    CHECK_FALSE(out.take());
    REQUIRE(out.value());
    CHECK(out.value()->value == 5);
    CHECK_FALSE(out.poll());  // spent: it has said what there was to say
  });
  CHECK(counted::live == 0);
}

TEST_CASE("a send that was accepted is spent, and asking it again is harmless") {
  test::in_runtime([] {
    sluice::channel<counted> room(2);
    auto out = sluice::send(room, counted(1));
    CHECK(static_cast<bool>(sluice::try_select(out)));
    CHECK(out.take());
    CHECK_FALSE(out.value().has_value());
    CHECK_FALSE(out.poll());
    CHECK_FALSE(static_cast<bool>(sluice::try_select(out)));
    CHECK(room.size() == 1);
  });
}

TEST_CASE("a capacity that cannot be had throws, and nothing else happens") {
  test::in_runtime([] {
    constexpr auto most = std::numeric_limits<std::size_t>::max();
    for (const std::size_t absurd :
         {most - 1, most / 2, most / sizeof(large), most / sizeof(large) + 1, most / 2 / sizeof(large) + 1})
      CHECK_THROWS_AS(sluice::channel<large>{absurd}, std::length_error);
    if (!test::sanitized) {  // these would rather end the program than throw
      CHECK_THROWS_AS(sluice::channel<large>{most / 2 / sizeof(large) - 1}, std::bad_alloc);
    }
    sluice::channel<large> fine(1);
    CHECK(static_cast<bool>(fine.try_send(large(1))));
  });
}

TEST_CASE("values are destroyed where they end, not kept by the channel after they were received") {
  test::in_runtime([] {
    sluice::channel<std::shared_ptr<int>> c(4);
    auto p = std::make_shared<int>(1);
    CHECK(c.send(p));
    CHECK(p.use_count() == 2);
    CHECK(c.recv() == p);
    CHECK(p.use_count() == 1);
  });
}
