// The events of the channels' relatives (dropping channels, broadcast, watch, one_shot) keep the laws of every event.
#include "tests/event_conformance.h"

#include <optional>
#include <string>

using namespace std::chrono_literals;
using sluice::overflow;

namespace {

struct source_traits {
  static constexpr bool always_ready = false;
  static constexpr bool never_ready = false;
  static constexpr bool broadcast = false;
};

// ---- channels that drop, with a hook

struct counted_hook {
  int dropped = 0;
  sluice::channel<std::string> make(std::size_t capacity, overflow when_full) {
    return sluice::channel<std::string>(
        {.capacity = capacity, .when_full = when_full, .undelivered = [this](std::string&&) { ++dropped; }});
  }
};
template <overflow WhenFull>
struct send_dropping : source_traits {  // full, and ready all the same
  static constexpr bool always_ready = true;
  counted_hook hook;
  sluice::channel<std::string> ch = hook.make(1, WhenFull);
  send_dropping() { CHECK(ch.send(std::string("first"))); }
  auto make() { return sluice::send(ch, std::string("second")); }
  void supply() {}
  bool valid(bool sent) { return sent && hook.dropped == 1 && ch.size() == 1; }
};
using send_drop_oldest = send_dropping<overflow::drop_oldest>;
using send_drop_newest = send_dropping<overflow::drop_newest>;

struct recv_dropping : source_traits {
  counted_hook hook;
  sluice::channel<std::string> ch = hook.make(1, overflow::drop_oldest);
  auto make() { return sluice::recv(ch); }
  void supply() { CHECK(ch.send(std::string("value"))); }
  void release() { supply(); }
  bool untouched() {
    const bool stored = ch.send(std::string("x")) && ch.size() == 1;
    return stored && ch.try_recv();
  }
  bool valid(const std::optional<std::string>& v) { return v == "value" && hook.dropped == 0; }
};

// ---- broadcast

template <overflow WhenFull>
struct recv_broadcast : source_traits {
  sluice::broadcast<std::string> b{2, WhenFull};
  sluice::subscription<std::string> sub = b.subscribe();
  auto make() { return sluice::recv(sub); }
  void supply() { CHECK(b.send(std::string("value"))); }
  void release() { supply(); }
  bool untouched() {  // somebody left behind would take it
    CHECK(b.send(std::string("x")));
    auto all = sluice::recv(sub);
    const bool there = all.poll();
    if (there) all.take();
    return there;
  }
  bool valid(const sluice::broadcast_result<std::string>& v) { return v && *v == "value" && v.lagged() == 0; }
};
using recv_broadcast_blocking = recv_broadcast<overflow::block>;
using recv_broadcast_lagging = recv_broadcast<overflow::drop_oldest>;

struct recv_broadcast_closing : source_traits {
  static constexpr bool broadcast = true;
  sluice::broadcast<int> b{1};
  sluice::subscription<int> sub = b.subscribe();
  auto make() { return sluice::recv(sub); }
  void supply() { CHECK(b.close()); }
  void release() { supply(); }
  bool untouched() { return true; }
  bool valid(const sluice::broadcast_result<int>& v) { return !v; }
};

struct send_broadcast : source_traits {  // one place, and a slow subscriber: room is what happens
  sluice::broadcast<std::string> b{1};
  sluice::subscription<std::string> slow = b.subscribe();
  send_broadcast() { CHECK(b.send(std::string("first"))); }
  auto make() { return sluice::send(b, std::string("second")); }
  void supply() { CHECK(*slow.recv() == "first"); }
  void release() { supply(); }
  bool untouched() {  // taking the one value out must not let another in
    auto next = sluice::recv(slow);
    if (!next.poll()) return false;
    const auto v = *next.take();
    const bool none_left = !next.poll();
    if (none_left) CHECK(b.send(std::string(v)));
    return none_left || v == "second";
  }
  bool valid(bool sent) { return sent; }
};

struct send_broadcast_left : source_traits {  // the slow subscriber leaves: that is room as well
  sluice::broadcast<std::string> b{1};
  std::optional<sluice::subscription<std::string>> slow{b.subscribe()}, next{};
  send_broadcast_left() { CHECK(b.send(std::string("first"))); }
  auto make() { return sluice::send(b, std::string("second")); }
  void supply() {
    next.emplace(b.subscribe());  // then it is full again
    slow.reset();
  }
  void release() { supply(); }
  bool untouched() { return b.subscribers() == 1; }
  bool valid(bool sent) { return sent; }
};

struct send_broadcast_closing : source_traits {
  static constexpr bool broadcast = true;
  sluice::broadcast<std::string> b{1};
  sluice::subscription<std::string> slow = b.subscribe();
  send_broadcast_closing() { CHECK(b.send(std::string("first"))); }
  auto make() { return sluice::send(b, std::string("second")); }
  void supply() { CHECK(b.close()); }
  void release() { supply(); }
  bool untouched() { return true; }
  bool valid(bool sent) { return !sent; }
};

struct send_broadcast_lagging : source_traits {
  static constexpr bool always_ready = true;
  sluice::broadcast<std::string> b{1, overflow::drop_oldest};
  sluice::subscription<std::string> slow = b.subscribe();
  send_broadcast_lagging() { CHECK(b.send(std::string("first"))); }
  auto make() { return sluice::send(b, std::string("second")); }
  void supply() {}
  bool valid(bool sent) {
    const auto v = slow.recv();
    return sent && *v == "second" && v.lagged() == 1;
  }
};

// ---- watch

struct watch_changed : source_traits {
  static constexpr bool broadcast = true;
  sluice::watch<std::string> value{std::string("old")};
  sluice::watcher<std::string> seen = value.watcher();
  auto make() { return sluice::changed(seen); }
  void supply() { CHECK(value.set(std::string("new"))); }
  void release() { supply(); }
  bool untouched() { return true; }  // the destructor checks that nobody is left
  bool valid(const std::optional<std::string>& v) { return v == "new"; }
};

struct watch_closing : source_traits {
  static constexpr bool broadcast = true;
  sluice::watch<std::string> value{std::string("old")};
  sluice::watcher<std::string> seen = value.watcher();
  auto make() { return sluice::changed(seen); }
  void supply() { CHECK(value.close()); }
  void release() { supply(); }
  bool untouched() { return true; }
  bool valid(const std::optional<std::string>& v) { return !v; }
};

// ---- one_shot

struct one_shot_value : source_traits {
  static constexpr bool broadcast = true;  // all see that it came; the first takes it
  sluice::one_shot_ends<std::string> ends = sluice::one_shot<std::string>();
  auto make() { return sluice::recv(ends.rx); }
  void supply() { CHECK(ends.tx.send(std::string("value"))); }
  void release() { supply(); }
  bool untouched() { return true; }
  bool valid(const std::optional<std::string>& v) { return v == "value"; }
};

struct one_shot_dropped : source_traits {
  static constexpr bool broadcast = true;
  sluice::one_shot_ends<std::string> ends = sluice::one_shot<std::string>();
  auto make() { return sluice::recv(ends.rx); }
  void supply() { const auto gone = std::move(ends.tx); }
  void release() { supply(); }
  bool untouched() { return true; }
  bool valid(const std::optional<std::string>& v) { return !v; }
};

struct one_shot_unwanted : source_traits {
  static constexpr bool broadcast = true;
  sluice::one_shot_ends<std::string> ends = sluice::one_shot<std::string>();
  auto make() { return sluice::receiver_gone(ends.tx); }
  void supply() { const auto gone = std::move(ends.rx); }
  void release() { supply(); }
  bool untouched() { return true; }
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE("every event keeps the laws", Source, laws) {
  test::in_runtime([] { test::event_laws<Source>::check_all(); });
  test::in_thread([] { test::event_laws<Source>::check_all(); });
}
TEST_CASE_TEMPLATE_INVOKE(laws, send_drop_oldest, send_drop_newest, recv_dropping);
TEST_CASE_TEMPLATE_INVOKE(laws, recv_broadcast_blocking, recv_broadcast_lagging, recv_broadcast_closing, send_broadcast,
                          send_broadcast_left, send_broadcast_closing, send_broadcast_lagging);
TEST_CASE_TEMPLATE_INVOKE(laws, watch_changed, watch_closing, one_shot_value, one_shot_dropped, one_shot_unwanted);
