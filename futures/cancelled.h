// cancelled.h - what a wait throws in a fiber that was told to stop, or is out of time.
#pragma once

#include <exception>

namespace sluice {

// Thrown by a wait that would block, in a fiber whose future was cancelled (once; requests not yet delivered count as one)
// or whose runtime is shutting down (by every such wait). A wait that needs no blocking, or has already won, is never
// undone.
class cancelled : public std::exception {
 public:
  const char* what() const noexcept override { return "sluice: the fiber was cancelled while it waited"; }
};

// Thrown by a wait that would block beyond the deadline of the party that waits (see with_deadline), again and again.
class deadline_exceeded : public cancelled {
 public:
  const char* what() const noexcept override { return "sluice: the deadline passed while the fiber waited"; }
};

}  // namespace sluice
