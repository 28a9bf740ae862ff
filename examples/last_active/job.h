// job.h - the stages, connected:
//
//   reader ──chunks──▶ parser ×N ──events──▶ aggregator ──batches──▶ writer
//   (thread)           (fibers) ╲            (fiber: select over     (thread)
//                                ╲            event, tick, result) ◀──results──┘
//                                 ──bad lines──▶ error file (thread)
//
// Every channel is bounded, so a slow stage holds up those before it and memory stays bounded.
#pragma once

#include "examples/last_active/options.h"
#include "examples/last_active/reporter.h"

namespace last_active {

// Runs the whole job; returns the process's exit status (see help.cc). Throws std::exception for what stops it before it
// begins: an error file that cannot be opened, no threads.
int run_job(const options& o, reporter& tell);

}  // namespace last_active
