// child_process.h - what another program makes of some text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::detail {

// Runs words[0], found in PATH, with `input` as its standard input, and returns its standard output; empty if it cannot be
// started. Its standard error is dropped. Blocks until it has ended.
std::string run_program(std::vector<std::string> words, std::string_view input);

}  // namespace sluice::detail
