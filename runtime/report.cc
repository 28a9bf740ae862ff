#include <sluice/runtime/detail/inspection.h>
#include <sluice/runtime/detail/scheduler_list.h>
#include <sluice/runtime/detail/symbols.h>
#include <sluice/runtime/report.h>
#include <sluice/runtime/this_fiber.h>

#include <algorithm>
#include <ostream>
#include <utility>

namespace sluice {

namespace {

using detail::symbols;

void print(std::ostream& out, const waiting_party& w, const symbols& known) {
  if (w.what != waiting_party::kind::thread) out << (w.what == waiting_party::kind::fiber ? "fiber " : "task ");
  out << w.name;
  if (!w.started_at.empty()) out << ", started at " << w.started_at;
  out << "\n    ";
  if (w.waited > w.waited.zero())
    out << "has waited " << std::chrono::duration<double>(w.waited).count() << " s";
  else
    out << "waits";
  if (w.waits_for.size() == 1) {
    out << " for " << w.waits_for[0] << (w.in_circle ? ", and so on in a circle" : "") << '\n';
  } else {
    out << " for one of " << w.waits_for.size() << ":\n";
    for (const auto& each : w.waits_for) out << "        " << each << '\n';
  }
  if (w.abandoned) out << "    nobody else seems to have a handle there\n";
  for (const auto& each : w.owns) out << "    owns " << each << '\n';
  out << known.lines(w.stack);
}

void print_all(std::ostream& out, const std::vector<waiting_party>& all) {
  std::vector<std::uintptr_t> addresses;
  for (const waiting_party& w : all) addresses.insert(addresses.end(), w.stack.begin(), w.stack.end());
  symbols known;
  known.look_up(addresses);
  for (const waiting_party& w : all) {
    print(out, w, known);
    out << '\n';
  }
}

std::string counted(const deadlock_report& r, waiting_party::kind what, const char* name) {
  const auto n = std::count_if(r.parties.begin(), r.parties.end(), [&](const waiting_party& w) { return w.what == what; });
  return n == 0 ? "" : std::to_string(n) + " " + name + (n == 1 ? "" : "s");
}

}  // namespace

std::string waiting_party::where() const {
  symbols known;
  known.look_up(stack);
  const detail::call* const site = known.site(stack);
  return site != nullptr ? to_text(*site) : std::string();
}

std::ostream& operator<<(std::ostream& out, const waiting_party& w) {
  symbols known;
  known.look_up(w.stack);
  print(out, w, known);
  return out;
}

std::ostream& operator<<(std::ostream& out, const deadlock_report& r) {
  out << "sluice: deadlock: ";
  const char* comma = "";
  for (const auto& each : {counted(r, waiting_party::kind::fiber, "fiber"), counted(r, waiting_party::kind::task, "task"),
                           counted(r, waiting_party::kind::thread, "thread")})
    if (!each.empty()) out << std::exchange(comma, ", ") << each;
  out << " wait, and nothing is left that could wake one of them\n\n";
  print_all(out, r.parties);
  return out;
}

std::ostream& operator<<(std::ostream& out, const leak_report& r) {
  out << "sluice: when a runtime ended, " << r.fibers.size() << (r.fibers.size() == 1 ? " fiber" : " fibers")
      << " had waited for longer than " << r.limit.count() << " ms\n\n";
  print_all(out, r.fibers);
  return out;
}

std::vector<waiting_party> waiting_parties(std::chrono::nanoseconds at_least) {
  const auto look = [](detail::inspection& all) {
    all.add_threads();
    for (auto* s = detail::visit_first_scheduler(); s != nullptr; s = detail::visit_next_scheduler(*s)) all.add_fibers(*s);
  };
  detail::inspection before(true);
  look(before);
  if (at_least > at_least.zero()) this_fiber::sleep_for(at_least);
  detail::inspection now;
  look(now);
  auto found = now.since(before);
  for (waiting_party& w : found) w.waited = std::max(at_least, w.waited.zero());
  return found;
}

}  // namespace sluice
