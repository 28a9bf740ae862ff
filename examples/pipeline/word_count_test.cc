#include "examples/pipeline/word_count.h"

#include <doctest/doctest.h>

using word_count::count_words;
using word_count::counts;

TEST_CASE("words") {
  CHECK(count_words("").empty());
  CHECK(count_words(" ,;- ").empty());
  CHECK(count_words("The cat, the CAT; don't!") == counts{{"the", 2}, {"cat", 2}, {"don't", 1}});
  CHECK(count_words("one") == counts{{"one", 1}});
  CHECK(count_words("\xc3\xa4h x2") == counts{{"\xc3\xa4h", 1}, {"x2", 1}});
}

TEST_CASE("sums") {
  counts all = count_words("a b a");
  word_count::add(all, count_words("b c"));
  CHECK(all == counts{{"a", 2}, {"b", 2}, {"c", 1}});
}

TEST_CASE("the most frequent, ties in alphabetical order") {
  using list = std::vector<std::pair<std::string, std::uint64_t>>;
  const counts all{{"a", 1}, {"b", 3}, {"c", 2}, {"d", 3}};
  CHECK(word_count::most_frequent(all, 3) == list{{"b", 3}, {"d", 3}, {"c", 2}});
  CHECK(word_count::most_frequent(all, 9).size() == 4);
  CHECK(word_count::most_frequent(all, 0).empty());
}
