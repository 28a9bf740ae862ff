#include "examples/last_active/parse_stage.h"

#include "examples/last_active/log_line.h"

#include <cstring>

namespace last_active {
namespace {

void append_bad_line(std::string& to, std::string_view source, std::uint64_t number, line_fault fault,
                     std::string_view line) {
  to.append(source).append(1, '\t').append(std::to_string(number)).append(1, '\t');
  to.append(describe(fault)).append(1, '\t').append(line).append(1, '\n');
}

}  // namespace

parsed parse_chunk(chunk c, user_times& scratch, stats& counts, std::string* bad_lines) {
  std::string_view text = c.text();
  std::uint64_t number = c.first_line;
  std::uint64_t bad = 0;
  for (; !text.empty(); ++number) {
    const auto* newline = static_cast<const char*>(std::memchr(text.data(), '\n', text.size()));
    const std::size_t size = newline != nullptr ? static_cast<std::size_t>(newline - text.data()) : text.size();
    const std::string_view line = text.substr(0, size);
    text.remove_prefix(newline != nullptr ? size + 1 : size);
    activity a;
    if (const line_fault fault = parse_log_line(line, a); fault == line_fault::none) {
      scratch.note(a.user, a.when);
    } else {
      ++bad;
      if (bad_lines != nullptr) append_bad_line(*bad_lines, c.source, number, fault, line);
    }
  }
  counts.lines.fetch_add(number - c.first_line, std::memory_order_relaxed);
  counts.bad_lines.fetch_add(bad, std::memory_order_relaxed);
  return {std::move(c), scratch.take_entries()};
}

void parse_stage(const sluice::channel<chunk>& chunks, const sluice::channel<parsed>& out,
                 const sluice::channel<std::string>* errors, stats& counts) {
  user_times scratch(user_times::names::borrowed);
  for (chunk& c : chunks) {
    std::string bad_lines;
    parsed p = parse_chunk(std::move(c), scratch, counts, errors != nullptr ? &bad_lines : nullptr);
    if (!bad_lines.empty()) errors->send(std::move(bad_lines));
    if (!out.send(std::move(p))) return;
  }
}

}  // namespace last_active
