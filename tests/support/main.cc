// The main function of every test: doctest, a watchdog, and programs that a test starts as a child of its own.
#define DOCTEST_CONFIG_IMPLEMENT
#define DOCTEST_CONFIG_NO_POSIX_SIGNALS  // SIGSEGV belongs to the library's stack guard
#include "tests/support/child.h"
#include "tests/support/harness.h"

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <sstream>
#include <string>

namespace test {

const std::vector<unsigned>& worker_counts() {
  static const std::vector<unsigned> counts = [] {
    const char* asked = std::getenv("SLUICE_TEST_WORKERS");
    std::istringstream list(asked != nullptr && *asked != 0 ? asked : "1,2,4");
    std::vector<unsigned> result;
    for (std::string item; std::getline(list, item, ',');)
      if (const int n = std::atoi(item.c_str()); n > 0) result.push_back(static_cast<unsigned>(n));
    return result;
  }();
  return counts;
}

namespace {

// Ends the program with the name of a test that has not ended in time: a hang must not look like a slow machine.
class watchdog {
 public:
  watchdog() : thread_([this] { watch(); }) {}
  ~watchdog() {
    {
      std::scoped_lock hold(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  void begin(const char* name) {
    std::scoped_lock hold(mutex_);
    name_ = name;
    deadline_ = std::chrono::steady_clock::now() + patience;
    changed_.notify_all();
  }
  void end() {
    std::scoped_lock hold(mutex_);
    name_.clear();
    changed_.notify_all();
  }

 private:
  static constexpr auto patience = std::chrono::seconds(sanitized ? 300 : 120);
  void watch() {
    std::unique_lock hold(mutex_);
    while (!stop_) {
      if (name_.empty()) {
        changed_.wait(hold);
      } else if (changed_.wait_until(hold, deadline_) == std::cv_status::timeout && !name_.empty() &&
                 std::chrono::steady_clock::now() >= deadline_) {
        std::fprintf(stderr, "watchdog: \"%s\" hangs with %u workers\n", name_.c_str(), current_workers.load());
        std::abort();
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::string name_;
  std::chrono::steady_clock::time_point deadline_;
  bool stop_ = false;
  std::thread thread_;
};

watchdog& the_watchdog() {
  static watchdog dog;
  return dog;
}

struct listener : doctest::IReporter {
  explicit listener(const doctest::ContextOptions&) {}
  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_start(const doctest::TestCaseData& test) override { the_watchdog().begin(test.m_name); }
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats&) override { the_watchdog().end(); }
  void test_case_exception(const doctest::TestCaseException&) override { say_workers(); }
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData& assertion) override {
    if (assertion.m_failed) say_workers();
  }
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}

 private:
  static void say_workers() {
    if (const unsigned n = current_workers) std::fprintf(stderr, "with %u workers:\n", n);
  }
};
REGISTER_LISTENER("listener", 1, listener);

}  // namespace
}  // namespace test

#if defined(SLUICE_TEST_TSAN)
// doctest counts in thread-locals. Fibers of one worker share them with no order between them but that of the worker, which
// TSan is not told of on purpose. Only the innermost frame is matched: nothing else hides behind this.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() { return "race_top:doctest::detail::MultiLaneAtomic\n"; }
#endif

int main(int argc, char** argv) {
  if (const char* child = std::getenv(test::child_variable)) return test::run_child(child);
  doctest::Context context(argc, argv);
  test::the_watchdog();
  return context.run();
}
