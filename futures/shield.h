// shield.h - a stretch in which the calling fiber is not cancelled.
//
//   { const shield until_done; checkpoint.send(state); }      // a request that comes meanwhile waits for the next wait
//
// No wait inside throws cancelled or deadline_exceeded; a request stays pending. Shields nest. For fibers and threads, on
// whose stack they live.
#pragma once

#include <sluice/futures/waiter.h>

namespace sluice {

class [[nodiscard]] shield {
 public:
  shield() noexcept { waiter::current().add_shield(); }
  shield(const shield&) = delete;
  shield& operator=(const shield&) = delete;
  ~shield() { waiter::current().remove_shield(); }
};

}  // namespace sluice
