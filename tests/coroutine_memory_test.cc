// A million coroutines that wait: what each of them costs, and that every one is woken.
#include "tests/support/harness.h"

#include <malloc.h>

namespace {

// The bytes that malloc has handed out, its own overhead included.
std::size_t bytes_in_use() {
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

sluice::task<int> waits(sluice::channel<int> c, std::atomic<int>& begun) {
  begun.fetch_add(1, std::memory_order_relaxed);
  co_return (co_await sluice::recv(c)).value_or(-1);
}

}  // namespace

TEST_CASE("a million coroutines blocked in one channel: at most 300 bytes each, and close wakes them all") {
  for (const unsigned workers : test::worker_counts()) {
    const int n = test::scaled(1'000'000);
    sluice::runtime rt(test::with_workers(workers));
    const sluice::channel<int> c;
    std::atomic<int> begun{0};
    rt.spawn(waits(sluice::channel<int>(1), begun)).cancel();  // what is made once is made now
    const std::size_t before = bytes_in_use();
    std::vector<sluice::future<int>> all;
    all.reserve(static_cast<std::size_t>(n));
    begun = 0;
    for (int i = 0; i < n; ++i) all.push_back(rt.spawn(waits(c, begun)));
    REQUIRE(test::eventually([&] { return begun.load() == n; }));
    const auto each = static_cast<double>(bytes_in_use() - before) / n;
    MESSAGE(each << " bytes each, the future included");
    if (!test::sanitized) CHECK(each <= 300);  // theirs have red zones, and their own malloc
    for (int i = 0; i < n / 2; ++i) CHECK(c.send(i));
    c.close();
    long sum = 0;
    int closed = 0;
    for (auto& f : all) {
      const int got = f.get();
      if (got < 0)
        ++closed;
      else
        sum += got;
    }
    CHECK(closed == n - n / 2);
    CHECK(sum == static_cast<long>(n / 2) * (n / 2 - 1) / 2);
  }
}
