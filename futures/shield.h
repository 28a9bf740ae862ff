// shield.h - a stretch in which the calling fiber is not cancelled.
//
//   { const shield until_done; checkpoint.send(state); }      // a request that comes meanwhile waits for the next wait
//
// No wait inside throws cancelled, a request stays pending; and the deadline from outside does not count. One that is set
// inside does: so a clean-up may have a time limit of its own. Shields nest. For fibers and threads, on whose stack they
// live.
#pragma once

#include <sluice/futures/party.h>

namespace sluice {

class [[nodiscard]] shield {
 public:
  shield() noexcept : self_(party::current()), deadline_outside_(self_.deadline()) {
    self_.add_shield();
    self_.set_deadline(detail::steady_time::max());
  }
  shield(const shield&) = delete;
  shield& operator=(const shield&) = delete;
  ~shield() {
    self_.set_deadline(deadline_outside_);
    self_.remove_shield();
  }

 private:
  party& self_;
  const detail::steady_time deadline_outside_;
};

}  // namespace sluice
