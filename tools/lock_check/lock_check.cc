// lock_check.cc - tells when a fiber waits while it holds a std::mutex (or any pthread mutex or rwlock): its thread goes on
// with other fibers, which may want the same lock and then block the thread for good; and the fiber may unlock it on
// another.
//
// On demand, for a debug build: link //tools/lock_check, or this file, and it is on for the whole program. It stands in
// front of the C library's functions, so it does not work in a program that is linked statically. Each place is told once,
// on standard error:
//
//   sluice: fiber 'session', started at server.cc:40, waits while it holds a lock (0x55d2c0e0) that was taken
//       at handle(request&) (server.cc:71)
//     and waits
//       at sluice::channel<reply>::recv() const (sluice/channels/channel.h:120)
//       at handle(request&) (server.cc:73)
//
// Cost: some microseconds for each lock that a fiber takes, whose calls are noted.
#include <sluice/base/spinlock.h>
#include <sluice/futures/party.h>
#include <sluice/runtime/detail/backtrace.h>
#include <sluice/runtime/detail/symbols.h>
#include <sluice/runtime/detail/wait_check.h>

#include <dlfcn.h>
#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <mutex>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace sluice::detail;

constexpr std::size_t most_frames = 12;

struct held_lock {
  const void* lock;
  std::array<std::uintptr_t, most_frames> taken;
  std::size_t frame_count;
  std::span<const std::uintptr_t> frames() const noexcept { return {taken.data(), frame_count}; }
};

// By the fiber that runs on this thread. Those beyond the last place are not watched.
struct held_locks {
  std::array<held_lock, 16> locks;
  std::size_t count;
  bool busy;  // looking at the stack takes locks too
};
thread_local constinit held_locks held{};

// `from`: where the C library's function will return to.
void note_taken(const void* lock, const void* from) noexcept {
  if (current_party_slot() == nullptr || held.busy || held.count == held.locks.size()) return;
  held.busy = true;
  const backtrace calls = walk_caller();
  const auto frames = calls.frames();
  const auto first = std::find(frames.begin(), frames.end(), reinterpret_cast<std::uintptr_t>(from) - 1);
  held_lock& l = held.locks[held.count++];
  l.lock = lock;
  l.frame_count = std::min(static_cast<std::size_t>(frames.end() - first), most_frames);
  std::copy_n(first, l.frame_count, l.taken.begin());
  held.busy = false;
}

void note_released(const void* lock) noexcept {
  for (std::size_t i = held.count; i-- > 0;) {
    if (held.locks[i].lock != lock) continue;
    for (--held.count; i < held.count; ++i) held.locks[i] = held.locks[i + 1];
    return;
  }
}

void append(std::string& text, const symbols& known, std::span<const std::uintptr_t> frames) {
  for (const call* c : known.shown(frames)) text += "    at " + to_text(*c) + '\n';
}

void print(const sluice::party::introduction& who, const held_lock& lock, std::span<const std::uintptr_t> waits) {
  symbols known;
  known.look_up(lock.frames());
  known.look_up(waits);
  std::ostringstream text;
  text << "sluice: " << who.text << ", waits while it holds a lock (" << lock.lock << ") that was taken\n";
  std::string calls;
  append(calls, known, lock.frames());
  calls += "  and waits\n";
  append(calls, known, waits);
  std::fputs((text.str() + calls).c_str(), stderr);
}

bool first_time(const held_lock& lock, std::span<const std::uintptr_t> waits) {
  static spinlock guard;
  static std::set<std::pair<std::vector<std::uintptr_t>, std::vector<std::uintptr_t>>> seen;
  const auto copy = [](std::span<const std::uintptr_t> frames) { return std::vector(frames.begin(), frames.end()); };
  const std::lock_guard one_at_a_time(guard);
  return seen.emplace(copy(lock.frames()), copy(waits)).second;
}

// When the fiber goes on it may be on another thread: what it holds is not noted with this one any more.
void check(const sluice::party& self) noexcept {
  if (held.count == 0) [[likely]]
    return;
  held.busy = true;
  try {
    const backtrace calls = walk_caller();
    const auto waits = calls.frames().subspan(1);
    const auto who = self.introduce();
    for (std::size_t i = 0; i < held.count; ++i)
      if (const held_lock& lock = held.locks[i]; first_time(lock, waits))
        std::thread([&] { print(who, lock, waits); }).join();  // the fiber's stack may be short
  } catch (const std::exception&) {}                           // no memory, or no thread
  held.count = 0;
  held.busy = false;
}

[[maybe_unused]] const bool is_on = (wait_check.store(check), true);

// Calls the function of that name that stands behind ours.
template <class... A>
int call_real(std::atomic<void*>& known, const char* name, A... arguments) noexcept {
  void* f = known.load(std::memory_order_relaxed);
  if (f == nullptr) known.store(f = dlsym(RTLD_NEXT, name), std::memory_order_relaxed);
  return reinterpret_cast<int (*)(A...)>(f)(arguments...);
}
template <class L, class... A>
int take(std::atomic<void*>& known, const char* name, const void* from, L* lock, A... more) noexcept {
  const int result = call_real(known, name, lock, more...);
  if (result == 0) note_taken(lock, from);
  return result;
}
template <class L>
int release(std::atomic<void*>& known, const char* name, L* lock) noexcept {
  note_released(lock);
  return call_real(known, name, lock);
}

constinit std::atomic<void*> mutex_lock, mutex_trylock, mutex_timedlock, mutex_clocklock, mutex_unlock;
constinit std::atomic<void*> rwlock_rdlock, rwlock_tryrdlock, rwlock_wrlock, rwlock_trywrlock, rwlock_unlock;

}  // namespace

extern "C" {

int pthread_mutex_lock(pthread_mutex_t* m) noexcept {
  return take(mutex_lock, "pthread_mutex_lock", __builtin_return_address(0), m);
}
int pthread_mutex_trylock(pthread_mutex_t* m) noexcept {
  return take(mutex_trylock, "pthread_mutex_trylock", __builtin_return_address(0), m);
}
int pthread_mutex_timedlock(pthread_mutex_t* m, const timespec* t) noexcept {
  return take(mutex_timedlock, "pthread_mutex_timedlock", __builtin_return_address(0), m, t);
}
int pthread_mutex_clocklock(pthread_mutex_t* m, clockid_t clock, const timespec* t) noexcept {
  return take(mutex_clocklock, "pthread_mutex_clocklock", __builtin_return_address(0), m, clock, t);
}
int pthread_mutex_unlock(pthread_mutex_t* m) noexcept { return release(mutex_unlock, "pthread_mutex_unlock", m); }

int pthread_rwlock_rdlock(pthread_rwlock_t* l) noexcept {
  return take(rwlock_rdlock, "pthread_rwlock_rdlock", __builtin_return_address(0), l);
}
int pthread_rwlock_tryrdlock(pthread_rwlock_t* l) noexcept {
  return take(rwlock_tryrdlock, "pthread_rwlock_tryrdlock", __builtin_return_address(0), l);
}
int pthread_rwlock_wrlock(pthread_rwlock_t* l) noexcept {
  return take(rwlock_wrlock, "pthread_rwlock_wrlock", __builtin_return_address(0), l);
}
int pthread_rwlock_trywrlock(pthread_rwlock_t* l) noexcept {
  return take(rwlock_trywrlock, "pthread_rwlock_trywrlock", __builtin_return_address(0), l);
}
int pthread_rwlock_unlock(pthread_rwlock_t* l) noexcept { return release(rwlock_unlock, "pthread_rwlock_unlock", l); }

}  // extern "C"
