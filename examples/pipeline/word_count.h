// word_count.h - the pure part of the pipeline: the words in a text, counted.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace word_count {

using counts = std::map<std::string, std::uint64_t, std::less<>>;

// A word is a run of letters, digits, apostrophes and non-ASCII bytes; ASCII letters count as small ones.
counts count_words(std::string_view text);

void add(counts& to, const counts& more);

// The most frequent words, at most n of them; those with the same count in alphabetical order.
std::vector<std::pair<std::string, std::uint64_t>> most_frequent(const counts& all, std::size_t n);

}  // namespace word_count
