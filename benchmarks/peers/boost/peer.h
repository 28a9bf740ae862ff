// peer.h - what every workload of this program uses: a batch with its watch, fibers with their stacks, and the list of
// workloads.
#pragma once

#include <sys/resource.h>

#include <boost/fiber/all.hpp>
#include <boost/pool/pool.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace peer {

namespace fibers = boost::fibers;
using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

// One batch of a workload: how many operations to do, and the watch around those that count.
class run {
 public:
  explicit run(std::int64_t count) : count_(count) {}

  std::int64_t count() const { return count_; }
  void start() { started_ = clock::now(); }
  void stop() { elapsed_ += clock::now() - started_; }
  // Instead of the watch, for a workload that measures something else: the value of one operation.
  void report(nanoseconds value) { elapsed_ = value * count_; }
  nanoseconds elapsed() const { return elapsed_; }

 private:
  std::int64_t count_;
  clock::time_point started_;
  nanoseconds elapsed_{};
};

inline void expect(bool right, const char* otherwise) {
  if (right) return;
  std::fprintf(stderr, "boost peer: %s\n", otherwise);
  std::_Exit(1);
}

// The processor time of this process so far, on all cores.
inline nanoseconds used() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  const auto of = [](const timeval& t) { return std::chrono::seconds(t.tv_sec) + std::chrono::microseconds(t.tv_usec); };
  return of(u.ru_utime) + of(u.ru_stime);
}

// Stacks from a pool. Boost's pooled_fixedsize_stack is for one thread, but a fiber that has moved gives its stack back on
// the other: so with a lock where there are several. The size is not a multiple of the page, so that the tops of stacks
// share neither cache sets nor, with the pool's links, more pages than they must.
class stacks {
 public:
  using traits_type = boost::context::stack_traits;

  static void share() { shared_ = true; }

  boost::context::stack_context allocate() {
    const auto held = lock();
    return pool().allocate();
  }
  void deallocate(boost::context::stack_context& s) noexcept {
    const auto held = lock();
    pool().deallocate(s);
  }

 private:
  static std::unique_lock<std::mutex> lock() {
    static std::mutex m;
    return shared_ ? std::unique_lock(m) : std::unique_lock<std::mutex>();
  }
  static boost::context::pooled_fixedsize_stack& pool() {
    static boost::context::pooled_fixedsize_stack p(16 * 1024 + 256);
    return p;
  }
  inline static bool shared_ = false;
};

template <class Function>
fibers::fiber go(Function f) {
  return fibers::fiber(fibers::launch::post, std::allocator_arg, stacks(), std::move(f));
}

inline void join(std::vector<fibers::fiber>& all) {
  for (auto& one : all) one.join();
}

// Channels that outlive the fibers which use them: neither kind can be moved.
template <class Channel>
using channels = std::vector<std::unique_ptr<Channel>>;

using rendezvous = fibers::unbuffered_channel<std::int64_t>;
using buffered = fibers::buffered_channel<std::int64_t>;

template <class T, class Channel>
bool receive(Channel& c, T& v) {
  return c.pop(v) == fibers::channel_op_status::success;
}

struct tally {
  std::int64_t count = 0, sum = 0;

  // Did each of 0, 1, ..., n - 1 arrive once?
  bool is_all_of(std::int64_t n) const { return count == n && sum == n * (n - 1) / 2; }
};

template <class Channel>
tally drain(Channel& c) {
  tally t;
  for (std::int64_t v = 0; receive(c, v); ++t.count) t.sum += v;
  return t;
}

// A workload does r.count() operations; batch is the count, large enough that what happens once does not show.
struct workload {
  const char* name;
  std::int64_t batch;
  void (*execute)(run& r);
  bool once =
      false;  // one batch, the first of its process: it is measured cold, or warms up by itself, and -min does not matter
};

extern const std::vector<workload> fiber_workloads, channel_workloads, many_workloads, timer_workloads, job_workloads;

}  // namespace peer
