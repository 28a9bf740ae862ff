#!/bin/bash
# price_feed_test.sh path/to/price_feed: each reader has seen what its kind of feed promises.
set -euo pipefail
out=$("$1")
[ "$out" = "audit    1000 prices, sum 499500, missed 0
display  1000 shown or missed, the last is 999
alarm    10 prices from 990 on
feed     sent 1000
board    999" ] || { echo "FAILED: not the expected output"; echo "$out"; exit 1; }
echo "passed"
