#!/bin/bash
# scope_test.sh path/to/scope: what arrives and who gives up; and nobody does so after the call that started him is over.
set -euo pipefail
out=$("$1")
fail() { echo "FAILED: $*"; echo "$out"; exit 1; }
[ "$(grep -v 'gave up' <<< "$out")" = "all      a page of north
all      a page of south
all      a page of east
failure  south is down
race     a page of near
deadline an old page from the cache" ] || fail "not the expected pages"
# On a machine that is very busy, one may be stopped before it has begun: it says nothing then.
others=$(grep 'gave up' <<< "$out" | grep -vxE '(failure  gave up  north|race     gave up  far|deadline gave up  (far|farther))' || true)
[ -z "$others" ] || fail "these should not have given up: $others"
[ -z "$(uniq -d <<< "$out")" ] || fail "twice"
for call in failure race deadline; do
  [[ "$(grep "^$call" <<< "$out" | tail -n 1)" != *"gave up"* ]] || fail "$call: somebody outlived it"
done
echo "passed"
