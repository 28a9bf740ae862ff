#!/usr/bin/env bash
# tools/gdb/sluice.py finds all fibers and their stacks, in a live program and in a core that the kernel wrote.
# usage: gdb_test.sh PROGRAM SCRIPT
# Where a program may not be traced, or cores do not end up in a file, that half cannot be tested; it is said then.
set -euo pipefail
program=$(readlink -f "$1") script=$(readlink -f "$2")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

[ -x "$program" ] || { echo "WRONG: there is no program $1"; exit 1; }
if ! command -v gdb >/dev/null; then
  echo "not tested: gdb is not installed (Debian package gdb)"
  exit 0
fi

commands=(-ex "source $script" -ex "fiber list" -ex 'echo \n' -ex "fiber all bt" -ex "fiber receiver bt 3"
  -ex "fiber 1.receiver info registers rip" -ex 'echo \nafterwards\n' -ex bt)
wrong=0

# shows NAME FIRST PATTERN: the paragraph of $output that has a line beginning with FIRST, as one line, has PATTERN.
shows() {
  if awk -v RS= -v first="(^|\n)$2" '$0 ~ first' "$output" | tr '\n' '~' | grep -qE "$3"; then return; fi
  echo "WRONG: $output: $1"
  wrong=1
}
check() {
  shows "the fibers are listed" "runtime 1:" "runtime 1:~ +fiber 'receiver' \(#[0-9]+\), parked~"
  shows "a fiber that runs has a thread" "runtime 1:" "fiber 'hog' \(#[0-9]+\), running on thread [0-9]+~"
  shows "a fiber that has not begun" "runtime 1:" "fiber 'fresh' \(#[0-9]+\), not begun~"
  shows "the stack of one that is parked" "fiber 'receiver'" "~#0 .*(gdb_test_receives .*){3}fiber_main[^~]*~$"
  shows "the stack of one that runs" "fiber 'hog'" "~#0 .*gdb_test_hogs .*fiber_main[^~]*~$"
  shows "the stack of the one that stopped" "fiber 'main'" "~#0 .*gdb_test_stops .*fiber_main[^~]*~$"
  shows "one has no stack yet" "fiber 'fresh'" "not begun~it has not begun"
  shows "one is found by its name" "rip " "~rip .*switch_to"
  shows "afterwards the thread is as before" "afterwards" "~#0 .*gdb_test_stops "
  if [ $wrong != 0 ]; then cat "$output"; fi
}

output=live
gdb -q -nx -batch -ex run "${commands[@]}" "$program" >live 2>&1 || true
if grep -q "received signal SIGABRT" live; then
  check
else
  echo "not tested: a live program; gdb could not run one here:"
  tail -n 3 live
fi

output=from_core
if ulimit -c unlimited 2>/dev/null && [[ $(cat /proc/sys/kernel/core_pattern) != [\|/]* ]]; then
  { "$program" >/dev/null 2>&1; } 2>/dev/null || true
fi
core=$(find . -name '*core*' ! -name from_core -size +0 -print -quit)
if [ -n "$core" ]; then
  gdb -q -nx -batch "${commands[@]}" "$program" "$core" >from_core 2>&1 || true
  check
else
  echo "not tested: a core; the kernel wrote none here (core_pattern is $(cat /proc/sys/kernel/core_pattern), limit $(ulimit -c))"
fi
exit $wrong
