// Events made of events keep the laws of events, in a fiber and in a plain thread.
#include "tests/event_sources.h"

#include <utility>
#include <variant>
#include <vector>

using namespace test;

namespace {

// What wrap does to a value, and undoes in valid(): void stays void.
struct boxed {
  template <class T>
  struct box {
    T value;
  };
  template <class T>
  box<T> operator()(T v) const {
    return {std::move(v)};
  }
  void operator()() const {}
};
template <class Base>
struct wrapped : Base {
  auto make() { return sluice::wrap(Base::make(), boxed()); }
  template <class T>
  bool valid(boxed::box<T> v) {
    return Base::valid(std::move(v.value));
  }
};

// The laws arm by hand, and a guard begins when it is polled.
template <class Source, class Make>
auto begun(Source& source, Make make) {
  auto e = make();
  if (!Source::always_ready && !source.supplied) CHECK_FALSE(e.poll());
  return e;
}
template <class Base>
struct begins : Base {
  bool supplied = false;
  void supply() {
    supplied = true;
    if constexpr (requires { Base::supply(); }) Base::supply();
  }
};
template <class Base>
struct guarded : begins<Base> {
  auto make() {
    return begun(*this, [this] { return sluice::guard([this] { return Base::make(); }); });
  }
};
template <class Base>
struct nacked : begins<Base> {
  auto make() {
    return begun(*this, [this] { return sluice::with_nack([this](sluice::nack_event) { return Base::make(); }); });
  }
};

// Among events of one type that cannot happen.
template <class Base>
struct chosen_alone : Base {
  auto make() { return sluice::choose(Base::make()); }
};
template <class Base>
struct chosen_last : Base {
  sluice::channel<int> silent;
  auto make() { return sluice::choose(sluice::never(), sluice::recv(silent), Base::make()); }
  template <class V>
  bool valid(V v) {
    if (v.index() != 2) return false;
    if constexpr (std::same_as<std::variant_alternative_t<2, V>, std::monostate>) {
      return true;
    } else {
      return Base::valid(std::get<2>(std::move(v)));
    }
  }
};
// The same event twice: a send must be accepted once, a value received once.
template <class Base>
struct chosen_twice : Base {
  auto make() { return sluice::choose(Base::make(), Base::make()); }
};
template <class Base>
struct chosen_of_many : Base {
  auto make() {
    std::vector<decltype(Base::make())> all;
    for (int i = 0; i < 5; ++i) all.push_back(Base::make());
    return sluice::choose(std::move(all));
  }
  template <class V>
  bool valid(std::pair<std::size_t, V> v) {
    return v.first < 5 && Base::valid(std::move(v.second));
  }
  bool valid(std::size_t i) { return i < 5; }
};
template <class Base>
struct wrapped_deep : Base {
  auto make() {
    auto inner = sluice::choose(sluice::wrap(Base::make(), boxed()), sluice::wrap(Base::make(), boxed()));
    return sluice::wrap(sluice::choose(sluice::choose(std::move(inner))), boxed());
  }
  template <class T>
  bool valid(boxed::box<boxed::box<T>> v) {
    return Base::valid(std::move(v.value.value));
  }
};
template <class Base>
struct guarded_deep : begins<Base> {
  auto make() {
    return begun(*this, [this] {
      auto one = [this] { return sluice::with_nack([this](sluice::nack_event) { return Base::make(); }); };
      return sluice::choose(sluice::choose(one(), sluice::guard([this] { return Base::make(); })), one());
    });
  }
};

// Fires when a with_nack that it watches loses.
struct nack_fired : source_traits {
  static constexpr bool broadcast = true;
  std::optional<sluice::nack_event> nack;
  struct never_with_nack {
    nack_fired* self;
    sluice::never_event operator()(sluice::nack_event n) const {
      self->nack.emplace(std::move(n));
      return {};
    }
  };
  decltype(sluice::with_nack(never_with_nack{nullptr})) request = sluice::with_nack(never_with_nack{this});
  nack_fired() { CHECK_FALSE(request.poll()); }
  auto make() { return *nack; }
  void supply() { request.abandon(); }
  void release() { request.abandon(); }
  bool untouched() { return !nack->poll(); }
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE("every event keeps the laws", Source, laws) {
  test::in_runtime([] { test::event_laws<Source>::check_all(); });
  test::in_thread([] { test::event_laws<Source>::check_all(); });
}

#define SOURCES_OF(combinator)                                                                                            \
  combinator<recv_rendezvous>, combinator<recv_buffered<bounded>>, combinator<recv_closing>, combinator<send_rendezvous>, \
      combinator<send_bounded>, combinator<after_now>, combinator<after_long>, combinator<done_value>,                    \
      combinator<user_defined>
TEST_CASE_TEMPLATE_INVOKE(laws, SOURCES_OF(wrapped));
TEST_CASE_TEMPLATE_INVOKE(laws, SOURCES_OF(guarded));
TEST_CASE_TEMPLATE_INVOKE(laws, SOURCES_OF(nacked));
TEST_CASE_TEMPLATE_INVOKE(laws, SOURCES_OF(chosen_alone));
TEST_CASE_TEMPLATE_INVOKE(laws, SOURCES_OF(chosen_last));
TEST_CASE_TEMPLATE_INVOKE(laws, SOURCES_OF(chosen_twice));
TEST_CASE_TEMPLATE_INVOKE(laws, SOURCES_OF(chosen_of_many));
TEST_CASE_TEMPLATE_INVOKE(laws, SOURCES_OF(wrapped_deep));
TEST_CASE_TEMPLATE_INVOKE(laws, SOURCES_OF(guarded_deep));
TEST_CASE_TEMPLATE_INVOKE(laws, nack_fired);
