#include "examples/last_active/log_time.h"

#include <doctest/doctest.h>

#include <ctime>
#include <string>

using last_active::parse_log_time;

TEST_CASE("known instants") {
  CHECK(parse_log_time("01/Jan/1970:00:00:00 +0000") == 0);
  CHECK(parse_log_time("10/Oct/2000:13:55:36 -0700") == 971211336);  // the example in Apache's documentation
  CHECK(parse_log_time("29/Feb/2024:23:59:59 +0000") == 1709251199);
  CHECK(parse_log_time("31/Dec/1969:23:59:59 +0000") == -1);
  CHECK(parse_log_time("01/Jan/1900:00:00:00 +0000") == -2208988800);
}

TEST_CASE("the zone's offset shifts the instant, minutes included") {
  const auto utc = parse_log_time("15/Jun/2023:12:00:00 +0000");
  REQUIRE(utc);
  CHECK(parse_log_time("15/Jun/2023:17:30:00 +0530") == utc);
  CHECK(parse_log_time("15/Jun/2023:08:30:00 -0330") == utc);
  CHECK(parse_log_time("16/Jun/2023:00:45:00 +1245") == utc);
  CHECK(parse_log_time("15/Jun/2023:00:00:00 -1200") == utc);
}

TEST_CASE("every day of two and a half centuries, as the C library counts them") {
  static const char* const months[]{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  for (std::int64_t day = -70 * 365; day < 180 * 365; ++day) {
    const std::time_t at = day * 86400 + 43210;
    std::tm t{};
    gmtime_r(&at, &t);
    char text[64];
    std::snprintf(text, sizeof text, "%02d/%s/%04d:%02d:%02d:%02d +0000", t.tm_mday, months[t.tm_mon], t.tm_year + 1900,
                  t.tm_hour, t.tm_min, t.tm_sec);
    REQUIRE(parse_log_time(text) == at);
  }
}

TEST_CASE("what is no time") {
  for (const char* text : {"", "10/Oct/2000:13:55:36", "10/Oct/2000:13:55:36 -070", "10/Oct/2000:13:55:36 -07000",
                           "1x/Oct/2000:13:55:36 -0700", "10/oct/2000:13:55:36 -0700", "10/Okt/2000:13:55:36 -0700",
                           "10-Oct-2000:13:55:36 -0700", "10/Oct/2000 13:55:36 -0700", "10/Oct/2000:13:55:36 00700",
                           "10/Oct/2000:1 :55:36 -0700", "10/Oct/2000:13:55:36 +07:0"}) {
    CAPTURE(text);
    CHECK(!parse_log_time(text));
  }
}

TEST_CASE("a time that the calendar or the clock does not have") {
  for (const char* text : {"00/Oct/2000:13:55:36 -0700", "32/Oct/2000:13:55:36 -0700", "31/Nov/2000:13:55:36 -0700",
                           "29/Feb/2023:13:55:36 -0700", "29/Feb/1900:13:55:36 -0700", "10/Oct/2000:24:00:00 -0700",
                           "10/Oct/2000:13:60:00 -0700", "10/Oct/2000:13:55:61 -0700", "10/Oct/2000:13:55:36 -2400",
                           "10/Oct/2000:13:55:36 -0760"}) {
    CAPTURE(text);
    CHECK(!parse_log_time(text));
  }
  CHECK(parse_log_time("29/Feb/2000:00:00:00 +0000"));
  CHECK(parse_log_time("31/Dec/2016:23:59:60 +0000") == parse_log_time("01/Jan/2017:00:00:00 +0000"));  // a leap second
}
