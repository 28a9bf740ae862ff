#include <sluice/runtime/detail/scheduler_list.h>
#include <sluice/runtime/detail/snapshot.h>
#include <sluice/runtime/detail/symbols.h>
#include <sluice/runtime/dump.h>

#include <algorithm>
#include <map>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace sluice {

namespace {

using namespace detail;

const char* in_words(fiber_snapshot::kind state) {
  switch (state) {
    case fiber_snapshot::running:
      return "running";
    case fiber_snapshot::ready:
      return "ready";
    case fiber_snapshot::waiting:
      return "waiting";
    case fiber_snapshot::not_begun:
      return "not begun";
  }
  return "";
}

void print_header(std::ostream& out, const fiber_snapshot& f) {
  out << "fiber ";
  if (!f.name.empty()) out << '\'' << f.name << "' (";
  out << '#' << f.number;
  if (!f.name.empty()) out << ')';
  out << ", " << in_words(f.state) << '\n';
}

// Those in the same state with the same stack. All in the order of their numbers, as far as their states allow it.
std::vector<std::vector<const fiber_snapshot*>> by_stack(const runtime_snapshot& r) {
  std::map<std::pair<fiber_snapshot::kind, std::size_t>, std::vector<const fiber_snapshot*>> by;
  for (const fiber_snapshot& f : r.fibers) by[{f.state, f.stack}].push_back(&f);
  std::vector<std::vector<const fiber_snapshot*>> groups;
  for (auto& [what, group] : by) {
    std::sort(group.begin(), group.end(), [](auto* a, auto* b) { return a->number < b->number; });
    groups.push_back(std::move(group));
  }
  std::sort(groups.begin(), groups.end(), [](const auto& a, const auto& b) {
    return std::pair(a[0]->state, a[0]->number) < std::pair(b[0]->state, b[0]->number);
  });
  return groups;
}

void print(std::ostream& out, const runtime_snapshot& r, const symbols& known) {
  out << r.workers << (r.workers == 1 ? " worker, " : " workers, ") << r.fibers.size()
      << (r.fibers.size() == 1 ? " fiber\n" : " fibers\n");
  if (!r.stacks_seen) out << "(no stacks of fibers that wait: the kernel, or its sandbox, has no membarrier)\n";
  if (!r.complete) out << "(not all fibers: out of memory)\n";
  for (const auto& group : by_stack(r)) {
    out << '\n';
    for (const fiber_snapshot* f : group) print_header(out, *f);
    out << known.lines(r.stacks[group.front()->stack]);
  }
}

}  // namespace

void dump(std::ostream& out) {
  std::vector<runtime_snapshot> runtimes;
  for (scheduler* s = visit_first_scheduler(); s != nullptr; s = visit_next_scheduler(*s))
    runtimes.push_back(take_snapshot(*s));
  symbols known;
  std::vector<std::uintptr_t> addresses;
  for (const runtime_snapshot& r : runtimes)
    for (const auto& stack : r.stacks) addresses.insert(addresses.end(), stack.begin(), stack.end());
  known.look_up(addresses);
  if (runtimes.empty()) out << "no runtime\n";
  for (std::size_t i = 0; i < runtimes.size(); ++i) {
    out << "runtime " << i + 1 << ": ";
    print(out, runtimes[i], known);
    out << '\n';
  }
}

}  // namespace sluice
