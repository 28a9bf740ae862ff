#include "examples/pipeline/word_count.h"

#include <algorithm>

namespace word_count {
namespace {

bool in_word(unsigned char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '\'' || c >= 0x80;
}

}  // namespace

counts count_words(std::string_view text) {
  counts found;
  std::string word;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && in_word(static_cast<unsigned char>(text[i]))) {
      word += text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] + ('a' - 'A')) : text[i];
    } else if (!word.empty()) {
      ++found[word];
      word.clear();
    }
  }
  return found;
}

void add(counts& to, const counts& more) {
  for (const auto& [word, n] : more) to[word] += n;
}

std::vector<std::pair<std::string, std::uint64_t>> most_frequent(const counts& all, std::size_t n) {
  std::vector<std::pair<std::string, std::uint64_t>> list(all.begin(), all.end());
  n = std::min(n, list.size());
  const auto middle = list.begin() + static_cast<std::ptrdiff_t>(n);
  std::partial_sort(list.begin(), middle, list.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  list.erase(middle, list.end());
  return list;
}

}  // namespace word_count
