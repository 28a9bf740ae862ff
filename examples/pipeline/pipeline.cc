// pipeline - counts the words in many files: one stage finds the work, several do it, one collects.
//
//   paths ──▶ count ×N ──▶ merge          fan-out: N fibers receive from one channel; fan-in: they send to one channel
//
// A file that cannot be read is a value like any other: it travels to the end of the pipeline and is reported there.
#include "examples/pipeline/word_count.h"

#include <sluice/sluice.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace {

struct counted {
  std::string path;
  word_count::counts words;
  std::string error;  // empty: all is well
};

counted count_file(const std::string& path) {
  counted result{path, {}, {}};
  std::string text;
  std::FILE* const file = std::fopen(path.c_str(), "rb");
  bool failed = file == nullptr;
  for (std::size_t n = 1; !failed && n > 0;) {
    const std::size_t old = text.size();
    text.resize(old + 64 * 1024);
    n = std::fread(text.data() + old, 1, 64 * 1024, file);
    text.resize(old + n);
    failed = std::ferror(file) != 0;
  }
  if (failed)
    result.error = std::generic_category().message(errno);
  else
    result.words = word_count::count_words(text);
  if (file != nullptr) std::fclose(file);
  return result;
}

int count_all(const std::vector<std::string>& paths, std::size_t show) {
  sluice::channel<std::string> work(16);
  auto [found, results] = sluice::make_channel<counted>(16);  // closes when the last of its senders goes

  auto source = sluice::go([=] {
    for (const auto& path : paths) work.send(path);
    work.close();
  });
  std::vector<sluice::future<void>> counters;
  for (unsigned n = std::max(1U, std::thread::hardware_concurrency()); n > 0; --n)
    counters.push_back(sluice::go([work, found = found] {
      for (const auto& path : work) found.send(count_file(path));
    }));
  { const auto last = std::move(found); }  // only the counters send now

  word_count::counts all;
  int status = 0;
  for (const counted& c : results) {
    if (!c.error.empty()) {
      std::fprintf(stderr, "pipeline: %s: %s\n", c.path.c_str(), c.error.c_str());
      status = 1;
    }
    word_count::add(all, c.words);
  }
  source.get();
  for (auto& c : counters) c.get();
  for (const auto& [word, n] : word_count::most_frequent(all, show))
    std::printf("%8llu %s\n", static_cast<unsigned long long>(n), word.c_str());
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t show = 10;
  std::vector<std::string> paths(argv + 1, argv + argc);
  if (paths.size() >= 2 && paths[0] == "-n") {
    char* end = nullptr;
    show = std::strtoul(paths[1].c_str(), &end, 10);
    if (*end != '\0' || show == 0) {
      std::fprintf(stderr, "pipeline: -n: '%s' is not a positive number\n", paths[1].c_str());
      return 2;
    }
    paths.erase(paths.begin(), paths.begin() + 2);
  }
  if (paths.empty()) {
    std::fputs("usage: pipeline [-n WORDS] FILE...\nPrints the most frequent words of all files together (default: 10).\n",
               stderr);
    return 2;
  }
  try {
    return sluice::run([&] { return count_all(paths, show); });
  } catch (const std::exception& e) {
    std::fprintf(stderr, "pipeline: %s\n", e.what());
    return 1;
  }
}
