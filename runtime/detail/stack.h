// stack.h - the memory that fibers run on, and its guard.
//
// Below the bottom of each stack lies a guard: no access to it succeeds. Linux 6.13 and later have guards that do not split
// the mapping they lie in (MADV_GUARD_INSTALL); there is no limit to those. Where they do not exist, a guard is a mapping of
// its own, so there are two for each stack, and a process may have vm.max_map_count, usually 65,530. An eighth of those is
// left to others, who would get neither memory nor threads without. What happens to the stacks beyond is said by
// runtime_options::guards; a guard never goes missing unless it was chosen there.
//
// Threads: from any.
#pragma once

#include <sluice/runtime/options.h>

#include <cstddef>
#include <new>

namespace sluice::detail {

struct stack_chunk;

struct stack {
  std::byte* bottom = nullptr;  // lowest usable address
  std::size_t size = 0;         // usable bytes
  stack_chunk* home = nullptr;  // where the pool has it from; null for a stack that was mapped by itself
  bool mapped_guard = false;    // its guard takes two mappings

  explicit operator bool() const noexcept { return bottom != nullptr; }
  // Where to start: coloured, so that equally deep frames of many fibers do not share a cache set (19.3 -> 11.0 ns for a
  // switch over 1,000 stacks). At most 1920 bytes of the top page stay unused: what is left holds a fiber that blocks in a
  // channel, so that a million of those have one page each.
  std::byte* top() const noexcept;
};

// What a fiber ends with that got none.
class no_stack : public std::bad_alloc {
 public:
  const char* what() const noexcept override {
    return "sluice: no stack for a fiber: out of memory, or of mappings to guard it (see the limit vm.max_map_count)";
  }
};

// A frame larger than this can jump over the guard.
inline constexpr std::size_t guard_size = 16 * 1024;

// For a fiber that asks for its own size. Empty if there is no memory for it, or it cannot be guarded as `guards` wants it.
stack map_stack(std::size_t size, stack_guards guards) noexcept;
void unmap_stack(const stack& s) noexcept;

// Stacks in a row, each above its guard.
struct stack_row {
  std::byte* memory = nullptr;
  std::size_t stack_size = 0;
  std::size_t count = 0;
  bool mapped_guards = false;

  explicit operator bool() const noexcept { return memory != nullptr; }
  std::size_t stride() const noexcept { return stack_size + guard_size; }
  stack nth(std::size_t n, stack_chunk* home = nullptr) const noexcept {
    return {memory + n * stride() + guard_size, stack_size, home, mapped_guards};
  }
};
stack_row map_stacks(std::size_t size, std::size_t count, stack_guards guards) noexcept;
// False if the kernel cannot split a mapping for it: it is all there then, but what it held is gone.
bool unmap_stacks(const stack_row& row) noexcept;

// The pages go back to the system; the next touch finds zeros. The guard stays.
void forget_contents(const stack& s) noexcept;

// How deep it has been, in bytes from its end, since it was mapped or its pages went back. Touches no page that was not
// touched before. Blocks for a system call or three.
std::size_t stack_used(const stack& s) noexcept;

// Rounds up to whole pages, within reason: std::invalid_argument for less than 16 KiB or more than 1 GiB.
std::size_t checked_stack_size(std::size_t size);

// For tests: as on a kernel that has none, from now on.
void forgo_light_guards() noexcept;

}  // namespace sluice::detail
