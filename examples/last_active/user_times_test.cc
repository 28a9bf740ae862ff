#include "examples/last_active/user_times.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <utility>

using last_active::user_times;

namespace {

std::map<std::string, std::int64_t> contents(const user_times& t) {
  std::map<std::string, std::int64_t> all;
  for (const auto& e : t.entries()) CHECK(all.emplace(e.user, e.when).second);
  return all;
}

}  // namespace

TEST_CASE("keeps the newest time of each user, whatever the order") {
  user_times t;
  CHECK(t.empty());
  t.note("a", 5);
  t.note("b", -3);
  t.note("a", 9);
  t.note("a", 7);
  t.note("b", -4);
  CHECK(contents(t) == std::map<std::string, std::int64_t>{{"a", 9}, {"b", -3}});
}

TEST_CASE("copied names outlive what they were read from") {
  user_times t;
  {
    std::string name(100'000, 'x');
    t.note(name, 1);
    name.assign("short");
    t.note(name, 2);
    name.assign("SHORT");
  }
  CHECK(contents(t) == std::map<std::string, std::int64_t>{{std::string(100'000, 'x'), 1}, {"short", 2}});
}

TEST_CASE("the same as a map, over many users, merges and moves") {
  std::mt19937 random(3);
  std::map<std::string, std::int64_t> expected;
  user_times all;
  for (int batch = 0; batch < 50; ++batch) {
    std::vector<std::string> names;
    for (int i = 0; i < 2000; ++i) names.push_back("user" + std::to_string(random() % 20'000));
    user_times part(batch % 2 == 0 ? user_times::names::borrowed : user_times::names::copied);
    for (const auto& name : names) {
      const auto when = static_cast<std::int64_t>(random() % 1'000'000);
      part.note(name, when);
      auto& newest = expected.try_emplace(name, when).first->second;
      newest = std::max(newest, when);
    }
    user_times moved = std::move(part);
    all.merge(moved);
    all.merge(moved);  // twice is once
  }
  CHECK(all.size() == expected.size());
  CHECK(contents(all) == expected);
}

TEST_CASE("taking the entries empties the table") {
  user_times t(user_times::names::borrowed);
  t.note("a", 1);
  CHECK(t.take_entries().size() == 1);
  CHECK(t.empty());
  t.note("a", 0);
  const auto again = t.take_entries();
  REQUIRE(again.size() == 1);
  CHECK(again[0].when == 0);
}
