#!/bin/bash
# coroutines_test.sh path/to/coroutines: every number came through, and the display was touched by its thread only.
set -euo pipefail
out=$("$1")
[ "$out" = "1000 numbers, 1000 shown, 0 of them elsewhere, sum 333833500
cancelled" ] || { echo "FAILED, not the expected output:"; echo "$out"; exit 1; }
echo "passed"
