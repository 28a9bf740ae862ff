#include "examples/last_active/log_line.h"

#include <doctest/doctest.h>

#include <string>

using last_active::activity;
using last_active::line_fault;
using last_active::parse_log_line;

namespace {

constexpr std::int64_t at = 971211336;
const std::string time_and_rest = R"( [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.0" 200 2326 "-" "agent")";

line_fault fault_of(std::string_view line) {
  activity a{"untouched", 7};
  const line_fault fault = parse_log_line(line, a);
  if (fault != line_fault::none) {
    CHECK(a.user == "untouched");
    CHECK(a.when == 7);
  }
  return fault;
}

std::string user_of(std::string_view line) {
  activity a;
  const line_fault fault = parse_log_line(line, a);
  REQUIRE_MESSAGE(fault == line_fault::none, last_active::describe(fault), ": ", line);
  CHECK(a.when == at);
  return std::string(a.user);
}

}  // namespace

TEST_CASE("the user is the remote user, else the address") {
  CHECK(user_of("127.0.0.1 - frank" + time_and_rest) == "frank");
  CHECK(user_of("127.0.0.1 - -" + time_and_rest) == "127.0.0.1");
  CHECK(user_of("2001:db8::1 ident -" + time_and_rest) == "2001:db8::1");
  CHECK(user_of("127.0.0.1 - \"\"" + time_and_rest) == "127.0.0.1");  // how Apache writes an empty name
  CHECK(user_of("127.0.0.1 - " + time_and_rest) == "127.0.0.1");
}

TEST_CASE("names as servers log them") {
  CHECK(user_of("h - anna lena" + time_and_rest) == "anna lena");
  CHECK(user_of("h - br[ack]et" + time_and_rest) == "br[ack]et");
  CHECK(user_of("h - a [b" + time_and_rest) == "a [b");
  CHECK(user_of("h - o\\x22neil" + time_and_rest) == "o\\x22neil");
  CHECK(user_of("h - j\xc3\xb6rg" + time_and_rest) == "j\xc3\xb6rg");
  CHECK(user_of("h - -x" + time_and_rest) == "-x");
}

TEST_CASE("a name that looks like a time does not become one") {
  CHECK(user_of("h - x [01/Jan/2001:00:00:00 +0000]" + time_and_rest) == "x [01/Jan/2001:00:00:00 +0000]");
  CHECK(user_of("h - x [01/Jan/2001:00:00:00 +0000] y" + time_and_rest) == "x [01/Jan/2001:00:00:00 +0000] y");
}

TEST_CASE("odd requests and agents") {
  const std::string head = "h - u [10/Oct/2000:13:55:36 -0700] ";
  CHECK(user_of(head + R"("" 400 0 "-" "-")") == "u");
  CHECK(user_of(head + R"("\x16\x03\x01" 400 157 "-" "-")") == "u");
  CHECK(user_of(head + R"("GET /?q=\"x\" HTTP/1.1" 304 - "http://a/\\" "say \"hi\"")") == "u");
  CHECK(user_of(head + R"("GET / HTTP/1.1" 200 12 "-" "agent" "10.0.0.1" 0.003)") == "u");  // further fields
  CHECK(user_of(head + "\"GET / HTTP/1.1\" 200 12 \"-\" \"agent\"\r") == "u");
}

TEST_CASE("each fault has its name") {
  CHECK(fault_of("") == line_fault::empty);
  CHECK(fault_of("\r") == line_fault::empty);
  CHECK(fault_of("garbage") == line_fault::no_address);
  CHECK(fault_of(" - -" + time_and_rest) == line_fault::no_address);
  CHECK(fault_of("two words") == line_fault::no_time);
  CHECK(fault_of("one two three four") == line_fault::no_time);
  CHECK(fault_of("h -" + time_and_rest) == line_fault::no_time);  // a field is missing
  CHECK(fault_of(R"(h - u [31/Nov/2000:13:55:36 -0700] "GET /" 200 1 "-" "-")") == line_fault::bad_time);
  const std::string head = "h - u [10/Oct/2000:13:55:36 -0700] ";
  CHECK(fault_of(head + R"(GET / HTTP/1.0 200 12 "-" "-")") == line_fault::no_time);
  CHECK(fault_of(head + R"("GET / HTTP/1.0)") == line_fault::bad_request);
  CHECK(fault_of(head + R"("GET / HTTP/1.0\" 200 12)") == line_fault::bad_request);
  CHECK(fault_of(head + R"("GET /" 20 12 "-" "-")") == line_fault::bad_status);
  CHECK(fault_of(head + R"("GET /" 2000 12 "-" "-")") == line_fault::bad_status);
  CHECK(fault_of(head + R"("GET /" 200 x "-" "-")") == line_fault::bad_size);
  CHECK(fault_of(head + R"("GET /" 200 12)") == line_fault::bad_size);
  CHECK(fault_of(head + R"("GET /" 200 12 "-")") == line_fault::bad_agent);
  CHECK(fault_of(head + R"("GET /" 200 12 "-" "-"x)") == line_fault::bad_agent);
  CHECK(fault_of("h - a\x01z" + time_and_rest) == line_fault::bad_user);
  CHECK(fault_of("h - " + std::string("a\0z", 3) + time_and_rest) == line_fault::bad_user);
}

TEST_CASE("no beginning of a good line is a good line") {
  const std::string line = "127.0.0.1 - frank" + time_and_rest;
  for (std::size_t n = 0; n < line.size(); ++n) {
    CAPTURE(line.substr(0, n));
    CHECK(fault_of(std::string_view(line).substr(0, n)) != line_fault::none);
  }
  CHECK(fault_of(line) == line_fault::none);
}
