#include "examples/last_active/options.h"

namespace last_active {

std::string_view help_text() noexcept {
  return R"(last_active - when was each user last active? From web-server logs into an SQLite table.

usage: last_active [OPTION]... [FILE]...

Reads access logs in the combined format (the default of nginx, 'combined' of Apache) from the files in their order, or
from standard input if there is none or a file is called -. The user of a line is the remote user; the address if the line
has no user. Keeps the newest time for each user, and once a tick, and at the end, writes the users seen since to

  user_last_active(user TEXT PRIMARY KEY, last_active INTEGER)      seconds since 1970 UTC
  user_last_active_utc                                              a view of it with readable times

in one transaction. A stored time is only ever replaced by a newer one: to read the same lines again is harmless, and a job
that was interrupted can just be run again.

Input
  -f, --follow         At the end of a file, wait for more, until a signal comes. Follows the name: a file that was moved
                       away (and is written to for a few more seconds) is read to its end, then the new one from its
                       start; one that was truncated is read from its start. A file that is not there yet is waited for.
      --errors FILE    Append each bad line to FILE: input, line number, what is wrong, the line; separated by tabs. The
                       order is not that of the input. Without this option, bad lines are only counted.
      --parsers N      Parse in N parallel stages. Default: one for each hardware thread.

Database
      --db FILE        Default: last_active.db. Made if it does not exist; other tables in it are left alone.
      --tick TIME      Write once in TIME: 250ms, 1.5s, 2m, 1h; a plain number means seconds. Default: 1s. While a write
                       takes longer, users collect for the next one.
      --retry TIME     When the database is locked or the disk is full, try again for up to TIME before giving up. Default:
                       30s. Meanwhile reading goes on until --max-pending users wait, then it pauses.
      --max-pending N  Default: 1000000 users.

Messages
      --progress       Show progress even if standard error is not a terminal (a line a second).
  -q, --quiet          No progress. Problems are always reported.
  -h, --help           This text.

One line on standard output sums up: lines, bad lines, user updates, batches, seconds.

SIGINT and SIGTERM end the job: no more is read, what was read is written. A second one ends it at once.

Exit status
  0  everything was read and written (with --follow: until the signal)
  1  something was not: an input that cannot be read, a database or error file that cannot be written; messages say what.
     If the database was given up, they say how many users' newest times are missing in it.
  2  the command line is wrong
  128 + signal: a signal ended the job before the end of the input; what was read is written
)";
}

}  // namespace last_active
