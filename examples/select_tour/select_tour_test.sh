#!/bin/bash
# select_tour_test.sh path/to/select_tour: every kind of event was seen, in the order in which the tour makes them happen.
set -euo pipefail
out=$("$1")
fail() { echo "FAILED: $*"; echo "$out"; exit 1; }
[ "$(grep -v '^every' <<< "$out")" = "send    accepted
recv    a message
done    42
recv    closed and drained
at      the end
on      a letter
default
range   case 1 gave 7" ] || fail "not the expected events"
# 250 ms, a tick each 50 ms; the last may lose against the end
ticks=$(awk '/^every/ { n += 1 + $2 } END { print n + 0 }' <<< "$out")
{ [ "$ticks" -ge 4 ] && [ "$ticks" -le 5 ]; } || fail "$ticks ticks, missed ones included"
echo "passed"
