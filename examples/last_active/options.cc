#include "examples/last_active/options.h"

#include <charconv>
#include <cmath>
#include <optional>

namespace last_active {
namespace {

using std::chrono::milliseconds;

[[noreturn]] void bad_value(std::string_view option, std::string_view text, std::string_view wanted) {
  throw usage_error(std::string(option) + ": '" + std::string(text) + "' is not " + std::string(wanted));
}

std::uint64_t parse_count(std::string_view option, std::string_view text, std::uint64_t least, std::uint64_t most) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most)
    bad_value(option, text, "a number from " + std::to_string(least) + " to " + std::to_string(most));
  return value;
}

milliseconds duration_within(std::string_view option, std::string_view text, milliseconds least, milliseconds most) {
  const milliseconds value = parse_duration(option, text);
  if (value < least || value > most)
    bad_value(option, text,
              "between " + std::to_string(least.count()) + " ms and " + std::to_string(most.count() / 1000) + " s");
  return value;
}

// Walks over the arguments; `--name value` and `--name=value` are the same.
class argument_reader {
 public:
  explicit argument_reader(const std::vector<std::string>& arguments) : all_(arguments) {}

  bool next() {
    value_.reset();
    if (at_ == all_.size()) return false;
    name_ = all_[at_++];
    if (name_.starts_with("--"))
      if (const auto equals = name_.find('='); equals != std::string::npos) {
        value_ = name_.substr(equals + 1);
        name_.resize(equals);
      }
    return true;
  }
  const std::string& name() const { return name_; }
  std::string value() {
    if (!value_) {
      if (at_ == all_.size()) throw usage_error(name_ + " needs a value");
      value_ = all_[at_++];
    }
    if (value_->empty()) throw usage_error(name_ + " needs a value that is not empty");
    return *value_;
  }
  void no_value() const {
    if (value_) throw usage_error(name_ + " takes no value, but '" + *value_ + "' was given");
  }
  std::string whole() const { return all_[at_ - 1]; }

 private:
  const std::vector<std::string>& all_;
  std::size_t at_ = 0;
  std::string name_;
  std::optional<std::string> value_;
};

bool set_valued(options& o, argument_reader& a) {
  const std::string& name = a.name();
  if (name == "--db") {
    o.database = a.value();
  } else if (name == "--errors") {
    o.errors = a.value();
  } else if (name == "--tick") {
    o.tick = duration_within(name, a.value(), milliseconds(1), std::chrono::hours(1));
  } else if (name == "--retry") {
    o.retry = duration_within(name, a.value(), milliseconds(0), std::chrono::hours(24));
  } else if (name == "--max-pending") {
    o.max_pending = parse_count(name, a.value(), 1, 1'000'000'000);
  } else if (name == "--parsers") {
    o.parsers = static_cast<unsigned>(parse_count(name, a.value(), 1, 256));
  } else {
    return false;
  }
  return true;
}

bool set_flag(options& o, const argument_reader& a) {
  const std::string& name = a.name();
  if (name == "--follow" || name == "-f") {
    o.follow = true;
  } else if (name == "--progress") {
    o.progress = options::progress_mode::always;
  } else if (name == "--quiet" || name == "-q") {
    o.progress = options::progress_mode::never;
  } else if (name == "--help" || name == "-h") {
    o.help = true;
  } else {
    return false;
  }
  a.no_value();
  return true;
}

}  // namespace

milliseconds parse_duration(std::string_view option, std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  const double scale = unit == "ms"                  ? 1
                       : unit.empty() || unit == "s" ? 1000
                       : unit == "m"                 ? 60'000
                       : unit == "h"                 ? 3'600'000
                                                     : 0;
  if (error != std::errc{} || scale == 0 || !(value >= 0) || value * scale > 1e12)
    bad_value(option, text, "a duration such as 250ms, 1.5s, 2m or 1h");
  return milliseconds(std::llround(value * scale));
}

options parse_options(const std::vector<std::string>& arguments) {
  options o;
  bool only_files = false;
  for (argument_reader a(arguments); a.next();) {
    const std::string whole = a.whole();
    if (only_files || whole == "-" || !whole.starts_with('-')) {
      if (whole.empty()) throw usage_error("an input's name is empty");
      o.inputs.push_back(whole);
    } else if (whole == "--") {
      only_files = true;
    } else if (!set_valued(o, a) && !set_flag(o, a)) {
      throw usage_error("no such option: " + a.name());
    }
  }
  if (o.inputs.empty()) o.inputs.emplace_back("-");
  if (o.follow && !o.help)
    for (const std::string& input : o.inputs)
      if (input == "-") throw usage_error("--follow wants files: standard input is read to its end as it is");
  return o;
}

}  // namespace last_active
