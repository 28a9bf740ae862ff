#include <sluice/coroutines/task_chain.h>
#include <sluice/futures/thread_waiter.h>
#include <sluice/runtime/detail/backtrace.h>
#include <sluice/runtime/detail/inspection.h>
#include <sluice/runtime/detail/scheduler.h>
#include <sluice/runtime/detail/symbols.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <new>
#include <set>
#include <sstream>
#include <typeinfo>
#include <utility>

namespace sluice::detail {

namespace {

std::string in_hex(const void* address) {
  std::ostringstream text;
  text << address;
  return text.str();
}

std::string thing(const wait_source& s) {
  if (s.kind == nullptr) return "an event of type " + (s.type != nullptr ? demangled(s.type->name()) : "unknown");
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

// What a wait is for, as it can be noted without memory while the wait is held.
class inspection::noted final : public wait_listener {
 public:
  void add(const wait_source& s) noexcept override {
    if (count_ == most) return;
    note& n = notes_[count_++];
    n.source = s;
    n.source.name = std::string_view(n.name, s.name.copy(n.name, sizeof n.name));
  }

  std::vector<source> in_words() const {
    std::vector<source> all;
    for (std::size_t i = 0; i < count_; ++i) {
      const wait_source& s = notes_[i].source;
      all.push_back({s.action != nullptr ? s.action : "", thing(s), amount(s), s.by, s.owner, s.address, s.handles});
    }
    return all;
  }

 private:
  static constexpr std::size_t most = 32;  // sources of one wait; what is beyond is left out
  struct note {
    wait_source source;
    char name[48];
  };
  std::array<note, most> notes_;
  std::size_t count_ = 0;
};

// ---- Looking

void inspection::keep(entry&& e) {
  by_address_.emplace(e.who, entries_.size());
  if (e.identity != 0) by_identity_.emplace(e.identity, entries_.size());
  entries_.push_back(std::move(e));
}

// `stays`: it does not run meanwhile.
void inspection::add_party(waiting_party::kind what, party& p, std::string name, bool stays) {
  entry e;
  e.words.what = what;
  e.words.name = std::move(name);
  e.who = &p;
  e.identity = p.identity();
  noted sources;
  if (stays && p.hold_wait()) {
    e.waits = true;
    e.wait_number = p.wait_number();
    e.is_idle_carrier = !p.waits_for();
    p.waits_for().describe(sources);
    p.release_wait();
    e.has_limit = p.deadline() != steady_time::max();
  }
  e.sources = sources.in_words();
  keep(std::move(e));
}

void inspection::add(fiber& f, bool is_held) {
  add_party(waiting_party::kind::fiber, f, light_ ? std::string() : f.display_name().text, is_held);
  entry& e = entries_.back();
  e.carries = f.carries_tasks();
  if (light_) return;
  e.words.started_at = to_text(f.started_at());
  if (!e.waits) return;
  e.since = f.waits_since_;
  if (e.since != steady_time{}) e.words.waited = std::chrono::steady_clock::now() - e.since;
  const backtrace calls = walk_parked(f.exec_.sp, f.stack_);
  e.words.stack.assign(calls.frames().begin(), calls.frames().end());
}

void inspection::add_quiet(scheduler& s) {
  knows_all_ = true;
  s.fibers_.visit([this](fiber& f) { add(f, true); });
  s.coroutines().visit_tasks([this](const task_chain& t) {
    entry e;
    e.words.what = waiting_party::kind::task;
    e.words.name = in_hex(&t);
    e.who = &t;
    noted sources;
    t.describe_wait(sources);
    e.sources = sources.in_words();
    e.waits = !e.sources.empty();
    keep(std::move(e));
  });
}

void inspection::add_fibers(scheduler& s) {
  const auto look = [this](fiber& f, bool is_held) noexcept {
    try {
      add(f, is_held);
    } catch (const std::bad_alloc&) {}  // it is missing
  };
  const in_scheduler looking;
  s.fibers_.inspect([&](fiber& f) { look(f, true); }, [&](fiber& f) { look(f, false); });
}

void inspection::add_threads() {
  thread_waiter::for_each_at_rest([this](thread_waiter& t) {
    const bool main = t.id() == getpid();
    add_party(waiting_party::kind::thread, t, main ? "main thread" : "thread " + std::to_string(t.id()), true);
  });
}

// ---- Putting together

// Who alone can make it happen, if that is known and it has been seen.
std::size_t inspection::target(const source& s) const {
  if (s.by != nullptr) {
    const auto found = by_address_.find(s.by);
    return found != by_address_.end() ? found->second : nobody;
  }
  const auto found = s.owner != 0 ? by_identity_.find(s.owner) : by_identity_.end();
  return found != by_identity_.end() ? found->second : nobody;
}

std::string inspection::in_words(const source& s) const {
  const std::size_t i = target(s);
  if (s.by != nullptr && i != nobody) return "the result of " + to_text(entries_[i].words);
  std::string text = s.action.empty() ? s.thing : s.action + " " + s.thing;
  if (s.owner == 0) return text + s.amount;
  if (i == nobody) return text + (knows_all_ ? ", whose owner has ended" : ", whose owner does not wait, or has ended");
  return text + ", owned by " + (entries_[i].carries ? "a task" : to_text(entries_[i].words));
}

// The one that must go on before this one can, if there is exactly one.
std::size_t inspection::next_in_chain(const entry& e) const {
  if (!e.waits || e.has_limit || e.sources.size() != 1) return nobody;
  const std::size_t next = target(e.sources.front());
  return next != nobody && !entries_[next].carries ? next : nobody;
}

// Each chain is followed once: who is met again in the same walk is in a circle, and so are those from there on.
std::vector<bool> inspection::in_circles(const std::vector<bool>& shown) const {
  std::vector<bool> in_circle(entries_.size());
  std::vector<std::size_t> seen_in(entries_.size(), nobody);
  const auto next = [&](std::size_t i) { return shown[i] ? next_in_chain(entries_[i]) : nobody; };
  for (std::size_t start = 0; start < entries_.size(); ++start) {
    std::size_t i = start;
    for (; i != nobody && seen_in[i] == nobody; i = next(i)) seen_in[i] = start;
    if (i == nobody || seen_in[i] != start) continue;
    for (; !in_circle[i]; i = next(i)) in_circle[i] = true;
  }
  return in_circle;
}

// See waiting_party. Who waits with a limit will go on, so its handle is one that somebody else has.
std::vector<bool> inspection::abandoned() const {
  std::unordered_map<const void*, std::uint64_t> waiting_there;
  for (const entry& e : entries_) {
    if (e.has_limit) continue;
    std::set<const void*> places;  // a select may have a channel in several cases
    for (const source& s : e.sources) places.insert(s.address);
    for (const void* each : places) ++waiting_there[each];
  }
  const auto is_dead_end = [&](const source& s) { return s.handles != 0 && s.handles <= waiting_there[s.address]; };
  std::vector<bool> result;
  for (const entry& e : entries_)
    result.push_back(!e.has_limit && !e.sources.empty() && std::all_of(e.sources.begin(), e.sources.end(), is_dead_end));
  return result;
}

template <class Shown>
std::vector<waiting_party> inspection::result(Shown is_shown) const {
  std::vector<bool> shown(entries_.size());
  for (std::size_t i = 0; i < entries_.size(); ++i) shown[i] = !entries_[i].is_idle_carrier && is_shown(i);
  const std::vector<bool> circles = in_circles(shown);
  const std::vector<bool> dead_ends = knows_all_ ? std::vector<bool>(entries_.size()) : abandoned();
  std::vector<std::vector<std::string>> owned(entries_.size());
  for (std::size_t i = 0; i < entries_.size(); ++i)
    for (const source& s : entries_[i].sources) {
      const std::size_t owner = shown[i] && s.owner != 0 ? target(s) : nobody;
      if (owner == nobody || entries_[owner].carries) continue;
      auto& things = owned[owner];
      if (std::find(things.begin(), things.end(), s.thing) == things.end()) things.push_back(s.thing);
    }
  std::vector<waiting_party> all;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (!shown[i]) continue;
    waiting_party& w = all.emplace_back(entries_[i].words);
    for (const source& s : entries_[i].sources) w.waits_for.push_back(in_words(s));
    w.owns = std::move(owned[i]);
    w.in_circle = circles[i];
    w.abandoned = dead_ends[i];
  }
  return all;
}

std::vector<waiting_party> inspection::all() const {
  return result([](std::size_t) { return true; });
}

// A mutex's owner at the first look may be another one at the second: then somebody has moved in between.
std::vector<waiting_party> inspection::since(const inspection& before) const {
  return result([&](std::size_t i) {
    const entry& now = entries_[i];
    const auto found = before.by_address_.find(now.who);
    if (!now.waits || found == before.by_address_.end()) return false;
    const entry& then = before.entries_[found->second];
    return then.waits && then.identity == now.identity && then.wait_number == now.wait_number &&
           std::equal(then.sources.begin(), then.sources.end(), now.sources.begin(), now.sources.end(),
                      [](const source& a, const source& b) { return a.owner == b.owner; });
  });
}

std::vector<waiting_party> inspection::since(steady_time begin) const {
  return result([&](std::size_t i) {
    const entry& e = entries_[i];
    return e.waits && !e.carries && e.since != steady_time{} && e.since <= begin;
  });
}

}  // namespace sluice::detail
