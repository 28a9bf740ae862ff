// forked.h - a child process that fork() made of one with threads: of these, only the one that called fork() is there.
//
// Whoever waits there for one of the others waits for ever. That is an error that can be told, and not only by a hang: when
// the only thread of the process goes to sleep without a time limit, nobody is left who could wake it.
#pragma once

#include <atomic>

namespace sluice::detail {

inline std::atomic<bool> is_forked_child{false};

// Ends the program in words: something that a child process must not do with what fork() left behind.
[[noreturn]] void end_forked_child(const char* what) noexcept;

// To be called by a thread that is about to sleep until another wakes it. Ends the program if there is no other.
void end_if_left_alone() noexcept;

}  // namespace sluice::detail
