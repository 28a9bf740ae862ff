#include "examples/last_active/job.h"

#include "examples/last_active/aggregate.h"
#include "examples/last_active/error_file.h"
#include "examples/last_active/interrupt.h"
#include "examples/last_active/parse_stage.h"
#include "examples/last_active/progress.h"
#include "examples/last_active/reader.h"
#include "examples/last_active/writer.h"

#include <sluice/runtime/runtime.h>

#include <cstdio>
#include <filesystem>
#include <optional>
#include <thread>

namespace last_active {
namespace {

unsigned parser_count(const options& o) {
  return o.parsers != 0 ? o.parsers : std::max(1U, std::thread::hardware_concurrency());
}

// To append bad lines to an input would, with --follow, never end; to the database, destroy it.
void refuse_to_overwrite(const options& o) {
  const auto same = [&](const std::string& other) {
    std::error_code ignored;  // a file that is not there is not the same
    return std::filesystem::equivalent(o.errors, other, ignored);
  };
  for (const std::string& input : o.inputs)
    if (same(input)) throw usage_error("--errors: '" + o.errors + "' is an input, too");
  if (same(o.database) || o.errors == o.database) throw usage_error("--errors: '" + o.errors + "' is the database, too");
}

class job {
 public:
  job(const options& o, reporter& tell) : o_(o), tell_(tell), chunks_(parser_count(o) * 2), events_(parser_count(o) * 2) {
    if (!o.errors.empty()) {
      refuse_to_overwrite(o);
      error_file_.emplace(o.errors);
    }
  }

  // Whatever happens in between, no thread is left waiting.
  ~job() {
    stop_.request();
    close_all();
  }

  int run() {
    start_threads();
    sluice::run([this] {
      std::vector<sluice::future<void>> parsers;
      for (unsigned n = parser_count(o_); n > 0; --n)
        parsers.push_back(sluice::go(
            {.name = "parser"}, [this] { parse_stage(chunks_, events_, error_file_ ? &bad_lines_ : nullptr, counts_); }));
      auto closer = sluice::go({.name = "closer"}, [this, &parsers] { close_after(parsers); });
      result_ = aggregate(events_, batches_, results_, o_, counts_, stop_);
      closer.get();
    });
    close_all();
    threads_.clear();
    return report();
  }

 private:
  void start_threads() {
    threads_.emplace_back([this] {
      try {
        read_ = (o_.follow ? follow_inputs : read_inputs)(o_, chunks_, stop_, tell_);
      } catch (const std::exception& e) {
        tell_.say(std::string("reading ended: ") + e.what());
        read_.failed = true;
      }
      chunks_.close();
    });
    threads_.emplace_back([this] { write_batches(batches_, results_, o_, counts_, tell_); });
    if (error_file_) threads_.emplace_back([this] { errors_kept_ = error_file_->keep(bad_lines_, tell_); });
    using mode = options::progress_mode;
    if (o_.progress == mode::always || (o_.progress == mode::if_terminal && reporter::on_terminal()))
      threads_.emplace_back([this] {
        const std::chrono::milliseconds period(reporter::on_terminal() ? 250 : 1000);
        show_progress(over_, chunks_, events_, counts_, period, tell_);
      });
  }

  // A parser that failed is passed on as the error of `events_`; the others take what is left.
  void close_after(std::vector<sluice::future<void>>& parsers) {
    std::exception_ptr error;
    for (auto& p : parsers) {
      try {
        p.get();
      } catch (...) {
        error = std::current_exception();
        stop_.request();
      }
    }
    error ? events_.close(error) : events_.close();
  }

  void close_all() noexcept {
    chunks_.close();
    events_.close();
    batches_.close();
    results_.close();
    bad_lines_.close();
    over_.close();
  }

  int report() const {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    std::printf("%llu lines, %llu bad; %llu user updates in %llu batches; %.2f s\n", number(counts_.lines),
                number(counts_.bad_lines), number(counts_.updates), number(counts_.batches), seconds);
    if (!result_.error.empty()) tell_.say(result_.error);
    if (result_.unwritten != 0)
      tell_.say("not written: the newest times of " + std::to_string(result_.unwritten) +
                " users. Run the job again with the same input");
    if (!result_.error.empty() || read_.failed || !errors_kept_) return 1;
    if (!read_.unfinished) return 0;
    tell_.say("stopped by a signal before the end of the input; what was read is written");
    return 128 + stop_.signal();
  }

  static unsigned long long number(const std::atomic<std::uint64_t>& n) { return n.load(); }

  const options& o_;
  reporter& tell_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  interrupt stop_;
  stats counts_;
  std::optional<error_file> error_file_;
  sluice::channel<chunk> chunks_;
  sluice::channel<parsed> events_;
  sluice::channel<std::string> bad_lines_{16};
  sluice::channel<user_times> batches_{1};
  sluice::channel<written> results_{1};
  sluice::channel<char> over_;
  read_result read_;  // the threads' results: to be looked at after they have been joined
  bool errors_kept_ = true;
  aggregate_result result_;
  std::vector<std::jthread> threads_;
};

}  // namespace

int run_job(const options& o, reporter& tell) { return job(o, tell).run(); }

}  // namespace last_active
