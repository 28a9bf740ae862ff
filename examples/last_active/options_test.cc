#include "examples/last_active/options.h"

#include <doctest/doctest.h>

using last_active::options;
using last_active::parse_duration;
using last_active::parse_options;
using last_active::usage_error;
using namespace std::chrono_literals;

namespace {

std::string complaint(const std::vector<std::string>& arguments) {
  try {
    parse_options(arguments);
  } catch (const usage_error& e) {
    return e.what();
  }
  return {};
}

}  // namespace

TEST_CASE("defaults") {
  const options o = parse_options({});
  CHECK(o.inputs == std::vector<std::string>{"-"});
  CHECK(o.tick == 1s);
  CHECK(!o.follow);
}

TEST_CASE("everything at once, in both spellings") {
  const options o = parse_options({"a.log", "--db", "x.db", "--tick=250ms", "--retry", "2m", "--errors=bad", "-f",
                                   "--max-pending", "5", "--parsers=3", "--progress", "--", "--tick"});
  CHECK(o.inputs == std::vector<std::string>{"a.log", "--tick"});
  CHECK(o.database == "x.db");
  CHECK(o.tick == 250ms);
  CHECK(o.retry == 2min);
  CHECK(o.errors == "bad");
  CHECK(o.follow);
  CHECK(o.max_pending == 5);
  CHECK(o.parsers == 3);
  CHECK(o.progress == options::progress_mode::always);
}

TEST_CASE("durations") {
  CHECK(parse_duration("--x", "3") == 3s);
  CHECK(parse_duration("--x", "1.5s") == 1500ms);
  CHECK(parse_duration("--x", "20ms") == 20ms);
  CHECK(parse_duration("--x", "0") == 0ms);
  CHECK(parse_duration("--x", "0.5h") == 30min);
  for (const char* bad : {"", "s", "1d", "-1s", "1 s", "1e3", "nan", "99999999999999"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(parse_duration("--x", bad), usage_error);
  }
}

TEST_CASE("complaints name the option and the value") {
  CHECK(complaint({"--tick", "soon"}) == "--tick: 'soon' is not a duration such as 250ms, 1.5s, 2m or 1h");
  CHECK(complaint({"--tick=0"}).starts_with("--tick: '0' is not between 1 ms"));
  CHECK(complaint({"--parsers=0"}) == "--parsers: '0' is not a number from 1 to 256");
  CHECK(complaint({"--max-pending", "12x"}).starts_with("--max-pending: '12x'"));
  CHECK(complaint({"--db"}) == "--db needs a value");
  CHECK(complaint({"--db="}) == "--db needs a value that is not empty");
  CHECK(complaint({"--follow=yes", "x"}) == "--follow takes no value, but 'yes' was given");
  CHECK(complaint({"--colour"}) == "no such option: --colour");
  CHECK(complaint({"-x"}) == "no such option: -x");
  CHECK(complaint({"--follow"}).starts_with("--follow wants files"));
  CHECK(complaint({"--follow", "a", "-"}).starts_with("--follow wants files"));
}

TEST_CASE("the help text names every option") {
  for (const char* option : {"--follow", "--errors", "--parsers", "--db", "--tick", "--retry", "--max-pending", "--progress",
                             "--quiet", "--help", "-f,", "-q,", "-h,"})
    CHECK(last_active::help_text().find(option) != std::string_view::npos);
}
