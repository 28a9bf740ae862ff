#include "examples/last_active/progress.h"

#include <sluice/select/select.h>
#include <sluice/timers/timer.h>

namespace last_active {
namespace {

std::string grouped(std::uint64_t n) {
  std::string text = std::to_string(n);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, 1, ',');
  return text;
}

}  // namespace

std::string progress_line(const stats& s, double lines_per_second, std::size_t chunks, std::size_t parsed_chunks) {
  std::string line = grouped(s.lines) + " lines  " + grouped(static_cast<std::uint64_t>(lines_per_second)) + "/s  " +
                     grouped(s.bad_lines) + " bad  " + grouped(s.pending) + " users waiting  " + grouped(s.updates) +
                     " written in " + grouped(s.batches) + " batches  queued " + std::to_string(chunks) + "+" +
                     std::to_string(parsed_chunks);
  if (s.retrying) line += "  database refuses";
  return line;
}

void show_progress(const sluice::channel<char>& done, const sluice::channel<chunk>& chunks,
                   const sluice::channel<parsed>& events, const stats& counts, std::chrono::milliseconds period,
                   reporter& tell) {
  using steady = std::chrono::steady_clock;
  auto then = steady::now();
  std::uint64_t lines_then = 0;
  auto end = sluice::recv(done);
  auto tick = sluice::every(period);
  while (sluice::select(end, tick) == tick) {
    tick.take();
    const auto now = steady::now();
    const std::uint64_t lines = counts.lines;
    const double rate = static_cast<double>(lines - lines_then) / std::chrono::duration<double>(now - then).count();
    tell.progress(progress_line(counts, rate, chunks.size(), events.size()));
    then = now;
    lines_then = lines;
  }
  tell.clear_progress();
}

}  // namespace last_active
