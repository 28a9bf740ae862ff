#include <sluice/runtime/detail/local_node.h>
#include <sluice/runtime/detail/worker.h>

namespace sluice::detail {

namespace {

// A thread's party is never destroyed, since destructors of static objects may still wait; its values are.
struct destroys_values {
  ~destroys_values() { local_node::destroy_all(party::current()); }
};

[[gnu::noinline]] void destroy_at_thread_end() noexcept {
  asm volatile("");
  static thread_local const destroys_values at_the_end;
}

}  // namespace

void local_node::belong_to(party& self) noexcept {
  if (worker::current() == nullptr) destroy_at_thread_end();
  older_ = self.locals();
  self.set_locals(this);
}

// Each is out of the list before its destructor runs, which may look.
void local_node::destroy_all(party& self) noexcept {
  while (local_node* const newest = self.locals()) {
    self.set_locals(newest->older_);
    delete newest;
  }
}

}  // namespace sluice::detail
