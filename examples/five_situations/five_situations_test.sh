#!/bin/bash
# five_situations_test.sh path/to/five_situations: what each program says; the order is a matter of the machine.
set -euo pipefail
out=$("$1")
fail() { echo "FAILED: $*"; echo "$out"; exit 1; }
[ "$(grep -v '^tick' <<< "$out" | sort)" = "any: body of b/page
callback: answer to why
completed: body of quick
completed: body of slow
completed: missing gave 404 missing
fast
fast
fast
heavy: 863731
heavy: a negative number" ] || fail "not the expected lines"
[ "$(grep -c '^tick: .* at 3$' <<< "$out")" = 1 ] || fail "three events, the last one written once"
echo "passed"
