// A fiber for which no stack can be had: its error arrives, its captured objects end as they would anywhere, and nobody
// else notices.
#include "tests/support/child.h"
#include "tests/support/harness.h"

#include <cstdio>
#include <new>
#include <sys/resource.h>
#include <unistd.h>

using namespace std::chrono_literals;

namespace {

constexpr std::size_t huge = 1 << 30;

// Waits in its destructor, as code that flushes or joins does.
class waits_at_its_end {
 public:
  explicit waits_at_its_end(std::atomic<int>& ended) : ended_(&ended) {}
  waits_at_its_end(waits_at_its_end&& other) noexcept : ended_(std::exchange(other.ended_, nullptr)) {}
  ~waits_at_its_end() {
    if (ended_ == nullptr) return;
    try {
      sluice::this_fiber::sleep_for(2ms);
    } catch (const sluice::cancelled&) {  // at the runtime's end
    }
    ++*ended_;
  }

 private:
  std::atomic<int>* ended_;
};

int failed(const char* what) {
  std::fprintf(stderr, "failed: %s\n", what);
  return 1;
}

int refused_beside_others(unsigned workers) {
  rlimit limit{};
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = 700 << 20;
  setrlimit(RLIMIT_AS, &limit);
  return sluice::run(test::with_workers(workers), [] {
    for (const bool pinned : {false, true}) {
      std::atomic<int> ended{0};
      constexpr int n = 5;
      std::vector<sluice::future<void>> refused;
      for (int i = 0; i < n; ++i)
        refused.push_back(
            sluice::go(sluice::launch{.pinned = pinned, .stack_size = huge}, [w = waits_at_its_end(ended)] {}));
      // Waits while they are refused, on the worker that refuses them.
      const sluice::channel<int> quiet;
      auto r = recv(quiet);
      auto late = sluice::after(20ms);
      if (!(select(r, late) == late)) return failed("another fiber's wait");
      for (auto& f : refused) {
        try {
          f.get();
          return failed("no error");
        } catch (const std::bad_alloc&) {}
      }
      if (ended != n) return failed("a captured object was not destroyed before the error could be seen");
      if (sluice::go([] { return 7; }).get() != 7) return failed("a fiber of ordinary size");
    }
    // Left behind: the runtime's end takes care of them.
    static std::atomic<int> ended{0};
    for (int i = 0; i < 3; ++i) sluice::go(sluice::launch{.stack_size = huge}, [w = waits_at_its_end(ended)] {});
    return 0;
  });
}

}  // namespace

CHILD_PROGRAM(refused_with_1) { return refused_beside_others(1); }
CHILD_PROGRAM(refused_with_2) { return refused_beside_others(2); }
CHILD_PROGRAM(refused_with_4) { return refused_beside_others(4); }

TEST_CASE("fibers without a stack get their error in turn, and may wait while they end") {
  if (test::sanitized) return;  // their shadow memory does not fit under the limit
  for (const unsigned n : test::worker_counts()) {
    const auto child = test::start_child("refused_with_" + std::to_string(n));
    CAPTURE(child.error_output);
    CHECK(child.status == 0);
  }
}
