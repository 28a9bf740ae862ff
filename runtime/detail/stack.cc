#include <sluice/runtime/detail/sanitizers.h>
#include <sluice/runtime/detail/stack.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <stdexcept>
#include <string>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102  // Linux 6.13; Debian 12's headers are older
#endif

namespace sluice::detail {

namespace {

constexpr std::size_t page = 4096;
constexpr int this_process = -10000;  // PIDFD_SELF, Linux 6.14

// LeakSanitizer reads what the kernel lists as readable, which light guards are.
std::atomic<bool> light_guards{!sanitized};

// 270 ns for each in one call, 530 in calls of their own.
bool guard_lightly(std::byte* first, std::size_t stride, std::size_t count) noexcept {
  if (!light_guards.load(std::memory_order_relaxed)) return false;
  for (std::size_t done = 0; done < count;) {
    std::array<iovec, 32> guards;
    const std::size_t n = std::min(guards.size(), count - done);
    for (std::size_t i = 0; i < n; ++i) guards[i] = {first + (done + i) * stride, guard_size};
    if (n == 1 || syscall(SYS_process_madvise, this_process, guards.data(), n, MADV_GUARD_INSTALL, 0) !=
                      static_cast<long>(n * guard_size)) {
      for (std::size_t i = 0; i < n; ++i) {
        if (madvise(guards[i].iov_base, guard_size, MADV_GUARD_INSTALL) == 0) continue;
        if (errno == EINVAL) light_guards.store(false, std::memory_order_relaxed);  // unknown here, or memory is locked
        return false;
      }
    }
    done += n;
  }
  return true;
}

// How many guards may be mappings.
std::size_t most_mapped_guards() noexcept {
  static const std::size_t most = [] {
    std::array<char, 32> text{};
    if (const int setting = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC); setting >= 0) {
      if (read(setting, text.data(), text.size() - 1) < 0) text[0] = 0;
      close(setting);
    }
    const std::size_t limit = std::strtoul(text.data(), nullptr, 10);
    return (limit != 0 ? limit : 65'530) / 16 * 7;
  }();
  return most;
}
std::atomic<std::size_t> mapped_guards{0};

bool guard_by_mapping(std::byte* first, std::size_t stride, std::size_t count) noexcept {
  bool ok = mapped_guards.fetch_add(count, std::memory_order_relaxed) + count <= most_mapped_guards();
  for (std::size_t i = 0; ok && i < count; ++i) ok = mprotect(first + i * stride, guard_size, PROT_NONE) == 0;
  if (!ok) mapped_guards.fetch_sub(count, std::memory_order_relaxed);
  return ok;
}

// What the kernel knows about each page from `at` on. False if it does not say.
bool look_at_pages(const std::byte* at, std::span<bool> touched) noexcept {
  std::array<std::uint64_t, 32> entries;
  constexpr std::uint64_t present_or_swapped = 3ULL << 62;
  if (const int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC); pagemap >= 0) {
    const auto place = static_cast<off_t>(reinterpret_cast<std::uintptr_t>(at) / page * sizeof(std::uint64_t));
    const auto wanted = static_cast<ssize_t>(touched.size() * sizeof(std::uint64_t));
    const bool known = pread(pagemap, entries.data(), static_cast<std::size_t>(wanted), place) == wanted;
    close(pagemap);
    for (std::size_t i = 0; known && i < touched.size(); ++i) touched[i] = entries[i] & present_or_swapped;
    if (known) return true;
  }
  std::array<unsigned char, 32> resident;
  if (mincore(const_cast<std::byte*>(at), touched.size() * page, resident.data()) != 0) return false;
  for (std::size_t i = 0; i < touched.size(); ++i) touched[i] = resident[i] & 1;
  return true;
}

const std::byte* lowest_touched_page(const stack& s) noexcept {
  std::array<bool, 32> touched;
  const std::byte* const end = s.bottom + s.size;
  for (const std::byte* at = s.bottom; at < end;) {
    const std::size_t n = std::min(touched.size(), static_cast<std::size_t>(end - at) / page);
    if (!look_at_pages(at, std::span(touched).first(n))) return s.bottom;
    for (std::size_t i = 0; i < n; ++i, at += page)
      if (touched[i]) return at;
  }
  return end;
}

}  // namespace

std::size_t checked_stack_size(std::size_t size) {
  constexpr std::size_t least = 16 * 1024, most = 1024 * 1024 * 1024;
  if (size < least || size > most)
    throw std::invalid_argument("sluice: a stack size of " + std::to_string(size) +
                                " bytes; it must be between 16384 and 1073741824");
  return (size + page - 1) / page * page * stack_scale;
}

std::byte* stack::top() const noexcept {
  const auto number = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(bottom) / page);
  return bottom + size - (number * 0x9e3779b1U >> 28) * 128;  // one of 16 steps of two cache lines
}

stack_row map_stacks(std::size_t size, std::size_t count, stack_guards guards) noexcept {
  stack_row row{.stack_size = size, .count = count};
  const std::size_t whole = count * row.stride();
  void* const p =
      mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (p == MAP_FAILED) return {};
  row.memory = static_cast<std::byte*>(p);
  madvise(p, whole, MADV_NOHUGEPAGE);
  if (guards != stack_guards::none && !guard_lightly(row.memory, row.stride(), count)) {
    row.mapped_guards = guard_by_mapping(row.memory, row.stride(), count);
    if (!row.mapped_guards && guards == stack_guards::always) {
      munmap(p, whole);
      return {};
    }
  }
  for (std::size_t i = 0; i < count; ++i) register_root(row.nth(i).bottom, size);
  return row;
}

bool unmap_stacks(const stack_row& row) noexcept {
  for (std::size_t i = 0; i < row.count; ++i) unregister_root(row.nth(i).bottom, row.stack_size);
  if (munmap(row.memory, row.count * row.stride()) == 0) {
    if (row.mapped_guards) mapped_guards.fetch_sub(row.count, std::memory_order_relaxed);
    return true;
  }
  for (std::size_t i = 0; i < row.count; ++i) {
    register_root(row.nth(i).bottom, row.stack_size);
    forget_contents(row.nth(i));
  }
  return false;
}

stack map_stack(std::size_t size, stack_guards guards) noexcept {
  const stack_row row = map_stacks(size, 1, guards);
  return row ? row.nth(0) : stack{};
}

void unmap_stack(const stack& s) noexcept { unmap_stacks({s.bottom - guard_size, s.size, 1, s.mapped_guard}); }

void forget_contents(const stack& s) noexcept { madvise(s.bottom, s.size, MADV_DONTNEED); }

// Frames hold words that are not zero: the first of them from below ends the search, most often in its first page.
#if defined(SLUICE_ASAN)
__attribute__((no_sanitize("address")))
#endif
SLUICE_NO_TSAN std::size_t
stack_used(const stack& s) noexcept {
  const std::byte* const lowest = lowest_touched_page(s);
  const std::byte* const end = s.bottom + s.size;
  if (lowest == end) return 0;
  const auto* const words = reinterpret_cast<const volatile std::uint64_t*>(lowest);
  std::size_t i = 0;
  while (i < page / sizeof *words && words[i] == 0) ++i;
  return static_cast<std::size_t>(end - lowest) - i % (page / sizeof *words) * sizeof *words;
}

void forgo_light_guards() noexcept { light_guards.store(false, std::memory_order_relaxed); }

}  // namespace sluice::detail
