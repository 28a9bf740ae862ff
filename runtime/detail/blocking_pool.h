// blocking_pool.h - the threads that blocking() runs its jobs on.
//
// A job is handed to the thread that fell idle last; if none is idle, it stands in line, and a thread is started as long as
// there may be more. A thread that had nothing to do for keep_alive ends. There is no thread before the first job.
//
// Threads: everything may be called from any fiber or thread, but for join().
// Lock: lock_ guards the rings, the counts and what a thread runs. With it held no code of a job runs, and none is let go.
// Invariants
//   B1  a thread is idle  =>  no job stands in line.
//   B2  a job stands in line  =>  there is a thread, or one is being started: whoever fails to start the last one refuses
//       them all.
//   B3  a job runs or is refused once: by whoever claims it. From submit() until it is let go it is counted in jobs_, and
//       the pool outlives that: so whoever has claimed a job finds the pool.
// A thread that ends joins the one that ended before it, and join() joins the last: no list of them is kept.
#pragma once

#include <sluice/base/intrusive_ptr.h>
#include <sluice/base/ring_link.h>
#include <sluice/base/spinlock.h>
#include <sluice/futures/party.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <pthread.h>

namespace sluice::detail {

class blocking_pool;
class scheduler;

// What a thread of the pool runs, under the deadline and with the values of the one who has made it.
class pooled_job : private ring_link {
 protected:
  explicit pooled_job(const party& starter) noexcept;
  ~pooled_job() { drop_values(); }

  // Takes it out of the line and refuses it. False: it was begun or refused before.
  bool withdraw() noexcept;

  // From here to leave(), the deadline and the values are those of the calling thread.
  void enter(party& thread) const noexcept;
  void leave(party& thread) noexcept;
  void drop_values() noexcept;

 private:
  friend class blocking_pool;

  virtual ref_counted& memory() noexcept = 0;  // of which the pool has a reference
  // On a thread of the pool. Nothing leaves it.
  virtual void run() noexcept = 0;
  // Instead of run(), on any thread or fiber.
  virtual void refuse(std::exception_ptr why) noexcept = 0;
  virtual void ask_to_stop() noexcept = 0;

  bool claim() noexcept { return !claimed_.exchange(true, std::memory_order_acq_rel); }

  blocking_pool* pool_ = nullptr;
  std::atomic<bool> claimed_{false};
  const steady_time deadline_;
  value_node* values_;
};

class blocking_pool {
 public:
  // At most `most` threads: std::invalid_argument for none.
  blocking_pool(scheduler& home, std::size_t most, std::chrono::milliseconds keep_alive);
  blocking_pool(const blocking_pool&) = delete;
  blocking_pool& operator=(const blocking_pool&) = delete;

  // Whose thread the calling one is; null if it is none.
  static blocking_pool* current() noexcept;
  // The calling thread is none any more.
  static void forget_thread() noexcept;
  scheduler& home() const noexcept { return home_; }

  // Takes a reference to j over. Runs it, or refuses it: with `cancelled` after stop(), with std::system_error if there is
  // no thread at all.
  void submit(pooled_job& j) noexcept;

  // Refuses the jobs that stand in line or are yet to come; asks those that run to stop, and cancels each wait of theirs.
  void stop() noexcept;
  bool has_jobs() noexcept;
  // After stop(), and when there are no jobs any more: blocks until all threads have ended.
  void join() noexcept;

  struct figures {
    std::size_t threads;  // the idle ones included
    std::size_t idle;
    std::size_t queued;
    std::size_t running;
  };
  figures count() noexcept;

 private:
  friend class pooled_job;
  struct thread;

  static void* thread_main(void* pool);
  void work() noexcept;
  pooled_job* next_for(thread& self) noexcept;
  void end_thread() noexcept;

  void start_thread() noexcept;
  pooled_job* pop() noexcept;
  void pop_all(ring_link& claimed) noexcept;
  void remove(pooled_job& j) noexcept;
  void refuse(pooled_job& j, std::exception_ptr why) noexcept;
  void refuse_all(ring_link& claimed, const std::exception_ptr& why) noexcept;
  void job_is_over() noexcept;

  scheduler& home_;
  const std::size_t most_;
  const std::chrono::milliseconds keep_alive_;

  spinlock lock_;
  ring_link line_;
  ring_link idle_;  // the last one fell idle last
  ring_link busy_;
  std::size_t queued_ = 0;
  std::size_t idle_count_ = 0;
  std::size_t running_ = 0;
  std::size_t jobs_ = 0;
  bool stopping_ = false;
  bool one_has_ended_ = false;
  pthread_t last_to_end_{};
  std::atomic<std::uint32_t> threads_{0};  // those included that are being started
};

}  // namespace sluice::detail
