// scope - pages from slow servers: all of them or none, the fastest mirror, not later than.
//
// The servers are pretended: each needs a while for its answer, and some fail or never answer.
#include <sluice/sluice.h>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using namespace sluice;

namespace {

// Whose request it is, for messages: nobody passes it on, and every fiber below knows it.
const context_key<std::string> request;

void say(const std::string& what) {
  const std::string* id = request.get();
  std::printf("%-8s %s\n", id != nullptr ? id->c_str() : "-", what.c_str());
}

struct server {
  std::string name;
  std::chrono::milliseconds answers_after;
  bool works = true;
};

std::string fetch(const server& from) {
  try {
    this_fiber::sleep_for(from.answers_after);
  } catch (const cancelled&) {
    say("gave up  " + from.name);
    throw;
  }
  if (!from.works) throw std::runtime_error(from.name + " is down");
  return "a page of " + from.name;
}

// All pages, fetched at the same time. The first failure cancels the other fetches; none of them outlives the call, so they
// may use what is on its stack.
std::vector<std::string> fetch_all(const std::vector<server>& servers) {
  std::vector<std::string> pages(servers.size());
  scope fetches;
  for (std::size_t i = 0; i < servers.size(); ++i) fetches.go([&, i] { pages[i] = fetch(servers[i]); });
  fetches.join();
  return pages;
}

// Whichever mirror answers first, if that is soon enough.
std::string fetch_soon(const server& mirror_a, const server& mirror_b, std::chrono::milliseconds limit) {
  try {
    return with_deadline(limit, [&] { return race([&] { return fetch(mirror_a); }, [&] { return fetch(mirror_b); }); });
  } catch (const timed_out&) {
    return "an old page from the cache";
  }
}

}  // namespace

int main() {
  run([] {
    with_value(request, "all", [] {
      for (const auto& page : fetch_all({{"north", 5ms}, {"south", 1ms}, {"east", 3ms}})) say(page);
    });
    with_value(request, "failure", [] {
      try {
        fetch_all({{"north", 1h}, {"south", 20ms, false}});
      } catch (const std::runtime_error& e) {
        say(e.what());
      }
    });
    with_value(request, "race", [] { say(fetch_soon({"far", 1h}, {"near", 20ms}, 1h)); });
    with_value(request, "deadline", [] { say(fetch_soon({"far", 1h}, {"farther", 2h}, 20ms)); });
  });
}
