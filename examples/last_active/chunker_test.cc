#include "examples/last_active/chunker.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

using last_active::chunk;
using last_active::chunker;

namespace {

struct numbered_line {
  std::uint64_t number;
  std::string text;
  bool operator==(const numbered_line&) const = default;
};

void append(std::vector<numbered_line>& to, const std::optional<chunk>& c) {
  if (!c) return;
  CHECK(c->source == "log");
  std::uint64_t number = c->first_line;
  for (std::string_view text = c->text(); !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    to.push_back({number, std::string(text.substr(0, end))});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

// Feeds `text` in pieces of at most `piece` bytes, as read(2) would.
std::vector<numbered_line> cut(std::string_view text, chunker c, std::size_t piece, bool pauses = false) {
  std::vector<numbered_line> lines;
  while (!text.empty()) {
    const auto room = c.room();
    REQUIRE(!room.empty());
    const std::size_t n = std::min({piece, room.size(), text.size()});
    std::copy_n(text.begin(), n, room.begin());
    text.remove_prefix(n);
    c.filled(n);
    append(lines, c.full());
    if (pauses) append(lines, c.whole_lines());
  }
  append(lines, c.rest());
  return lines;
}

}  // namespace

TEST_CASE("every line arrives once, in order and with its number, however the bytes come") {
  std::mt19937 random(5);
  std::string text;
  std::vector<numbered_line> expected;
  for (std::uint64_t n = 1; n <= 3000; ++n) {
    const std::string line(random() % 90, static_cast<char>('a' + n % 26));
    expected.push_back({n, line});
    text += line + '\n';
  }
  for (const std::size_t size : {64, 100, 4096})
    for (const std::size_t piece : {1, 7, 64, 100'000})
      for (const bool pauses : {false, true}) {
        CAPTURE(size);
        CAPTURE(piece);
        CAPTURE(pauses);
        CHECK(cut(text, chunker("log", size, 4096), piece, pauses) == expected);
      }
}

TEST_CASE("the last line needs no newline, but is not whole before the end") {
  chunker c("log", 64);
  std::copy_n("one\ntwo", 7, c.room().begin());
  c.filled(7);
  CHECK(!c.full());
  std::vector<numbered_line> lines;
  append(lines, c.whole_lines());
  CHECK(lines == std::vector<numbered_line>{{1, "one"}});
  CHECK(!c.whole_lines());
  append(lines, c.rest());
  CHECK(lines.back() == numbered_line{2, "two"});
  CHECK(!c.rest());
  CHECK(c.next_line() == 3);
  c.restart();
  CHECK(c.next_line() == 1);
}

TEST_CASE("a line that is too long is cut, and the next one has its right number") {
  const std::string text = "a\n" + std::string(1000, 'x') + "\nb\n" + std::string(5000, 'y');
  for (const std::size_t piece : {1, 50, 10'000}) {
    CAPTURE(piece);
    const auto lines = cut(text, chunker("log", 64, 256), piece);
    REQUIRE(lines.size() == 4);
    CHECK(lines[0] == numbered_line{1, "a"});
    CHECK(lines[1].number == 2);
    CHECK(lines[1].text.size() >= 256);
    CHECK(lines[1].text.size() < 1000);
    CHECK(lines[1].text.find_first_not_of('x') == std::string::npos);
    CHECK(lines[2] == numbered_line{3, "b"});
    CHECK(lines[3].number == 4);
    CHECK(lines[3].text.size() < 1000);
  }
}
