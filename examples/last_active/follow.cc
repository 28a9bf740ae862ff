// Following files by name. Looking ten times a second costs next to nothing, and unlike inotify it works on every file
// system, and for files that others rename, truncate or replace.
#include "examples/last_active/input_file.h"
#include "examples/last_active/reader.h"

#include <sluice/select/select.h>
#include <sluice/timers/timer.h>

#include <sys/stat.h>

#include <cerrno>
#include <list>
#include <optional>
#include <system_error>

namespace last_active {
namespace {

using steady = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto look_again = 100ms;
constexpr auto keep_moved_file = 5s;  // a server writes to a file that was moved away until it is told to reopen

class followed_file {
 public:
  explicit followed_file(const std::string& name) : name_(name) {}

  // Reads what is new, and finds out whether the name stands for another file by now. Throws std::system_error if the file
  // cannot be read; it must not be used any more then.
  void look(const sluice::channel<chunk>& out, const interrupt& stop, reporter& tell) {
    read_moved(out, stop);
    if (!current_ && !try_open(tell)) return;
    if (current_->pump(out, stop) == input_file::end::stopped) return;
    struct stat now;
    if (::stat(name_.c_str(), &now) == 0 && (now.st_dev != identity_.st_dev || now.st_ino != identity_.st_ino)) {
      moved_.push_back({std::move(*current_), steady::now() + keep_moved_file});
      current_.reset();
      return look(out, stop, tell);
    }
    if (::fstat(current_->fd(), &now) == 0 && S_ISREG(now.st_mode) &&
        static_cast<std::uint64_t>(now.st_size) < current_->offset()) {
      tell.say(name_ + " was truncated: reading it from its start");
      current_->finish(out);
      current_->rewind();
    }
  }

  const std::string& name() const noexcept { return name_; }

 private:
  struct moved_file {
    input_file file;
    steady::time_point until;
  };

  bool try_open(reporter& tell) {
    try {
      current_.emplace(input_file::open(name_));
    } catch (const std::system_error& e) {
      if (e.code().value() != ENOENT) throw;
      if (!told_missing_) tell.say(why_not(name_, e) + "; waiting for it");
      told_missing_ = true;
      return false;
    }
    if (::fstat(current_->fd(), &identity_) != 0) throw std::system_error(errno, std::generic_category(), name_);
    return true;
  }

  void read_moved(const sluice::channel<chunk>& out, const interrupt& stop) {
    for (auto m = moved_.begin(); m != moved_.end();) {
      const auto before = m->file.offset();
      if (m->file.pump(out, stop) == input_file::end::stopped) return;
      if (m->file.offset() != before) m->until = steady::now() + keep_moved_file;
      if (steady::now() < m->until) {
        ++m;
        continue;
      }
      m->file.finish(out);
      m = moved_.erase(m);
    }
  }

  const std::string& name_;
  std::optional<input_file> current_;
  struct stat identity_ = {};
  std::list<moved_file> moved_;
  bool told_missing_ = false;
};

}  // namespace

read_result follow_inputs(const options& o, const sluice::channel<chunk>& out, const interrupt& stop, reporter& tell) {
  read_result result;
  std::list<followed_file> files;
  for (const std::string& name : o.inputs) files.emplace_back(name);
  auto stopping = sluice::recv(stop.stopping());
  while (!files.empty()) {
    for (auto f = files.begin(); f != files.end();) {
      try {
        f->look(out, stop, tell);
        ++f;
      } catch (const std::system_error& e) {
        tell.say("cannot follow " + why_not(f->name(), e));
        result.failed = true;
        f = files.erase(f);
      }
    }
    auto pause = sluice::after(look_again);
    if (sluice::select(stopping, pause) == stopping) break;
  }
  return result;
}

}  // namespace last_active
