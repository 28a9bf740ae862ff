// termination.h - std::terminate() told in words: which fiber it was, and where.
#pragma once

namespace sluice::detail {

// From now on, when a fiber calls std::terminate() (an exception has left something that is noexcept, or a destructor while
// another unwinds the stack), its name and its stack are printed before the handler that was there before is called.
// Process-wide; any number of calls.
void report_terminations() noexcept;

}  // namespace sluice::detail
