// last_active - when was each user last active? Many small events, one write a tick. See help.cc, and job.h for the design.
#include "examples/last_active/job.h"
#include "examples/last_active/options.h"
#include "examples/last_active/reporter.h"

#include <signal.h>

#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
  last_active::reporter tell;
  try {
    const auto o = last_active::parse_options(std::vector<std::string>(argv + 1, argv + argc));
    if (o.help) {
      std::fputs(last_active::help_text().data(), stdout);
      return 0;
    }
    // Both become errors of write(2), which are reported like any other.
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGXFSZ, SIG_IGN);
    return last_active::run_job(o, tell);
  } catch (const last_active::usage_error& e) {
    tell.say(e.what());
    tell.say("--help explains all options");
    return 2;
  } catch (const std::exception& e) {
    tell.say(e.what());
    return 1;
  }
}
