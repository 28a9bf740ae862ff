#!/bin/bash
# Makes a large log of the recorded one: as many copies as it takes, each on another day, in another time zone, and two
# thirds of them with users and addresses of their own.
#
#   make_big_log.sh LINES > big.log
set -euo pipefail
lines=${1:?usage: make_big_log.sh LINES}
zcat "$(dirname "$0")/access.log.gz" | LC_ALL=C awk -v want="$lines" '
  {
    at = index($0, " [")                       # no user in this log has that in the name
    split(substr($0, 1, at - 1), field, " ")
    address[NR] = field[1]
    user[NR] = substr($0, length(field[1]) + 4, at - length(field[1]) - 4)
    clock[NR] = substr($0, at + 14, 8)         # 13:55:36
    tail[NR] = substr($0, at + 28)
  }
  END {
    split("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", month, " ")
    zones = split("+0000 -0330 +0530 -0800 +1245 +0000 -1100", zone, " ")
    for (k = 0; n < want; ++k) {
      suffix = k % 3 == 0 ? "" : "." (k % 101)
      day = sprintf(" [%02d/%s/%d:", 1 + k * 11 % 28, month[1 + k * 5 % 12], 2024 + k % 3)
      for (i = 1; i <= NR && n < want; ++i) {
        ++n
        print address[i] suffix " - " (user[i] == "-" ? "-" : user[i] suffix) day clock[i] " " zone[1 + k % zones] tail[i]
      }
    }
  }'
