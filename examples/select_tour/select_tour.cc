// select_tour - each kind of event in one screen.
#include <sluice/sluice.h>

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using namespace sluice;

int main() {
  run([] {
    channel<std::string> news(1), outbox(1);
    channel<int> disabled(nullptr);
    future<int> answer = go([] {
      this_fiber::sleep_for(60ms);
      return 42;
    });
    go([=] {
      this_fiber::sleep_for(20ms);
      news.send("a message");
    });
    go([=] {
      this_fiber::sleep_for(100ms);
      news.close();
    });

    auto next = recv(news);                // a value, or the end of the channel
    auto post = send(outbox, "a letter");  // room for a value: ready at once here, and only once
    auto result = done(answer);            // a fiber has finished
    auto tick = every(50ms);               // again and again, without drift
    auto soon = at(std::chrono::steady_clock::now() + 250ms);
    auto late = after(10s);  // would be a timeout
    auto nothing = never();
    auto off = recv(disabled);  // a case that is switched off
    for (bool more = true; more;) {
      const auto won = select(next, post, result, tick, soon, late, nothing, off);
      if (won == next) {
        const auto text = next.take();
        std::printf("recv    %s\n", text ? text->c_str() : "closed and drained");
        if (!text) next = recv(channel<std::string>(nullptr));  // closed is always ready: look elsewhere from now on
      } else if (won == post) {
        std::printf("send    %s\n", post.take() ? "accepted" : "refused");
      } else if (won == result) {
        std::printf("done    %d\n", result.take().value());  // taken: it is not ready again
      } else if (won == tick) {
        std::printf("every   %llu missed\n", static_cast<unsigned long long>(tick.take()));
      } else {
        std::printf("at      %s\n", won == soon ? "the end" : "?");
        more = false;
      }
    }
    // The same as handlers, and without waiting: the default is taken if no case is ready.
    select(on(recv(outbox), [](std::optional<std::string> v) { std::printf("on      %s\n", v ? v->c_str() : "closed"); }),
           on(after(1s), [] { std::puts("on      a second"); }));
    select(on(recv(outbox), [](std::optional<std::string>) { std::puts("?"); }), otherwise([] { std::puts("default"); }));
    // By priority, and over a list made at run time.
    std::vector<channel<int>> many{channel<int>(1), channel<int>(1), channel<int>(1)};
    many[1].send(7);
    std::vector<recv_event<int>> cases;
    for (auto& c : many) cases.push_back(recv(c));
    const std::size_t i = select_in_order(cases);
    std::printf("range   case %zu gave %d\n", i, *cases[i].take());
  });
}
