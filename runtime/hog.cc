#include <sluice/runtime/detail/symbols.h>
#include <sluice/runtime/hog.h>

#include <ostream>

namespace sluice {

std::ostream& operator<<(std::ostream& out, const hog_report& hog) {
  out << "sluice: fiber " << hog.fiber << " has kept its worker for " << hog.kept.count() << " ms "
      << (hog.sleeps ? "in a call that blocks" : "without a wait") << '\n';
  detail::symbols known;
  known.look_up(hog.stack);
  out << known.lines(hog.stack);
  if (hog.pinned_behind_count == 0) return out;
  out << "  " << hog.pinned_behind_count << (hog.pinned_behind_count == 1 ? " pinned fiber waits" : " pinned fibers wait")
      << " behind it:";
  const char* separator = " ";
  for (const std::string& name : hog.pinned_behind) {
    out << separator << name;
    separator = ", ";
  }
  return out << (hog.pinned_behind.size() < hog.pinned_behind_count ? ", ...\n" : "\n");
}

}  // namespace sluice
