// Messages through one or two channels. A buffered channel of Boost keeps one of its places free, so it holds one less than
// its name says.

#include "peer.h"

namespace peer {
namespace {

template <std::size_t Capacity>
struct of_capacity : buffered {
  of_capacity() : buffered(Capacity) {}
};
template <>
struct of_capacity<0> : rendezvous {};

// Two fibers, two rendezvous channels; an operation is a round trip.
void ping_pong(run& r) {
  rendezvous there, back;
  auto echo = go([&] {
    for (std::int64_t v = 0; receive(there, v);) back.push(v + 1);
  });
  std::int64_t sum = 0;
  r.start();
  for (std::int64_t i = 0; i < r.count(); ++i) {
    there.push(i);
    std::int64_t v = 0;
    back.pop(v);
    sum += v;
  }
  r.stop();
  there.close();
  echo.join();
  expect(sum == r.count() * (r.count() + 1) / 2, "a message is lost");
}

// One producer, one consumer; an operation is a message.
template <std::size_t Capacity>
void spsc(run& r) {
  of_capacity<Capacity> c;
  r.start();
  auto producer = go([&] {
    for (std::int64_t i = 0; i < r.count(); ++i) c.push(i);
    c.close();
  });
  const tally t = drain(c);
  r.stop();
  producer.join();
  expect(t.is_all_of(r.count()), "a message is lost");
}

// Four producers, four consumers, one channel; an operation is a message.
template <std::size_t Capacity>
void mpmc(run& r) {
  constexpr std::int64_t side = 4;
  of_capacity<Capacity> c;
  std::vector<fibers::fiber> producers, consumers;
  std::vector<tally> got(side);
  r.start();
  for (std::int64_t k = 0; k < side; ++k) {
    consumers.push_back(go([&c, &mine = got[static_cast<std::size_t>(k)]] { mine = drain(c); }));
    producers.push_back(go([&c, k, n = r.count()] {
      for (std::int64_t i = k; i < n; i += side) c.push(i);
    }));
  }
  join(producers);
  c.close();
  join(consumers);
  r.stop();
  tally t;
  for (const tally& one : got) {
    t.count += one.count;
    t.sum += one.sum;
  }
  expect(t.is_all_of(r.count()), "a message is lost");
}

// Receive, or give up after a second: there is no select, but a receive with a limit says the same.
void timeout(run& r) {
  rendezvous c;
  std::int64_t sum = 0, late = 0;
  r.start();
  auto producer = go([&] {
    for (std::int64_t i = 0; i < r.count(); ++i) c.push(i);
  });
  for (std::int64_t i = 0; i < r.count(); ++i) {
    std::int64_t v = 0;
    late += c.pop_wait_for(v, 1s) != fibers::channel_op_status::success;
    sum += v;
  }
  r.stop();
  producer.join();
  expect(late == 0 && sum == r.count() * (r.count() - 1) / 2, "a message is lost");
}

}  // namespace

const std::vector<workload> channel_workloads{
    {"W3_ping_pong", 50'000, ping_pong},          {"W5_spsc/capacity:0", 100'000, spsc<0>},
    {"W5_spsc/capacity:64", 400'000, spsc<64>},   {"W5_spsc/capacity:1024", 400'000, spsc<1024>},
    {"W6_mpmc/capacity:128", 400'000, mpmc<128>}, {"W6_mpmc/capacity:0", 100'000, mpmc<0>},
    {"W8_select_timeout", 50'000, timeout},
};

}  // namespace peer
