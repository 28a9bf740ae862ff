#include <sluice/runtime/report.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <utility>

namespace sluice {

namespace {

std::string counted(const deadlock_report& r, waiting_party::kind what, const char* name) {
  const auto n = std::count_if(r.parties.begin(), r.parties.end(), [&](const waiting_party& w) { return w.what == what; });
  return n == 0 ? "" : std::to_string(n) + " " + name + (n == 1 ? "" : "s");
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const waiting_party& w) {
  if (w.what != waiting_party::kind::thread) out << (w.what == waiting_party::kind::fiber ? "fiber " : "task ");
  out << w.name;
  if (!w.started_at.empty()) out << ", started at " << w.started_at;
  out << '\n';
  if (w.waits_for.size() == 1) {
    out << "    waits for " << w.waits_for[0] << '\n';
  } else if (w.waits_for.size() > 1) {
    out << "    waits for one of " << w.waits_for.size() << ":\n";
    for (const auto& each : w.waits_for) out << "        " << each << '\n';
  }
  for (const auto& each : w.owns) out << "    owns " << each << '\n';
  for (const auto& each : w.stack) out << "    at " << each << '\n';
  return out;
}

std::ostream& operator<<(std::ostream& out, const deadlock_report& r) {
  out << "sluice: deadlock: ";
  const char* comma = "";
  for (const auto& each : {counted(r, waiting_party::kind::fiber, "fiber"), counted(r, waiting_party::kind::task, "task"),
                           counted(r, waiting_party::kind::thread, "thread")})
    if (!each.empty()) out << std::exchange(comma, ", ") << each;
  out << " wait, and nothing is left that could wake one of them\n\n";
  for (const waiting_party& w : r.parties) out << w << '\n';
  return out;
}

}  // namespace sluice
