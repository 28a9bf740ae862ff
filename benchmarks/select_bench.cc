// select_bench.cc - waiting for several things: ready ones, ones that park, with a timer, with a default, both ways.

#include "benchmarks/bench.h"
#include "benchmarks/messages.h"

#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using bench::channel, bench::make_channels;
using inboxes = std::vector<sluice::recv_event<std::int64_t>>;

inboxes events_of(const std::vector<channel>& channels) {
  inboxes in;
  in.reserve(channels.size());
  for (const channel& c : channels) in.push_back(sluice::recv(c));
  return in;
}

template <std::size_t... I>
std::int64_t receive_named(inboxes& in, std::index_sequence<I...>) {
  const auto won = sluice::select(in[I]...);
  std::int64_t v = -1;
  static_cast<void>(((won == in[I] && (v = in[I].take().value_or(-1), true)) || ...));
  return v;
}

// Calls `workload` with a function that receives from any of n events: listed in the call for the sizes that a program would
// write down (and for which Go has a select statement), as a range above.
template <class Workload>
void with_receiver(std::size_t n, Workload workload) {
  switch (n) {
    case 2:
      return workload([](inboxes& in) { return receive_named(in, std::make_index_sequence<2>()); });
    case 8:
      return workload([](inboxes& in) { return receive_named(in, std::make_index_sequence<8>()); });
    default:
      return workload([](inboxes& in) { return in[sluice::select(in)].take().value_or(-1); });
  }
}

void sizes(benchmark::internal::Benchmark* b) { bench::workers_and<2, 8, 64, 1000>(b, "n"); }

constexpr std::int64_t depth = 256;

// Receive over n buffered channels none of which is ever empty: they are filled up between rounds, with the watch stopped.
void W7_select_ready(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  with_receiver(n, [&](auto receive) {
    bench::measure(state, state.range(1), depth * 400, [n, receive](bench::run& r) {
      const auto channels = make_channels(n, depth);
      auto in = events_of(channels);
      std::int64_t sent = 0, got = 0, left = 0;
      for (std::int64_t round = 0; round < r.count() / depth; ++round) {
        for (const auto& c : channels)
          while (c.try_send(1)) ++sent;
        r.start();
        for (std::int64_t i = 0; i < depth; ++i) got += receive(in);
        r.stop();
      }
      for (const auto& c : channels) left += static_cast<std::int64_t>(c.size());
      r.expect(got == r.count() && got + left == sent, "a message is lost");
    });
  });
}
BENCHMARK(W7_select_ready)->Apply(sizes);

// One producer sends to each of n rendezvous channels in turn, so that the select parks.
void W7_select_blocking(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  with_receiver(n, [&](auto receive) {
    bench::measure(state, state.range(1),
                   n <= 8    ? 50'000
                   : n <= 64 ? 10'000
                             : 1'000,
                   [n, receive](bench::run& r) {
                     const auto channels = make_channels(n, 0);
                     auto in = events_of(channels);
                     std::int64_t sum = 0;
                     r.start();
                     auto producer = sluice::go([&] {
                       for (std::int64_t i = 0; i < r.count(); ++i)
                         channels[static_cast<std::size_t>(i) % channels.size()].send(i);
                     });
                     for (std::int64_t i = 0; i < r.count(); ++i) sum += receive(in);
                     r.stop();
                     producer.get();
                     r.expect(sum == r.count() * (r.count() - 1) / 2, "a message is lost");
                   });
  });
}
BENCHMARK(W7_select_blocking)->Apply(sizes);

// Receives, or gives up when `timer()` is due, which never happens.
template <class Timer>
void receive_in_time(benchmark::State& state, Timer timer) {
  bench::measure(state, state.range(0), 50'000, [&](bench::run& r) {
    const channel c;
    std::int64_t sum = 0, late = 0;
    r.start();
    auto producer = sluice::go([c, n = r.count()] {
      for (std::int64_t i = 0; i < n; ++i) c.send(i);
    });
    auto next = sluice::recv(c);
    for (std::int64_t i = 0; i < r.count(); ++i) {
      auto&& timeout = timer();
      if (sluice::select(next, timeout) == next) {
        sum += next.take().value_or(-1);
      } else {
        ++late;
      }
    }
    r.stop();
    r.expect(late == 0 && sum == r.count() * (r.count() - 1) / 2, "a message is lost");
  });
}

// A fresh timer of one second for each message.
void W8_select_timeout(benchmark::State& state) {
  receive_in_time(state, [] { return sluice::after(1s); });
}
BENCHMARK(W8_select_timeout)->Apply(bench::workers);

// One timer, set to a second again for each message.
void W8_timer_reused(benchmark::State& state) {
  auto timer = sluice::after(1s);
  receive_in_time(state, [&]() -> auto& { return timer = sluice::after(1s); });
}
BENCHMARK(W8_timer_reused)->Apply(bench::workers);

// Poll empty channels, one or two.
void W9_default(benchmark::State& state) {
  const bool both = state.range(0) == 2;
  bench::measure(state, state.range(1), 1'000'000, [both](bench::run& r) {
    const channel first(1), second(1);
    auto a = sluice::recv(first), b = sluice::recv(second);
    std::int64_t none = 0;
    const auto poll = [&](auto&... events) {
      for (std::int64_t i = 0; i < r.count(); ++i) none += !sluice::try_select(events...);
    };
    r.start();
    if (both) {
      poll(a, b);
    } else {
      poll(a);
    }
    r.stop();
    r.expect(none == r.count(), "something came from nowhere");
  });
}
BENCHMARK(W9_default)->Apply([](auto* b) { bench::workers_and<1, 2>(b, "cases"); });

// Offers to send on one channel and to receive on the other, n times; returns what came in less what went out.
std::int64_t trade(const channel& out, const channel& in, std::int64_t n) {
  std::int64_t balance = 0;
  auto bid = sluice::recv(in);
  for (std::int64_t i = 0; i < n; ++i) {
    auto offer = sluice::send(out, i);
    if (sluice::select(offer, bid) == bid) {
      balance += bid.take().value_or(-1);
    } else if (offer.take()) {
      balance -= i;
    }
  }
  return balance;
}

// Two fibers, each ready to send or to receive, mirrored; an operation is one value that changed hands.
void W9_exchange(benchmark::State& state) {
  bench::measure(state, state.range(0), 50'000, [](bench::run& r) {
    const channel a, b;
    r.start();
    auto other = sluice::go([&] { return trade(b, a, r.count()); });
    const std::int64_t mine = trade(a, b, r.count());
    const std::int64_t theirs = other.get();
    r.stop();
    r.expect(mine + theirs == 0, "a value is lost");
  });
}
BENCHMARK(W9_exchange)->Apply(bench::workers);

}  // namespace
