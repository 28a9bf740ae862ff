#include "examples/last_active/chunker.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace last_active {

chunker::chunker(std::string_view source, std::size_t size, std::size_t longest_line)
    : source_(source), size_(std::max<std::size_t>(size, 2)), longest_line_(std::max(size_, longest_line)) {}

void chunker::allocate(std::size_t capacity) {
  auto larger = std::make_unique_for_overwrite<char[]>(capacity);
  if (used_ != 0) std::memcpy(larger.get(), bytes_.get(), used_);
  bytes_ = std::move(larger);
  capacity_ = capacity;
}

std::span<char> chunker::room() {
  if (!bytes_) allocate(size_);
  if (used_ == capacity_) allocate(capacity_ * 2);  // one line fills it all: filled() bounds this
  return {bytes_.get() + used_, capacity_ - used_};
}

void chunker::filled(std::size_t n) {
  char* const fresh = bytes_.get() + used_;
  if (dropping_) {
    const auto* newline = static_cast<const char*>(std::memchr(fresh, '\n', n));
    if (newline == nullptr) return;
    dropping_ = false;
    const std::size_t skipped = static_cast<std::size_t>(newline + 1 - fresh);
    n -= skipped;
    std::memmove(fresh, fresh + skipped, n);
  }
  if (const void* newline = ::memrchr(fresh, '\n', n))
    lines_end_ = static_cast<std::size_t>(static_cast<const char*>(newline) + 1 - bytes_.get());
  used_ += n;
}

std::optional<chunk> chunker::full() {
  if (used_ - lines_end_ >= longest_line_) {
    auto all = cut(used_);
    dropping_ = true;
    return all;
  }
  return capacity_ - used_ < capacity_ / 8 ? whole_lines() : std::nullopt;
}

std::optional<chunk> chunker::whole_lines() { return cut(lines_end_); }

std::optional<chunk> chunker::rest() {
  dropping_ = false;
  return cut(used_);
}

void chunker::restart() noexcept {
  next_line_ = 1;
  dropping_ = false;
}

std::optional<chunk> chunker::cut(std::size_t end) {
  if (end == 0) return {};
  const std::size_t kept = used_ - end;
  chunk c{source_, next_line_, std::move(bytes_), end};
  const std::string_view text = c.text();
  next_line_ += static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n')) + (text.back() != '\n');
  used_ = lines_end_ = 0;
  allocate(std::max(size_, kept * 2));
  std::memcpy(bytes_.get(), c.bytes.get() + end, kept);
  used_ = kept;
  return c;
}

}  // namespace last_active
