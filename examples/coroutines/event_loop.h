// event_loop.h - an executor of one's own: one thread resumes what is ready, as a user interface or a game loop would.
#pragma once

#include <sluice/sluice.h>

#include <condition_variable>
#include <mutex>

class event_loop final : public sluice::executor {
 public:
  void post(sluice::coroutine_waiter& c) noexcept override {
    const std::scoped_lock hold(mutex_);
    ready_.push(c);
    changed_.notify_one();
  }
  bool withdraw(sluice::coroutine_waiter& c) noexcept override {
    const std::scoped_lock hold(mutex_);
    return ready_.remove(c);
  }

  // Resumes coroutines on the calling thread until somebody calls stop() and nothing is ready.
  void run() {
    while (sluice::coroutine_waiter* const c = next()) c->resume();
  }
  void stop() {
    const std::scoped_lock hold(mutex_);
    stopped_ = true;
    changed_.notify_one();
  }

 private:
  sluice::coroutine_waiter* next() {
    std::unique_lock hold(mutex_);
    changed_.wait(hold, [&] { return stopped_ || !ready_.empty(); });
    return ready_.pop();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  sluice::coroutine_queue ready_;
  bool stopped_ = false;
};
