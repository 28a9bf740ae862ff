// Whole jobs: the sieve of chained filters, pipelines; and a result that arrives once.

#include "peer.h"

namespace peer {
namespace {

// Primes by a chain of filters, one for each prime; an operation is the whole of it.
void sieve(run& r) {
  constexpr std::int64_t primes = 2000, last = 17'389;
  channels<rendezvous> chain;
  std::vector<fibers::fiber> all;
  const auto extend = [&]() -> rendezvous& { return *chain.emplace_back(std::make_unique<rendezvous>()); };
  std::int64_t prime = 0;
  r.start();
  rendezvous* from = &extend();
  all.push_back(go([&first = *from] {
    for (std::int64_t i = 2; i <= last; ++i) first.push(i);
    first.close();
  }));
  for (std::int64_t i = 0; i < primes; ++i) {
    from->pop(prime);
    rendezvous& out = extend();
    all.push_back(go([&in = *from, &out, prime] {
      for (std::int64_t v = 0; receive(in, v);)
        if (v % prime != 0) out.push(v);
      out.close();
    }));
    from = &out;
  }
  r.stop();
  std::int64_t more = 0;
  expect(prime == last && !receive(*from, more), "the sieve has a hole");
  join(all);
}

// Make a promise, set it, take what it holds, all in one fiber.
void oneshot(run& r) {
  std::int64_t sum = 0;
  r.start();
  for (std::int64_t i = 0; i < r.count(); ++i) {
    fibers::promise<std::int64_t> p;
    auto f = p.get_future();
    p.set_value(i);
    sum += f.get();
  }
  r.stop();
  expect(sum == r.count() * (r.count() - 1) / 2, "a result is lost");
}

// 1,750 of these take about two microseconds at 3.5 GHz: so many multiplications, each of which needs the result of the
// last. Not a look at the clock, which goes on while others have the processor.
std::uint64_t work(std::uint64_t v, int rounds) {
  for (int i = 0; i < rounds; ++i) v = v * 6364136223846793005U + 1442695040888963407U;
  return v;
}

// One source, four workers, one sink; an operation is an item.
template <int Rounds>
void pipeline(run& r) {
  using channel = fibers::buffered_channel<std::uint64_t>;
  const auto n = static_cast<std::uint64_t>(r.count());
  channel items(128), results(128);
  std::vector<fibers::fiber> middle;
  std::uint64_t count = 0, sum = 0;
  r.start();
  for (int k = 0; k < 4; ++k)
    middle.push_back(go([&] {
      for (std::uint64_t v = 0; receive(items, v);) results.push(work(v, Rounds));
    }));
  auto source = go([&] {
    for (std::uint64_t i = 0; i < n; ++i) items.push(i);
    items.close();
  });
  auto last = go([&] {
    join(middle);
    results.close();
  });
  for (std::uint64_t v = 0; receive(results, v); ++count) sum += v;
  r.stop();
  source.join();
  last.join();
  // work(v) is a * v + b, whatever the rounds.
  const std::uint64_t b = work(0, Rounds), a = work(1, Rounds) - b;
  expect(count == n && sum == a * (n * (n - 1) / 2) + b * n, "an item is lost");
}

}  // namespace

const std::vector<workload> job_workloads{
    {"W13_sieve", 1, sieve},
    {"W15_oneshot", 200'000, oneshot},
    {"W16_pipeline", 200'000, pipeline<0>},
    {"W17_pipeline_work", 20'000, pipeline<1750>},
};

}  // namespace peer
