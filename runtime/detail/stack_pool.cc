#include <sluice/runtime/detail/heap.h>
#include <sluice/runtime/detail/stack_pool.h>

#include <algorithm>
#include <bit>
#include <mutex>
#include <new>

namespace sluice::detail {

namespace {

using lock_guard = std::lock_guard<spinlock>;
using namespace std::chrono_literals;

constexpr auto period = 2s;
constexpr auto slice_pause = 1ms;
constexpr std::size_t chunk_size = 4 * 1024 * 1024;

std::uint32_t count(std::uint32_t bits) noexcept { return static_cast<std::uint32_t>(std::popcount(bits)); }

// Calls f(i) for each bit that is set, the lowest first.
template <class F>
void for_each_bit(std::uint32_t bits, F f) {
  for (; bits != 0; bits &= bits - 1) f(static_cast<std::size_t>(std::countr_zero(bits)));
}

}  // namespace

void stack_pool::chunk_list::push(stack_chunk& c) noexcept {
  c.prev = nullptr;
  c.next = first_;
  (first_ != nullptr ? first_->prev : last_) = &c;
  first_ = &c;
}

void stack_pool::chunk_list::remove(stack_chunk& c) noexcept {
  (c.prev != nullptr ? c.prev->next : first_) = c.next;
  (c.next != nullptr ? c.next->prev : last_) = c.prev;
}

stack_pool::stack_pool(std::size_t stack_size, stack_guards guards) noexcept
    : size_(stack_size),
      guards_(guards),
      per_chunk_(static_cast<std::uint32_t>(std::clamp<std::size_t>(chunk_size / (stack_size + guard_size), 1, 32))) {}

stack_pool::~stack_pool() {
  for (chunk_list* list : {&warm_, &cold_})
    while (stack_chunk* const c = list->first()) {
      list->remove(*c);
      unmap_stacks(c->row);
      delete c;
    }
}

stack_pool::chunk_list* stack_pool::list_of(const stack_chunk& c) noexcept {
  if (c.here == 0) return nullptr;
  return c.idle() != 0 ? &warm_ : &cold_;
}

void stack_pool::update(stack_chunk& c, std::uint32_t here, std::uint32_t used) noexcept {
  if (chunk_list* const before = list_of(c)) before->remove(c);
  idle_ -= count(c.idle());
  c.here = here;
  c.used = used;
  idle_ += count(c.idle());
  least_idle_ = std::min(least_idle_, idle_);
  if (chunk_list* const now = list_of(c)) now->push(c);
}

// Some of `which`, as many as there is room for.
std::size_t stack_pool::take(stack_chunk& c, std::uint32_t which, std::span<stack> room) noexcept {
  std::uint32_t taken = 0;
  std::size_t n = 0;
  for_each_bit(which, [&](std::size_t i) {
    if (n == room.size()) return;
    taken |= std::uint32_t{1} << i;
    room[n++] = c.row.nth(i, &c);
  });
  update(c, c.here & ~taken, c.used | taken);
  out_ += n;
  return n;
}

std::size_t stack_pool::get(std::span<stack> room) noexcept {
  std::size_t n = 0;
  {
    const lock_guard guard(lock_);
    for (stack_chunk* c; n < room.size() && (c = warm_.first()) != nullptr;) n += take(*c, c->idle(), room.subspan(n));
    if (stack_chunk* const c = cold_.first(); n == 0 && c != nullptr) n = take(*c, c->here, room);
  }
  if (n == 0) {
    stack_chunk* const fresh = new_chunk();
    if (fresh == nullptr) return 0;
    const lock_guard guard(lock_);
    update(*fresh, all(), 0);
    n = take(*fresh, all(), room);
  }
  std::reverse(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(n));  // a magazine is used from its end
  return n;
}

void stack_pool::put(std::span<const stack> some) noexcept {
  bool many = false;
  {
    const lock_guard guard(lock_);
    for (const stack& s : some) {
      stack_chunk& c = *s.home;
      const auto i = static_cast<std::size_t>(s.bottom - c.row.memory) / c.row.stride();
      update(c, c.here | std::uint32_t{1} << i, c.used);
    }
    out_ -= some.size();
    many = idle_ > always_kept;
  }
  if (many) tidy(std::chrono::steady_clock::now());
}

stack_pool::figures stack_pool::counted() noexcept {
  const lock_guard guard(lock_);
  return {out_, idle_};
}

stack_chunk* stack_pool::new_chunk() noexcept {
  auto* const c = new (std::nothrow) stack_chunk;
  if (c == nullptr || (c->row = map_stacks(size_, per_chunk_, guards_))) return c;
  delete c;
  return nullptr;
}

steady_time stack_pool::tidy(steady_time now) noexcept {
  std::array<emptying, chunks_per_slice> slice;
  std::size_t n = 0;
  bool all_given_back = false;
  {
    const lock_guard guard(lock_);
    if (now >= period_end_) {
      surplus_ = least_idle_ - std::min(least_idle_, always_kept);
      least_idle_ = idle_;
      period_end_ = now + period;
    }
    if (idle_ <= always_kept) return steady_time::max();
    if (surplus_ == 0 || tidying_) return period_end_;
    tidying_ = true;
    n = pick_slice(slice);
    all_given_back = surplus_ == 0 && given_back_ >= worth_a_heap;
    if (all_given_back) given_back_ = 0;
  }
  give_back(std::span(slice).first(n));
  if (all_given_back) give_back_heap();
  return now + slice_pause;
}

// Those that have been idle for longest. They are out of the pool then.
std::size_t stack_pool::pick_slice(std::span<emptying> slice) noexcept {
  std::size_t n = 0;
  for (stack_chunk* c; n < slice.size() && surplus_ > 0 && (c = warm_.last()) != nullptr;) {
    const std::uint32_t which = c->here == all() ? all() : c->idle();
    surplus_ -= std::min<std::size_t>(surplus_, count(c->idle()));
    given_back_ += count(c->idle());
    update(*c, c->here & ~which, c->used);
    slice[n++] = {c, which};
  }
  if (warm_.empty()) surplus_ = 0;
  return n;
}

void stack_pool::give_back(std::span<const emptying> slice) noexcept {
  for (const auto& [chunk, which] : slice) {
    if (which == all() && unmap_stacks(chunk->row)) {
      delete chunk;
      continue;
    }
    for_each_bit(which, [c = chunk](std::size_t i) { forget_contents(c->row.nth(i)); });
    const lock_guard guard(lock_);
    update(*chunk, chunk->here | which, chunk->used & ~which);
  }
  const lock_guard guard(lock_);
  tidying_ = false;
}

void stack_magazine::unload() noexcept {
  pool_.put(std::span(stacks_).first(batch));  // those that were used least recently
  std::move(stacks_.begin() + batch, stacks_.begin() + count_, stacks_.begin());
  count_ -= batch;
}

}  // namespace sluice::detail
