#!/bin/bash
# trace_test.sh path/to/trace: the figures in the middle add up, and each fiber's times are there and plausible.
set -euo pipefail
out=$("$1")
fail() { echo "FAILED: $*"; echo "$out"; exit 1; }
grep -qx 'fibers: 4 spawned, [1-4] running, [0-3] ready, [0-3] waiting; [0-3] timers' <<< "$out" || fail "the fibers"
grep -qxE 'channel shelf: [0-2] of 2, [0-2] wait to receive, [01] to send' <<< "$out" || fail "the shelf"
# The baker works for 12 ms, whatever else goes on; the customers only wait.
awk '$1 == "baker" && $2 >= 12 { found = 1 } END { exit !found }' <<< "$out" || fail "the baker"
for customer in quick slow; do
  awk -v c="$customer" '$1 == c && $4 > 0 && $5 > 0 { found = 1 } END { exit !found }' <<< "$out" || fail "$customer"
done
[ "$(grep -c . <<< "$out")" = 7 ] || fail "not seven lines"
echo "passed"
