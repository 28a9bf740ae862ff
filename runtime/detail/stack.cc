#include <sluice/runtime/detail/sanitizers.h>
#include <sluice/runtime/detail/stack.h>

#include <sys/mman.h>

#include <cstdint>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102  // Linux 6.13; Debian 12's headers are older
#endif

namespace sluice::detail {

namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t stacks_per_chunk = 32;

// Null if that much memory cannot be had.
std::byte* map(std::size_t size) noexcept {
  void* p = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (p == MAP_FAILED) return nullptr;
  madvise(p, size, MADV_NOHUGEPAGE);
  return static_cast<std::byte*>(p);
}

// A lightweight guard does not split the mapping; mprotect does, and ends at vm.max_map_count. (LeakSanitizer reads what
// the kernel lists as readable, which lightweight guards are.)
bool guard(std::byte* at) noexcept {
  return (!sanitized && madvise(at, guard_size, MADV_GUARD_INSTALL) == 0) || mprotect(at, guard_size, PROT_NONE) == 0;
}

// At most 2 KiB in steps of two cache lines.
std::byte* coloured_top(std::byte* end, std::size_t n) noexcept { return end - (n % 16) * 128; }

}  // namespace

std::size_t checked_stack_size(std::size_t size) {
  constexpr std::size_t least = 16 * 1024, most = 1024 * 1024 * 1024;
  if (size < least || size > most)
    throw std::invalid_argument("sluice: a stack size of " + std::to_string(size) +
                                " bytes; it must be between 16384 and 1073741824");
  return (size + page - 1) / page * page * stack_scale;
}

stack map_stack(std::size_t size) noexcept {
  std::byte* const base = map(size + guard_size);
  if (base == nullptr) return {};
  if (!guard(base)) {
    munmap(base, size + guard_size);
    return {};
  }
  register_root(base + guard_size, size);
  return {base + guard_size, size, base + guard_size + size};
}

void unmap_stack(const stack& s) noexcept {
  unregister_root(s.bottom, s.size);
  munmap(s.bottom - guard_size, s.size + guard_size);
}

stack_pool::stack_pool(std::size_t stack_size) : size_(stack_size) {}

stack_pool::~stack_pool() {
  for (std::byte* chunk : chunks_) {
    for (std::size_t i = 0; i < stacks_per_chunk; ++i) unregister_root(chunk + i * slot_size() + guard_size, size_);
    munmap(chunk, stacks_per_chunk * slot_size());
  }
}

stack stack_pool::get() noexcept {
  const std::lock_guard guard(lock_);
  if (free_.empty() && !add_chunk()) return {};
  const stack s = free_.back();
  free_.pop_back();
  return s;
}

void stack_pool::put(const stack& s) noexcept {
  const std::lock_guard guard(lock_);
  free_.push_back(s);
}

bool stack_pool::add_chunk() noexcept {
  try {
    if (chunks_.size() == chunks_.capacity()) {  // now, so that neither put() nor what follows can fail
      const std::size_t room = chunks_.size() * 2 + 1;
      free_.reserve(room * stacks_per_chunk);
      chunks_.reserve(room);
    }
  } catch (const std::bad_alloc&) {
    return false;
  }
  std::byte* const chunk = map(stacks_per_chunk * slot_size());
  if (chunk == nullptr) return false;
  for (std::size_t i = 0; i < stacks_per_chunk; ++i) {
    if (guard(chunk + i * slot_size())) continue;
    munmap(chunk, stacks_per_chunk * slot_size());
    return false;
  }
  chunks_.push_back(chunk);
  for (std::size_t i = stacks_per_chunk; i-- > 0;) {
    std::byte* const bottom = chunk + i * slot_size() + guard_size;
    register_root(bottom, size_);
    free_.push_back({bottom, size_, coloured_top(bottom + size_, i)});
  }
  return true;
}

}  // namespace sluice::detail
