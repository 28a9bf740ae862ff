#include <sluice/coroutines/task_chain.h>
#include <sluice/futures/thread_waiter.h>
#include <sluice/runtime/detail/backtrace.h>
#include <sluice/runtime/detail/inspection.h>
#include <sluice/runtime/detail/scheduler.h>
#include <sluice/runtime/detail/symbols.h>

#include <cxxabi.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <typeinfo>
#include <sstream>

namespace sluice::detail {

namespace {

std::string demangled(const std::type_info& type) {
  int failed = 0;
  const std::unique_ptr<char, void (*)(void*)> name(abi::__cxa_demangle(type.name(), nullptr, nullptr, &failed), std::free);
  return failed == 0 ? name.get() : type.name();
}

std::string in_hex(const void* address) {
  std::ostringstream text;
  text << address;
  return text.str();
}

std::string thing(const wait_source& s) {
  if (s.kind == nullptr) return "an event of type " + (s.type != nullptr ? demangled(*s.type) : "unknown");
  std::string text = s.kind;
  if (!s.name.empty())
    text.append(" '").append(s.name).append("'");
  else if (s.address != nullptr)
    text.append(" ").append(in_hex(s.address));
  return text;
}

std::string amount(const wait_source& s) { return s.unit != nullptr ? ", " + std::to_string(s.amount) + " " + s.unit : ""; }

std::string to_text(const waiting_party& w) {
  switch (w.what) {
    case waiting_party::kind::fiber:
      return "fiber " + w.name;
    case waiting_party::kind::task:
      return "task " + w.name;
    case waiting_party::kind::thread:
      break;
  }
  return w.name;
}

std::string to_text(call_site from) {
  if (from.file == nullptr) return {};
  return from.line != 0 ? std::string(from.file) + ":" + std::to_string(from.line) : from.file;
}

}  // namespace

class inspection::listener final : public wait_listener {
 public:
  explicit listener(std::vector<source>& out) noexcept : out_(out) {}
  void add(const wait_source& s) noexcept override {
    out_.push_back({s.action != nullptr ? s.action : "", thing(s), amount(s), s.by, s.owner});
  }

 private:
  std::vector<source>& out_;
};

inspection::entry& inspection::add(waiting_party::kind what, std::string name, const waiter& who, std::uint64_t identity) {
  entry& e = entries_.emplace_back();
  e.words.what = what;
  e.words.name = std::move(name);
  e.who = &who;
  e.identity = identity;
  e.carries = false;
  return e;
}

void inspection::add_fiber(const fiber& f) {
  const bool idle_carrier = f.carries_tasks() && !f.waits_for();
  if (idle_carrier) return;
  entry& e = add(waiting_party::kind::fiber, f.display_name().text, f, f.identity());
  e.carries = f.carries_tasks();
  e.words.started_at = to_text(f.started_at());
  if (!f.is_waiting()) return;
  listener l(e.sources);
  f.waits_for().describe(l);
  const backtrace calls = walk_parked(f.exec_.sp, f.stack_);
  e.stack.assign(calls.frames().begin(), calls.frames().end());
}

void inspection::add_runtime(scheduler& s) {
  s.fibers_.visit([this](const fiber& f) { add_fiber(f); });
  s.coroutines().visit_tasks([this](const task_chain& t) {
    entry& e = add(waiting_party::kind::task, in_hex(&t), t, 0);
    listener l(e.sources);
    t.describe_wait(l);
  });
}

void inspection::add_threads() {
  thread_waiter::for_each_at_rest([this](const thread_waiter& t) {
    const bool main = t.id() == getpid();
    entry& e = add(waiting_party::kind::thread, main ? "main thread" : "thread " + std::to_string(t.id()), t, t.identity());
    listener l(e.sources);
    t.waits_for().describe(l);
  });
}

// Who alone can make it happen, if that is one of those who wait.
const inspection::entry* inspection::find(const source& s) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const entry& e) {
    return s.by != nullptr ? e.who == s.by : s.owner != 0 && e.identity == s.owner;
  });
  return found != entries_.end() ? &*found : nullptr;
}

std::string inspection::in_words(const source& s) const {
  const entry* const other = find(s);
  if (s.by != nullptr && other != nullptr) return "the result of " + to_text(other->words);
  std::string text = s.action.empty() ? s.thing : s.action + " " + s.thing;
  if (s.owner == 0) return text + s.amount;
  if (other == nullptr) return text + ", whose owner has ended";
  return text + ", owned by " + (other->carries ? "a task" : to_text(other->words));
}

std::vector<waiting_party> inspection::result() const {
  std::vector<waiting_party> all;
  std::vector<std::uintptr_t> addresses;
  for (const entry& e : entries_) {
    all.push_back(e.words);
    addresses.insert(addresses.end(), e.stack.begin(), e.stack.end());
  }
  symbols known;
  known.look_up(addresses);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    for (const call* c : known.shown(entries_[i].stack)) all[i].stack.push_back(to_text(*c));
    if (const call* c = known.site(entries_[i].stack)) all[i].where = to_text(*c);
    for (const source& s : entries_[i].sources) {
      all[i].waits_for.push_back(in_words(s));
      const entry* const owner = s.owner != 0 ? find(s) : nullptr;
      if (owner == nullptr || owner->carries) continue;
      auto& owns = all[static_cast<std::size_t>(owner - entries_.data())].owns;
      if (std::find(owns.begin(), owns.end(), s.thing) == owns.end()) owns.push_back(s.thing);
    }
  }
  return all;
}

}  // namespace sluice::detail
