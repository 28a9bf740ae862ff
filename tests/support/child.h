// child.h - for what can only be seen from outside: a test starts its own program again, to run one named function, and
// looks at how that ended and at what it wrote.
//
//   CHILD_PROGRAM(overflows) { ... return 0; }
//   const test::ended e = test::start_child("overflows");
#pragma once

#include <string>
#include <string_view>

namespace test {

inline constexpr const char* child_variable = "SLUICE_TEST_CHILD";

struct ended {
  int status = 0;            // the exit status, or 128 + the signal that ended it
  std::string error_output;  // what it wrote to standard error
};

ended start_child(const std::string& name);

inline bool says(const ended& e, std::string_view what) { return e.error_output.find(what) != std::string::npos; }

int run_child(const std::string& name);
bool register_child(const char* name, int (*body)());

}  // namespace test

#define CHILD_PROGRAM(name)                                                                            \
  static int child_##name();                                                                           \
  [[maybe_unused]] static const bool child_##name##_known = test::register_child(#name, child_##name); \
  static int child_##name()
