#!/bin/bash
# work_pool_test.sh path/to/work_pool: all jobs are done, never more at once than allowed, and none begins after the find.
set -euo pipefail
program=$1
fail() { echo "FAILED: $*"; exit 1; }
out=$("$program" 4 50)
[[ $out =~ ^started\ 50,\ done\ 50,\ at\ most\ ([0-9]+)\ at\ once$ ]] || fail "$out"
[ "${BASH_REMATCH[1]}" -le 4 ] || fail "$out"
[ "$("$program" 1 20)" = "started 20, done 20, at most 1 at once" ] || fail "one at a time"
out=$("$program" 3 100000 10)
[[ $out =~ ^started\ ([0-9]+),\ done\ ([0-9]+),\ at\ most\ [123]\ at\ once$ ]] || fail "$out"
{ [ "${BASH_REMATCH[1]}" -ge 11 ] && [ "${BASH_REMATCH[1]}" -lt 100000 ]; } || fail "it did not stop: $out"
[ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]}" ] || fail "what was started was not waited for: $out"
echo "passed"
