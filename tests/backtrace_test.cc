// The walk of a stack that somebody has left: every function is found, in order, and the walk ends where the stack does.
#include "tests/support/harness.h"

#include <sluice/runtime/detail/backtrace.h>

#include <unwind.h>

#include <algorithm>
#include <vector>

namespace detail = sluice::detail;

namespace {

detail::stack_pointer parked = nullptr;
detail::stack_pointer starter = nullptr;

[[gnu::noinline]] void leave() {
  detail::switch_context(parked, starter, nullptr);
  asm volatile("");
}
// What a frame holds must not matter to the walk: registers in use across the switch, an exception, alloca.
[[gnu::noinline]] int holds_registers(int a, int b, int c, int d, int e, int f) {
  asm volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
  leave();
  return a + b + c + d + e + f;
}
[[gnu::noinline]] int of_unknown_size(int n) {
  volatile char* const memory = static_cast<char*>(__builtin_alloca(static_cast<std::size_t>(n)));
  memory[n - 1] = 1;
  return holds_registers(n, 2, 3, 4, 5, 6) + memory[n - 1];
}
struct unwinds {
  int* result;
  ~unwinds() { *result = of_unknown_size(100); }
};
[[maybe_unused, gnu::noinline]] int in_catch() {
  int result = 0;
  try {
    try {
      unwinds on_the_way{&result};
      throw 1;
    } catch (int) {
      result += of_unknown_size(50);
      throw;
    }
  } catch (int) {}
  asm volatile("" : "+m"(result));
  return result;
}
[[maybe_unused, gnu::noinline]] int deep(int n) {
  const int below = n > 0 ? deep(n - 1) : of_unknown_size(10);
  asm volatile("");
  return below + 1;
}

int (*body)() = nullptr;
void enter(void*) noexcept {
  body();
  detail::switch_context(parked, starter, nullptr);
  std::abort();
}

std::vector<void*> functions(const detail::backtrace& b) {
  std::vector<void*> found;
  for (const std::uintptr_t pc : b.frames()) found.push_back(_Unwind_FindEnclosingFunction(reinterpret_cast<void*>(pc + 1)));
  return found;
}
template <class R, class... A>
void* address(R (*f)(A...)) {
  return reinterpret_cast<void*>(f);
}
template <class R, class... A>
void* address(R (*f)(A...) noexcept) {
  return reinterpret_cast<void*>(f);
}

// Whether `wanted` are there in this order, others between them allowed.
[[maybe_unused]] bool in_order(const std::vector<void*>& found, const std::vector<void*>& wanted) {
  auto at = found.begin();
  for (void* const each : wanted) {
    at = std::find(at, found.end(), each);
    if (at == found.end()) return false;
    ++at;
  }
  return true;
}

class left_stack {
 public:
  explicit left_stack(int (*f)()) {
    body = f;
    parked = detail::make_context(memory_.top(), enter);
  }
  left_stack(const left_stack&) = delete;
  left_stack& operator=(const left_stack&) = delete;
  ~left_stack() { detail::unmap_stack(memory_); }
  void go_on() { detail::switch_context(starter, parked, nullptr); }
  detail::backtrace walk() const { return detail::walk_parked(parked, memory_); }

 private:
  const detail::stack memory_ = detail::map_stack(detail::checked_stack_size(64 * 1024), sluice::stack_guards::always);
};

}  // namespace

// Raw switches, of which no sanitizer is told.
#if !defined(SLUICE_TEST_ASAN) && !defined(SLUICE_TEST_TSAN)

TEST_CASE("every function on a stack that was left is found, in order, down to its first") {
  left_stack s([] { return of_unknown_size(1000); });
  CHECK(s.walk().count == 0);  // not begun
  s.go_on();
  const auto found = functions(s.walk());
  CHECK(in_order(found, {address(leave), address(holds_registers), address(of_unknown_size), address(enter)}));
  CHECK(found.back() == address(enter));
  CHECK_FALSE(s.walk().cut);
  s.go_on();
}

TEST_CASE("a stack that was left while an exception unwinds it, and in a handler") {
  left_stack s(in_catch);
  for (int i = 0; i < 2; ++i) {
    s.go_on();
    const auto found = functions(s.walk());
    CHECK(in_order(found, {address(leave), address(holds_registers), address(of_unknown_size), address(in_catch)}));
    CHECK(found.back() == address(enter));
  }
  s.go_on();
}

TEST_CASE("of a stack that is too deep the innermost frames are kept") {
  left_stack s([] { return deep(200); });
  s.go_on();
  const detail::backtrace all = s.walk();
  CHECK(all.cut);
  CHECK(all.count == detail::backtrace::most);
  CHECK(in_order(functions(all), {address(leave), address(holds_registers), address(deep), address(deep)}));
  s.go_on();
}

#endif

[[gnu::noinline]] static detail::backtrace calls_the_walk() {
  const detail::backtrace here = detail::walk_caller();
  asm volatile("");
  return here;
}

TEST_CASE("the caller's own stack begins with the caller") {
  const auto found = functions(calls_the_walk());
  REQUIRE(found.size() > 2);
  CHECK(found[0] == address(calls_the_walk));
}
