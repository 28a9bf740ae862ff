// event_sources.h - a source for each kind of event that the library has, and for one of a user's: see event_conformance.h.
#pragma once

#include "tests/event_conformance.h"

#include <cstdint>
#include <string>

namespace test {

using namespace std::chrono_literals;

struct source_traits {
  static constexpr bool always_ready = false;
  static constexpr bool never_ready = false;
  static constexpr bool broadcast = false;
};

// A party that has waited at the other end of a rendezvous for as long as anybody remembers.
template <class Event>
class waiting_peer {
 public:
  explicit waiting_peer(Event e) : event_(std::move(e)) {
    if (!event_.arm(waiter_, 0)) event_.disarm();
  }
  ~waiting_peer() { event_.disarm(); }

 private:
  Event event_;
  probe_waiter waiter_;
};

// ---- recv

struct recv_rendezvous : source_traits {
  sluice::channel<int> ch;
  using peer = waiting_peer<decltype(sluice::send(ch, 0))>;
  std::unique_ptr<peer> sender;
  auto make() { return sluice::recv(ch); }
  void supply() { sender = std::make_unique<peer>(sluice::send(ch, 42)); }
  void release() { CHECK(static_cast<bool>(ch.try_send(42))); }
  bool untouched() { return !ch.try_send(0); }  // somebody left behind would take it
  bool valid(std::optional<int> v) { return v == 42; }
};

template <class Make>
struct recv_buffered : source_traits {
  sluice::channel<int> ch = Make::channel();
  auto make() { return sluice::recv(ch); }
  void supply() { CHECK(ch.send(42)); }
  void release() { CHECK(ch.send(42)); }
  bool untouched() {
    const bool stored = ch.send(0) && ch.size() == 1;
    return stored && ch.try_recv();
  }
  bool valid(std::optional<int> v) { return v == 42; }
};
struct bounded {
  static sluice::channel<int> channel() { return sluice::channel<int>(3); }
};
struct unbounded {
  static sluice::channel<int> channel() { return sluice::channel<int>(sluice::unbounded); }
};

struct recv_closing : source_traits {  // the close is what happens
  static constexpr bool broadcast = true;
  sluice::channel<int> ch;
  auto make() { return sluice::recv(ch); }
  void supply() { CHECK(ch.close()); }
  void release() { CHECK(ch.close()); }
  bool untouched() { return !ch.try_send(0); }
  bool valid(std::optional<int> v) { return !v; }
};

struct recv_closed : recv_closing {
  static constexpr bool always_ready = true;
  recv_closed() { ch.close(); }
  void supply() {}
};

struct recv_null : source_traits {
  static constexpr bool never_ready = true;
  sluice::channel<int> ch{nullptr};
  auto make() { return sluice::recv(ch); }
  bool untouched() { return ch.size() == 0; }
};

struct recv_end : source_traits {
  sluice::channel_ends<int> ends = sluice::make_channel<int>(2);
  auto make() { return sluice::recv(ends.rx); }
  void supply() { CHECK(ends.tx.send(42)); }
  void release() { CHECK(ends.tx.send(42)); }
  bool untouched() { return static_cast<bool>(ends.tx.try_send(0)) && ends.rx.try_recv(); }
  bool valid(std::optional<int> v) { return v == 42; }
};

// ---- send

struct send_rendezvous : source_traits {
  sluice::channel<std::string> ch;
  using peer = waiting_peer<decltype(sluice::recv(ch))>;
  std::unique_ptr<peer> receiver;
  auto make() { return sluice::send(ch, std::string("a value that is too long for the small string")); }
  void supply() { receiver = std::make_unique<peer>(sluice::recv(ch)); }
  void release() { CHECK(static_cast<bool>(ch.try_recv())); }
  bool untouched() { return !ch.try_recv(); }
  bool valid(bool sent) { return sent; }
};

struct send_bounded : source_traits {  // full: room is what happens
  sluice::channel<std::string> ch{1};
  send_bounded() { CHECK(ch.send(std::string("first"))); }
  auto make() { return sluice::send(ch, std::string("second")); }
  void supply() { CHECK(ch.recv() == "first"); }
  void release() { CHECK(ch.recv() == "first"); }
  bool untouched() {  // taking the one value out must not let another in
    const auto v = ch.recv();
    const bool empty = ch.size() == 0;
    if (empty) CHECK(ch.send(*v));
    return empty || *v == "second";
  }
  bool valid(bool sent) { return sent; }
};

struct send_unbounded : source_traits {
  static constexpr bool always_ready = true;
  sluice::channel<std::string> ch{sluice::unbounded};
  auto make() { return sluice::send(ch, std::string("x")); }
  void supply() {}
  bool valid(bool sent) { return sent && ch.size() == 1; }
};

struct send_closed : source_traits {
  static constexpr bool always_ready = true;
  sluice::channel<std::string> ch;
  send_closed() { ch.close(); }
  auto make() { return sluice::send(ch, std::string("x")); }
  void supply() {}
  bool valid(bool sent) { return !sent; }
};

struct send_closing : source_traits {
  static constexpr bool broadcast = true;
  sluice::channel<std::string> ch;
  auto make() { return sluice::send(ch, std::string("x")); }
  void supply() { CHECK(ch.close()); }
  void release() { CHECK(ch.close()); }
  bool untouched() { return !ch.try_recv(); }
  bool valid(bool sent) { return !sent; }
};

struct send_null : source_traits {
  static constexpr bool never_ready = true;
  sluice::channel<std::string> ch{nullptr};
  auto make() { return sluice::send(ch, std::string("x")); }
  bool untouched() { return ch.size() == 0; }
};

// ---- time

struct after_now : source_traits {
  static constexpr bool always_ready = true;
  auto make() { return sluice::after(0ms); }
  void supply() {}
};
struct after_long : source_traits {
  static constexpr bool never_ready = true;
  auto make() { return sluice::after(1h); }
  bool untouched() { return true; }
};
struct at_past : source_traits {
  static constexpr bool always_ready = true;
  auto make() { return sluice::at(std::chrono::steady_clock::now() - 1s); }
  void supply() {}
};
struct at_future : source_traits {
  static constexpr bool never_ready = true;
  auto make() { return sluice::at(std::chrono::steady_clock::now() + 1h); }
  bool untouched() { return true; }
};
struct every_long : source_traits {
  static constexpr bool never_ready = true;
  auto make() { return sluice::every(1h); }
  bool untouched() { return true; }
};
struct every_soon : source_traits {  // ready after a moment of which the laws need not know
  static constexpr bool always_ready = true;
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  auto make() {
    auto e = sluice::every(1ms);
    std::this_thread::sleep_for(2ms);
    return e;
  }
  void supply() { std::this_thread::sleep_for(2ms); }
  bool valid(std::uint64_t missed) {
    return static_cast<std::int64_t>(missed) < (std::chrono::steady_clock::now() - start) / 1ms;
  }
};

// ---- the others

struct done_value : source_traits {
  static constexpr bool broadcast = true;
  sluice::promise<int> p;
  sluice::future<int> f = p.get_future();
  auto make() { return sluice::done(f); }
  void supply() { p.set_value(42); }
  void release() { p.set_value(42); }
  bool untouched() { return f.waiters() == 0; }
  bool valid(const sluice::outcome<int>& r) { return r == 42; }
};

struct done_error : source_traits {
  static constexpr bool broadcast = true;
  sluice::promise<void> p;
  sluice::future<void> f = p.get_future();
  ~done_error() {  // else it would be reported as an error that nobody looked at
    try {
      if (f.ready()) static_cast<void>(sluice::done(f).take());
    } catch (const std::future_error&) {  // it was taken in the test
    }
  }
  auto make() { return sluice::done(f); }
  void supply() { p.set_exception(std::make_exception_ptr(7)); }
  void release() { supply(); }
  bool untouched() { return f.waiters() == 0; }
  bool valid(const sluice::outcome<void>& r) { return !r && r.error() != nullptr; }
};

struct nothing_ever : source_traits {
  static constexpr bool never_ready = true;
  auto make() { return sluice::never(); }
  bool untouched() { return true; }
};

// An event of somebody else's, on the library's public pieces: it counts as much as the built-in ones.
struct user_event {
  using value_type = int;
  sluice::wait_list* list;
  sluice::wait_node node;
  bool poll() { return list->fired(); }
  bool arm(sluice::waiter& w, std::uint32_t index) noexcept { return list->arm(node, w, index); }
  void disarm() noexcept { list->disarm(node); }
  int take() { return 42; }
};
struct user_defined : source_traits {
  static constexpr bool broadcast = true;
  sluice::wait_list list;
  user_event make() { return {&list, {}}; }
  void supply() { list.fire(); }
  void release() { list.fire(); }
  bool untouched() { return list.size() == 0; }
  bool valid(int v) { return v == 42; }
};

}  // namespace test
