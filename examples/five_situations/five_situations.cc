// five_situations - the programs of docs/situations.md.
#include <sluice/sluice.h>

#include <cstdio>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using namespace sluice;

namespace {

// Stands for a page that is loaded, an answer that is asked for.
std::string fetch(const std::string& url, std::chrono::milliseconds cost) {
  this_fiber::sleep_for(cost);
  if (url.ends_with("missing")) throw std::runtime_error("404 " + url);
  return "body of " + url;
}

long heavy(long n) {
  if (n < 0) throw std::domain_error("a negative number");
  long sum = 0;
  for (long i = 0; i < n; ++i) sum = (sum + i * i) % 1'000'003;
  return sum;
}

// Stands for a database; one call a tick.
void write(const std::map<std::string, int>& last_active) {
  for (const auto& [user, when] : last_active) std::printf("tick: %s at %d\n", user.c_str(), when);
}

// Stands for a library that calls back from a thread of its own.
class old_client {
 public:
  template <class Callback>
  void ask(std::string question, Callback callback) {
    thread_ = std::jthread([=] { callback(question.empty() ? 1 : 0, "answer to " + question); });
  }

 private:
  std::jthread thread_;
};

void first_of_several() {
  auto mirror_a = go([] { return fetch("a/missing", 30ms); });
  auto mirror_b = go([] { return fetch("b/page", 90ms); });
  auto a = done(mirror_a), b = done(mirror_b);
  auto late = after(10s);
  for (int left = 2; left > 0; --left) {
    const auto won = select(a, b, late);  // what was taken is not ready again
    if (won == late) return void(std::puts("any: too late"));
    const outcome<std::string> page = won == a ? a.take() : b.take();
    if (page) return void(std::printf("any: %s\n", page.value().c_str()));
  }
  std::puts("any: none");
}

void as_they_complete() {
  const std::vector<std::string> urls{"slow", "quick", "missing"};
  std::vector<future<std::string>> pages;
  for (std::size_t i = 0; i < urls.size(); ++i)
    pages.push_back(go([url = urls[i], cost = 90ms - 40ms * i] { return fetch(url, cost); }));
  for (auto [index, page] : as_completed(pages)) {
    try {
      std::printf("completed: %s\n", page.get().c_str());
    } catch (const std::exception& e) {
      std::printf("completed: %s gave %s\n", urls[index].c_str(), e.what());
    }
  }
}

void heavy_beside_fast() {
  const auto serve = [](long request) {
    try {
      std::printf("heavy: %ld\n", blocking([=] { return heavy(request); }).get());
    } catch (const std::domain_error& e) {
      std::printf("heavy: %s\n", e.what());  // what was thrown there arrives here
    }
  };
  auto slow = go([&] { serve(50'000'000); });
  auto wrong = go([&] { serve(-1); });
  for (int i = 0; i < 3; ++i) go([] { std::puts("fast"); }).get();
  slow.get();
  wrong.get();
}

void many_sources_and_a_tick() {
  channel<std::string> logins(8), requests(8);
  std::map<std::string, int> user_last_active;
  int clock = 0;
  const auto seen = [&](std::optional<std::string> user) {
    if (user) user_last_active[*user] = ++clock;
  };
  select_set sources;
  sources.add(recv(logins), seen);
  sources.add(recv(requests), seen);
  const auto tick = sources.add(every(10ms), [&](auto) { write(std::exchange(user_last_active, {})); });
  auto traffic =
      go([=] { logins.send("ann"), requests.send("bob"), requests.send("ann"), logins.close(), requests.close(); });
  while (sources.size() > 1) sources.wait();  // channels that are closed and drained leave by themselves
  sources.remove(tick);
  write(user_last_active);
}

void futures_and_callbacks() {
  old_client client;
  future<std::string> answer = from_callback<std::string>([&](resolver<std::string> done) {
    client.ask("why", [done](int error, std::string text) {
      error ? done.fail(std::make_exception_ptr(std::runtime_error("no answer"))) : done(std::move(text));
    });
  });
  int looked = 0;
  {
    auto taken_back = answer.on_ready([&](const outcome<std::string>&) { ++looked; });
  }
  auto kept = answer.on_ready([&](const outcome<std::string>& o) { looked += o ? 10 : 20; });
  std::printf("callback: %s\n", answer.get().c_str());
}

}  // namespace

int main() {
  run([] {
    first_of_several();
    as_they_complete();
    heavy_beside_fast();
    many_sources_and_a_tick();
    futures_and_callbacks();
  });
}
