// custom_event - three services start; main waits for all of them through a latch, the library's select and a deadline.
#include "examples/custom_event/latch.h"

#include <sluice/sluice.h>

#include <cstdio>
#include <memory>

using namespace std::chrono_literals;

int main() {
  sluice::run([] {
    const auto ready = std::make_shared<custom_event::latch>(3);  // shared: count_down() may still run when we are through
    sluice::channel<const char*> log(8);
    for (const char* name : {"database", "cache", "listener"})
      sluice::go([=] {
        sluice::this_fiber::sleep_for(name[0] == 'd' ? 30ms : 10ms);
        log.send(name);
        ready->count_down();
      });

    auto open = custom_event::opened(*ready);
    auto line = sluice::recv(log);
    auto late = sluice::after(10s);
    for (;;) {
      const auto won = sluice::select_in_order(line, open, late);
      if (won == line) {
        std::printf("%s is up\n", *line.take());
      } else {
        std::puts(won == open ? "all services are up" : "too late");
        return;
      }
    }
  });
}
