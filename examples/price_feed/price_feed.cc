// price_feed - one feed, many readers: who must see every price, who may miss some, and who wants only the newest.
#include <sluice/sluice.h>

#include <cstdint>
#include <cstdio>

using namespace std::chrono_literals;
using namespace sluice;

namespace {

constexpr int prices = 1000;

struct tally {
  int seen = 0;
  std::uint64_t missed = 0;
  long sum = 0;
  int last = 0;
};

tally follow(const subscription<int>& feed, std::chrono::microseconds pace) {
  tally t;
  while (const auto price = feed.recv()) {
    ++t.seen;
    t.missed += price.lagged();
    t.sum += *price;
    t.last = *price;
    if (pace > 0us) this_fiber::sleep_for(pace);
  }
  return t;
}

// Counts the prices from the limit on, whatever the limit is at the time.
int alarms(const subscription<int>& feed, watcher<int> limit) {
  auto price = recv(feed);
  auto change = changed(limit);
  int now = limit.get(), count = 0;
  for (;;) {
    if (select_in_order(change, price) == change) {
      if (const auto raised = change.take()) now = *raised;
      if (change.spent()) return -1;  // the limit outlives the feed here
    } else {
      const auto p = price.take();
      if (!p) return count;
      count += *p >= now;
    }
  }
}

}  // namespace

int main() {
  run([] {
    const broadcast<int> reliable(16);                     // the slowest holds up the feed
    const broadcast<int> live(16, overflow::drop_oldest);  // nobody holds it up; who is slow is told
    const channel<int> board(keep_latest);                 // one reader, one value: the newest
    const watch<int> limit(prices);                        // a setting that may change at any time

    auto audit = go([in = reliable.subscribe()] { return follow(in, 0us); });
    auto display = go([in = live.subscribe()] { return follow(in, 100us); });
    auto alarm = go([in = reliable.subscribe(), seen = limit.watcher()] { return alarms(in, seen); });

    auto [tx, rx] = one_shot<int>();  // the feed's only answer: how many it has sent
    go([=, tx = std::move(tx)]() mutable {
      for (int price = 0; price < prices; ++price) {
        if (price == prices / 2) limit.set(prices - 10);
        reliable.send(price);
        live.send(price);
        board.send(price);
      }
      reliable.close();
      live.close();
      board.close();
      tx.send(prices);
    });

    const tally all = audit.get();
    std::printf("audit    %d prices, sum %ld, missed %d\n", all.seen, all.sum, static_cast<int>(all.missed));
    const tally some = display.get();
    std::printf("display  %d shown or missed, the last is %d\n", some.seen + static_cast<int>(some.missed), some.last);
    std::printf("alarm    %d prices from %d on\n", alarm.get(), limit.get());
    std::printf("feed     sent %d\n", rx.recv().value_or(-1));
    for (const int newest : board) std::printf("board    %d\n", newest);
  });
}
