// A fiber that needs more stack than it has ends the program with a sentence that names it and the size.
#include "tests/support/child.h"
#include "tests/support/harness.h"

#include <cstring>

namespace {

[[gnu::noinline]] int deeper(int n) {
  volatile char frame[512];
  std::memset(const_cast<char*>(frame), n, sizeof frame);
  return n > 0 ? deeper(n - 1) + frame[0] : 0;
}

int overflow_as(sluice::launch how, sluice::runtime_options options) {
  return sluice::run(options, [&how] { return sluice::go(std::move(how), [] { return deeper(1'000'000) & 1; }).get(); });
}

}  // namespace

CHILD_PROGRAM(overflows_named) {
  return overflow_as({.name = "recursive parser", .stack_size = 128 * 1024}, test::with_workers(2));
}
CHILD_PROGRAM(overflows_default) { return overflow_as({.name = "ordinary"}, test::with_workers(1)); }
CHILD_PROGRAM(overflows_pinned_unnamed) {
  return overflow_as({.pinned = true, .stack_size = 256 * 1024}, test::with_workers(2));
}

// A segmentation fault that has nothing to do with stacks is nobody's overflow.
CHILD_PROGRAM(faults_elsewhere) {
  return sluice::run(test::with_workers(1), [] {
    return sluice::go(sluice::launch{.name = "innocent"},
                      [] {
                        volatile int* volatile wild = reinterpret_cast<int*>(0x10);
                        return *wild;
                      })
        .get();
  });
}

TEST_CASE("the message names the fiber and the size of its stack, and the program ends by a signal") {
  if (test::sanitized) return;  // the sanitizers' own stack checks answer first, in their own words
  const auto named = test::start_child("overflows_named");
  CAPTURE(named.error_output);
  CHECK(named.status > 128);
  CHECK(named.error_output.find("recursive parser") != std::string::npos);
  CHECK((named.error_output.find("128 KiB") != std::string::npos || named.error_output.find("131072") != std::string::npos));
  CHECK(named.error_output.find("stack") != std::string::npos);

  const auto ordinary = test::start_child("overflows_default");
  CAPTURE(ordinary.error_output);
  CHECK(ordinary.status > 128);
  CHECK(ordinary.error_output.find("ordinary") != std::string::npos);
  CHECK((ordinary.error_output.find("64 KiB") != std::string::npos ||
         ordinary.error_output.find("65536") != std::string::npos));

  const auto unnamed = test::start_child("overflows_pinned_unnamed");
  CAPTURE(unnamed.error_output);
  CHECK(unnamed.status > 128);
  CHECK((unnamed.error_output.find("256 KiB") != std::string::npos ||
         unnamed.error_output.find("262144") != std::string::npos));
}

TEST_CASE("another segmentation fault is not called an overflow") {
  if (test::sanitized) return;
  const auto e = test::start_child("faults_elsewhere");
  CAPTURE(e.error_output);
  CHECK(e.status == 128 + 11);
  CHECK(e.error_output.find("stack") == std::string::npos);
}
