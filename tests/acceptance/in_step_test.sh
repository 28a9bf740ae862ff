#!/usr/bin/env bash
# The acceptance programs are the contract, kept outside of this repository: where that is at hand, ours must be the same.
set -euo pipefail
here=$(dirname "$(readlink -f tests/acceptance/check.h)")
contract=$here/../../../shared/acceptance
count=0
for ours in tests/acceptance/*.cc tests/acceptance/check.h; do
  [ -s "$ours" ] || { echo "$ours is empty"; exit 1; }
  count=$((count + 1))
  if [ -d "$contract" ]; then cmp "$ours" "$contract/$(basename "$ours")"; fi
done
[ "$count" -ge 5 ] || { echo "only $count files"; exit 1; }
if [ -d "$contract" ]; then echo "the same as the contract"; else echo "no contract at hand to compare with"; fi
