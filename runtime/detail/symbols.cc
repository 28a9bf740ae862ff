#include <sluice/runtime/detail/child_process.h>
#include <sluice/runtime/detail/symbols.h>

#include <cxxabi.h>
#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string_view>

namespace sluice::detail {

namespace {

std::string hex(std::uintptr_t n) {
  std::array<char, 2 + sizeof n * 2> digits{'0', 'x'};
  const auto end = std::to_chars(digits.data() + 2, digits.data() + digits.size(), n, 16);
  return {digits.data(), end.ptr};
}

// A mangled name begins with what it is a member of, whatever it returns or takes; thunks stand before their functions, and
// lambdas and locals in theirs.
call::owner owner_of(std::string_view mangled, std::string_view file) {
  if (mangled.starts_with("_Z")) {
    mangled.remove_prefix(2);
    if (mangled.starts_with("Th") || mangled.starts_with("Tv"))
      mangled.remove_prefix(std::min(mangled.size(), mangled.find("_N") + 1));
    while (mangled.starts_with('Z')) mangled.remove_prefix(1);
    if (mangled.starts_with("N")) mangled.remove_prefix(1);
    while (!mangled.empty() && std::strchr("KVRO", mangled.front()) != nullptr) mangled.remove_prefix(1);
    if (mangled.starts_with("6sluice6detail")) return call::owner::internal;
    if (mangled.starts_with("6sluice")) return call::owner::library;
    if (mangled.starts_with("St") || mangled.starts_with("Sa") || mangled.starts_with("Ss") ||
        mangled.starts_with("9__gnu_cxx") || mangled.starts_with("10__cxxabiv1"))
      return call::owner::standard;
    return call::owner::user;
  }
  // With little debug information, inlined functions have only their last names.
  for (const std::string_view floor :
       {"base", "futures", "channels", "select", "sync", "timers", "events", "coroutines", "runtime"})
    if (const auto at = file.rfind("/sluice/"); at != file.npos && file.substr(at + 8).starts_with(floor))
      return call::owner::library;
  return file.find("/include/c++/") != file.npos ? call::owner::standard : call::owner::user;
}

// Where the kernel started it from: the loader does not know its path.
std::string program_path() {
  std::array<char, 4096> path;
  const ssize_t n = readlink("/proc/self/exe", path.data(), path.size());
  return n > 0 ? std::string(path.data(), static_cast<std::size_t>(n)) : std::string();
}

// "file:line (discriminator 2)"
void set_line(call& c, std::string_view text) {
  text = text.substr(0, text.find(" (discriminator"));
  const auto colon = text.rfind(':');
  if (colon == text.npos || text.starts_with("??")) return;
  c.file = text.substr(0, colon);
  std::from_chars(text.data() + colon + 1, text.data() + text.size(), c.line);
}

std::string_view take_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

}  // namespace

std::string demangled(const char* name) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(name, nullptr, nullptr, &status), std::free);
  return status == 0 ? text.get() : name;
}

std::string source_line(const call& c) { return c.line == 0 ? c.file : c.file + ":" + std::to_string(c.line); }

std::string to_text(const call& c) {
  std::string text = c.function.empty() ? c.place : c.function;
  if (!c.file.empty()) text += " (" + source_line(c) + ")";
  return text;
}

// Of one file of code: what is asked about it, by offset.
struct symbols::module {
  std::map<std::uintptr_t, std::vector<call>*> asked;

  void ask_addr2line(const std::string& path) {
    std::string input;
    for (const auto& [offset, calls] : asked) input += hex(offset) + "\n";
    const std::string output = run_program({"addr2line", "-a", "-f", "-i", "-e", path}, input);
    std::vector<call>* calls = nullptr;  // of the address that the next lines are about; the first is what the loader knew
    for (std::string_view rest = output; !rest.empty();) {
      const std::string_view first = take_line(rest);
      if (first.starts_with("0x")) {
        std::uintptr_t offset = 0;
        std::from_chars(first.data() + 2, first.data() + first.size(), offset, 16);
        const auto found = asked.find(offset);
        calls = found != asked.end() ? found->second : nullptr;
        continue;
      }
      const std::string_view where = take_line(rest);
      if (calls == nullptr || first == "??") continue;
      call c;
      c.function = demangled(std::string(first).c_str());
      set_line(c, where);
      c.place = calls->front().place;
      c.whose = owner_of(first, c.file);
      calls->push_back(std::move(c));
    }
    for (const auto& [offset, all] : asked) {
      if (all->size() > 1) all->erase(all->begin());
      // Of the function that is there with all that is inlined, the debug information may have the last name only, while the
      // symbol that comes first has all. What is inlined with its last name only, into the same file, is whose that is.
      if (call& whole = all->back(); all->front().function.find("::" + whole.function + "(") != std::string::npos)
        whole.whose = all->front().whose;
      for (std::size_t i = all->size() - 1; i-- > 0;)
        if (call& inner = (*all)[i], &outer = (*all)[i + 1]; inner.whose == call::owner::user && inner.file == outer.file)
          inner.whose = outer.whose;
    }
  }
};

void symbols::look_up(std::span<const std::uintptr_t> addresses) {
  std::map<std::string, module> modules;
  for (const std::uintptr_t address : addresses) {
    const auto [at, added] = known_.try_emplace(address);
    if (!added) continue;
    call c;
    Dl_info info;
    link_map* map = nullptr;
    if (dladdr1(reinterpret_cast<void*>(address), &info, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP) == 0) {
      c.place = hex(address);
      at->second.push_back(std::move(c));
      continue;
    }
    const std::string path = map->l_name != nullptr && *map->l_name != 0 ? map->l_name : program_path();
    const std::uintptr_t offset = address - map->l_addr;
    c.place = path.substr(path.rfind('/') + 1) + "+" + hex(offset);
    if (info.dli_sname != nullptr) {
      c.function = demangled(info.dli_sname);
      c.whose = owner_of(info.dli_sname, {});
    }
    at->second.push_back(std::move(c));
    modules[path].asked.emplace(offset, &at->second);
  }
  for (auto& [path, m] : modules) m.ask_addr2line(path);
}

std::vector<const call*> symbols::flattened(std::span<const std::uintptr_t> frames) const {
  std::vector<const call*> all;
  for (const std::uintptr_t frame : frames)
    if (const auto found = known_.find(frame); found != known_.end())
      for (const call& c : found->second) all.push_back(&c);
  return all;
}

std::vector<const call*> symbols::shown(std::span<const std::uintptr_t> frames) const {
  std::vector<const call*> all = flattened(frames);
  const auto is_users = [](const call* c) { return c->whose == call::owner::user; };
  const auto is_library = [](const call* c) { return c->whose == call::owner::library; };
  const auto is_ours = [&](const call* c) { return is_library(c) || c->whose == call::owner::internal; };
  const auto last = [&all](auto end, auto which) {
    const auto found = std::find_if(std::make_reverse_iterator(end), all.rend(), which);
    return found == all.rend() ? all.begin() : found.base() - 1;
  };
  const auto first_users = std::find_if(all.begin(), all.end(), is_users);
  // Inlined, and too little is known of it to tell: then it is in what starts a fiber.
  if (first_users == all.end()) return {last(all.end(), is_library), all.end()};
  return {last(first_users, is_ours), last(all.end(), is_users) + 1};
}

std::string symbols::lines(std::span<const std::uintptr_t> frames) const {
  std::string text;
  for (const call* c : shown(frames)) text += "    at " + to_text(*c) + '\n';
  return text;
}

const call* symbols::site(std::span<const std::uintptr_t> frames) const {
  for (const call* c : flattened(frames))
    if (c->whose == call::owner::user) return c;
  return nullptr;
}

std::string describe_site(std::span<const std::uintptr_t> frames) {
  symbols known;
  known.look_up(frames);
  const call* const c = known.site(frames);
  if (c == nullptr) return {};
  if (!c->file.empty()) return source_line(*c);
  return c->function.empty() ? c->place : c->function;
}

}  // namespace sluice::detail
