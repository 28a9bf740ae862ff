#!/bin/bash
# rpc_test.sh path/to/rpc: withdrawn requests are dropped, and the bicycle goes to those who wait.
set -euo pipefail
out=$("$1")
[ "$out" = "Ada rides number 7
Bob has waited for too long
Cyd takes the bus, line 5
Ada rides number 7
Ada rides number 7
1 bicycle in the shop at the end" ] || { echo "FAILED: not the expected lines"; echo "$out"; exit 1; }
echo "passed"
