#!/bin/bash
# pipeline_test.sh path/to/pipeline: many files, counted again with the usual tools; a file that is not there.
set -euo pipefail
export LC_ALL=C
program=$(realpath "$1")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
fail() { echo "FAILED: $*" >&2; exit 1; }

awk 'BEGIN { srand(4); for (f = 0; f < 200; ++f) for (i = 0; i < 500; ++i)
  printf "%s%s", (rand() < 0.5 ? "Word" : "word") int(80 * rand() * rand()), (i % 9 ? " " : ",\n") > ("text" f) }'
cat text* | tr 'A-Z' 'a-z' | tr -cs 'a-z0-9' '\n' | grep . | sort | uniq -c |
  awk '{ printf "%8d %s\n", $1, $2 }' | sort -k1,1nr -k2,2 | head -n 12 > expected
[ "$(wc -l < expected)" = 12 ] || fail "the test's own count is too short"

"$program" -n 12 text* > got 2> err || fail "status"
diff expected got || fail "the counts differ"
[ ! -s err ] || fail "it said something"

status=0
"$program" -n 12 text* no_such_file . > got 2> err || status=$?
[ $status = 1 ] || fail "status with a missing file: $status"
diff expected got || fail "the counts of the other files differ"
grep -q 'no_such_file: No such file or directory' err && grep -q '\.: Is a directory' err || fail "not reported"
status=0
"$program" -n none text1 2> err || status=$?
{ [ $status = 2 ] && grep -q "'none' is not" err; } || fail "bad option"
echo "passed"
