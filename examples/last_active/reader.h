// reader.h - the first stage: all inputs, cut into chunks, into a channel. On a thread of its own, since reading blocks.
#pragma once

#include "examples/last_active/chunk.h"
#include "examples/last_active/interrupt.h"
#include "examples/last_active/options.h"
#include "examples/last_active/reporter.h"

#include <sluice/channels/channel.h>

#include <string>
#include <system_error>

namespace last_active {

struct read_result {
  bool failed = false;      // an input could not be read; it was reported
  bool unfinished = false;  // stopped before the end of the inputs
};

// Reads the inputs one after the other. One that cannot be read is reported; the others are read all the same.
read_result read_inputs(const options& o, const sluice::channel<chunk>& out, const interrupt& stop, reporter& tell);

// Reads the inputs and what is added to them, until `stop` is requested. See help.cc for what following means.
read_result follow_inputs(const options& o, const sluice::channel<chunk>& out, const interrupt& stop, reporter& tell);

// For messages: "access.log: No such file or directory" from a system_error made with the input's name.
std::string why_not(std::string_view name, const std::system_error& e);

}  // namespace last_active
