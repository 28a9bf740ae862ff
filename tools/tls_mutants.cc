// Functions that keep a thread pointer over a wait, or let the compiler do so, each in another way, and two that do not:
// what tls_check.py must tell apart (tls_check_test.sh). Nobody calls them.
#include <sluice/sluice.h>

#include <cerrno>

namespace sluice::mutants {

thread_local int counter = 0;
extern thread_local int elsewhere;

void keeps_thread_local() {
  ++counter;
  this_fiber::yield();
  ++counter;
}

int keeps_errno(const channel<int>& c) {
  errno = 0;
  c.recv();
  return errno;
}

std::thread::id keeps_thread_id(future<void>& f) {
  const auto before = std::this_thread::get_id();
  f.wait();
  return before == std::this_thread::get_id() ? before : std::thread::id();
}

// The switch is behind a virtual call.
void keeps_it_over_a_virtual_call(waiter& w) {
  ++counter;
  w.wake();
  ++counter;
}

[[gnu::noinline]] void waits_behind_a_call(int depth) {
  asm volatile("");
  if (depth > 0) return waits_behind_a_call(depth - 1);
  this_fiber::yield();
}
void keeps_it_over_a_call() {
  ++counter;
  waits_behind_a_call(3);
  ++counter;
}

// Defined in another library, perhaps: found through a function.
void keeps_it_of_another_file() {
  ++elsewhere;
  this_fiber::yield();
  ++elsewhere;
}

[[gnu::noinline]] int& innocent_without_a_wait() {
  asm volatile("");
  return ++counter;
}

// The canary (the build asks for one everywhere) is at a fixed place of each thread's, and the same in all.
void innocent_with_a_canary(char* to) {
  char buffer[64];
  for (char& c : buffer) c = *to++;
  this_fiber::yield();
  for (const char c : buffer) *to++ = c;
}

}  // namespace sluice::mutants
