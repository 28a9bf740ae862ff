#include <sluice/base/census.h>
#include <sluice/futures/cancelled.h>
#include <sluice/futures/deadline.h>
#include <sluice/runtime/detail/blocking_pool.h>
#include <sluice/runtime/detail/quiet_signals.h>
#include <sluice/runtime/detail/scheduler.h>
#include <sluice/runtime/detail/value_node.h>

#include <algorithm>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace sluice::detail {

namespace {

thread_local blocking_pool* pool_of_this_thread = nullptr;

}  // namespace

// ---- Jobs

pooled_job::pooled_job(const party& starter) noexcept : deadline_(starter.deadline()), values_(starter.values()) {
  if (values_ != nullptr) values_->add_ref();
}

void pooled_job::enter(party& thread) const noexcept {
  thread.set_deadline(deadline_);
  thread.set_values(values_);
}

void pooled_job::leave(party& thread) noexcept {
  thread.set_deadline(steady_time::max());
  thread.set_values(nullptr);
  drop_values();
}

void pooled_job::drop_values() noexcept {
  if (value_node* const inherited = std::exchange(values_, nullptr)) inherited->release();
}

bool pooled_job::withdraw() noexcept {
  if (!claim()) return false;
  blocking_pool& pool = *pool_;
  pool.home_.check_not_lost("a job of the parent process was cancelled");
  {
    const std::lock_guard guard(pool.lock_);
    if (!alone()) pool.remove(*this);
  }
  pool.refuse(*this, std::make_exception_ptr(cancelled{}));
  return true;
}

// ---- Threads

struct blocking_pool::thread : ring_link {
  party& waits = party::current();
  pooled_job* job = nullptr;
  std::atomic<std::uint32_t> woken{0};
  thread* next_decided = nullptr;
};

blocking_pool::blocking_pool(scheduler& home, std::size_t most, std::chrono::milliseconds keep_alive)
    : home_(home), most_(most), keep_alive_(keep_alive) {
  if (most == 0) throw std::invalid_argument("sluice: 0 blocking_threads; there must be one at least");
}

[[gnu::noinline]] blocking_pool* blocking_pool::current() noexcept {
  asm volatile("");
  return pool_of_this_thread;
}

[[gnu::noinline]] void blocking_pool::forget_thread() noexcept { pool_of_this_thread = nullptr; }

void* blocking_pool::thread_main(void* pool) {
  pthread_setname_np(pthread_self(), "sluice-block");
  static_cast<blocking_pool*>(pool)->work();
  return nullptr;
}

void blocking_pool::work() noexcept {
  pool_of_this_thread = this;
  thread self;
  lock_.lock();
  while (pooled_job* const job = next_for(self)) {
    lock_.unlock();
    job->run();
    home_.check_not_lost(
        "the job of blocking() that called fork() has returned; a child process has to end by exec or _exit");
    lock_.lock();
    self.unlink();
    self.job = nullptr;
    --running_;
    lock_.unlock();
    job->memory().release();
    lock_.lock();
    job_is_over();
  }
  end_thread();
}

// Null: the thread has to end. The lock is held, and is let go while there is nothing to do.
pooled_job* blocking_pool::next_for(thread& self) noexcept {
  if (pooled_job* const first = pop()) {
    self.job = first;
    busy_.append(self);
    return first;
  }
  self.woken.store(0, std::memory_order_relaxed);
  idle_.append(self);
  ++idle_count_;
  census::rests();
  for (const steady_time end = from_now(keep_alive_); self.job == nullptr;) {
    if (stopping_ || std::chrono::steady_clock::now() >= end) {
      self.unlink();
      --idle_count_;
      census::is_woken();
      return nullptr;
    }
    lock_.unlock();
    futex_wait(self.woken, 0, std::min(end, census::look_for_deadlock()));
    lock_.lock();
  }
  return self.job;
}

// The lock is held, and let go.
void blocking_pool::end_thread() noexcept {
  const bool is_first = !std::exchange(one_has_ended_, true);
  const pthread_t before = std::exchange(last_to_end_, pthread_self());
  threads_.fetch_sub(1, std::memory_order_release);
  lock_.unlock();
  if (!is_first) pthread_join(before, nullptr);
  futex_wake_one(threads_);
}

void blocking_pool::start_thread() noexcept {
  pthread_t id;
  int failed;
  {
    const quiet_signals inherited;
    failed = pthread_create(&id, nullptr, thread_main, this);
  }
  if (failed == 0) return;
  ring_link stranded;
  {
    const std::lock_guard guard(lock_);
    if (threads_.fetch_sub(1, std::memory_order_relaxed) == 1) pop_all(stranded);
  }
  refuse_all(stranded, std::make_exception_ptr(
                           std::system_error(failed, std::generic_category(), "sluice: blocking() cannot start a thread")));
}

// ---- The line. All but refuse() and refuse_all() with the lock held.

pooled_job* blocking_pool::pop() noexcept {
  while (!line_.alone()) {
    auto& first = static_cast<pooled_job&>(*line_.next);
    remove(first);
    if (!first.claim()) continue;  // being withdrawn
    ++running_;
    return &first;
  }
  return nullptr;
}

void blocking_pool::pop_all(ring_link& claimed) noexcept {
  while (!line_.alone()) {
    auto& first = static_cast<pooled_job&>(*line_.next);
    remove(first);
    if (first.claim()) claimed.append(first);
  }
}

void blocking_pool::remove(pooled_job& j) noexcept {
  j.unlink();
  --queued_;
}

void blocking_pool::refuse(pooled_job& j, std::exception_ptr why) noexcept {
  j.refuse(std::move(why));
  j.memory().release();
  const std::lock_guard guard(lock_);
  job_is_over();
}

void blocking_pool::refuse_all(ring_link& claimed, const std::exception_ptr& why) noexcept {
  while (!claimed.alone()) {
    auto& first = static_cast<pooled_job&>(*claimed.next);
    first.unlink();
    refuse(first, why);
  }
}

// The runtime may end when the lock is free again, so it is told under it.
void blocking_pool::job_is_over() noexcept {
  --jobs_;
  if (stopping_) home_.progress_to_the_end();
}

// ---- For everybody

void blocking_pool::submit(pooled_job& j) noexcept {
  j.pool_ = this;
  bool starts = false, refused = false;
  thread* woken = nullptr;
  {
    const std::lock_guard guard(lock_);
    ++jobs_;
    if (stopping_) {
      refused = j.claim();
    } else if (!idle_.alone()) {
      woken = static_cast<thread*>(idle_.prev);
      woken->unlink();
      --idle_count_;
      census::is_woken();
      busy_.append(*woken);
      woken->job = &j;
      j.claim();
      ++running_;
      woken->woken.store(1, std::memory_order_relaxed);
    } else {
      line_.append(j);
      ++queued_;
      starts = threads_.load(std::memory_order_relaxed) < most_;
      if (starts) threads_.fetch_add(1, std::memory_order_relaxed);
    }
  }
  if (refused) refuse(j, std::make_exception_ptr(cancelled{}));
  if (woken != nullptr) futex_wake_one(woken->woken);  // it may be gone by now: then an unknown futex is woken for nothing
  if (starts) start_thread();
}

void blocking_pool::stop() noexcept {
  ring_link in_line, running;
  {
    const std::lock_guard guard(lock_);
    stopping_ = true;
    pop_all(in_line);
    for (ring_link* each = busy_.next; each != &busy_; each = each->next) {
      pooled_job& job = *static_cast<thread*>(each)->job;
      job.memory().add_ref();
      running.append(job);
    }
    for (ring_link* each = idle_.next; each != &idle_; each = each->next) {
      auto& t = static_cast<thread&>(*each);
      t.woken.store(1, std::memory_order_relaxed);
      futex_wake_one(t.woken);
    }
  }
  refuse_all(in_line, std::make_exception_ptr(cancelled{}));
  while (!running.alone()) {
    auto& job = static_cast<pooled_job&>(*running.next);
    job.unlink();
    job.ask_to_stop();
    job.memory().release();
  }
  thread* decided = nullptr;
  {
    const std::lock_guard guard(lock_);
    for (ring_link* each = busy_.next; each != &busy_; each = each->next) {
      auto& t = static_cast<thread&>(*each);
      if (t.waits.request_stop(waiter::always)) t.next_decided = std::exchange(decided, &t);
    }
  }
  while (decided != nullptr) {
    thread& t = *decided;  // parked, and only we may wake it
    decided = t.next_decided;
    t.waits.wake();
  }
}

bool blocking_pool::has_jobs() noexcept {
  const std::lock_guard guard(lock_);
  return jobs_ != 0;
}

void blocking_pool::join() noexcept {
  for (std::uint32_t n; (n = threads_.load(std::memory_order_acquire)) != 0;) futex_wait(threads_, n, steady_time::max());
  lock_.lock();
  const bool any = std::exchange(one_has_ended_, false);
  lock_.unlock();
  if (any) pthread_join(last_to_end_, nullptr);
}

blocking_pool::figures blocking_pool::count() noexcept {
  const std::lock_guard guard(lock_);
  return {.threads = threads_.load(std::memory_order_relaxed), .idle = idle_count_, .queued = queued_, .running = running_};
}

}  // namespace sluice::detail
