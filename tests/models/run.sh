#!/bin/sh
# Checks the models of the waiting protocol with spin: every configuration must hold, every mutant must be caught.
#   tests/models/run.sh [--full] [pattern]     pattern: only lines that contain it; --full: larger configurations too
# One line for each run, "N passed, N failed" at the end; exit status 0 if none failed. Needs spin and gcc.
#
# A line of the tables below: model | safe or live | flags [| mutants that must die in this configuration]
#   safe  assertions and invalid end states          live  non-progress cycles, under weak fairness
# A configuration is run without mutants first; the mutants follow, one run each.
set -u
here=$(cd "$(dirname "$0")" && pwd)
full=0
pattern=
for a; do case $a in --full) full=1 ;; *) pattern=$a ;; esac; done
for tool in spin gcc; do
  command -v "$tool" >/dev/null || { echo "run.sh: needs $tool" >&2; exit 2; }
done
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
cd "$work" || exit 2
passed=0
failed=0

# check MODEL KIND FLAGS WANT: builds and runs one verifier; WANT is holds or dies.
check() {
  line="$1 $2 $3"
  case $line in *"$pattern"*) ;; *) return ;; esac
  optimize=-O0  # building the verifier takes longer than running it, unless the configuration is large
  [ $full -eq 0 ] || optimize=-O1
  case $2 in safe) build=-DSAFETY run= ;; live) build="-DNP -DNFAIR=3" run="-l -f" ;; esac
  rm -f pan* ./*.trail
  # shellcheck disable=SC2086
  if ! spin -a $3 "$here/$1.pml" >log 2>&1 ||
    ! gcc $optimize -w $build -DCOLLAPSE -DMEMLIM=3800 -DVECTORSZ=2048 -o pan pan.c >>log 2>&1; then
    echo "FAIL  $line: cannot be built"
    sed 's/^/      /' log
    failed=$((failed + 1))
    return
  fi
  # shellcheck disable=SC2086
  ./pan $run -m400000 -w22 >log 2>&1
  status=$?
  states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' log)
  found=$(sed -n 's/^pan:[0-9]*: //p' log | head -n 1)
  verdict=unfinished
  if grep -q 'errors: 0' log && ! grep -Eq 'max search depth too small|out of memory|reached -DMEMLIM' log; then verdict=holds; fi
  if grep -q 'errors: 1' log; then verdict=dies; fi
  if [ $verdict = "$4" ]; then
    passed=$((passed + 1))
    [ $verdict = holds ] && echo "ok    $line: holds, $states states" || echo "ok    $line: dies, $found"
  else
    failed=$((failed + 1))
    echo "FAIL  $line: $verdict instead of $4, $states states $found (status $status)"
  fi
}

# each: reads lines of a table from standard input.
each() {
  while IFS='|' read -r model kind flags mutants; do
    model=$(echo $model) kind=$(echo $kind) flags=$(echo $flags)
    [ -n "$model" ] || continue
    check "$model" "$kind" "$flags" holds
    for m in ${mutants:-}; do check "$model" "$kind" "$flags -DMUT=$m" dies; done
  done
}

each <<'TABLE'
park | safe | -DFIRES=2 -DVISIT=1 | 1 2 3 4 5 6 12 15 16 17 19
park | safe | -DNS=1 -DCANCELS=1 -DVISIT=1 | 7 8 9 10 11 13
park | safe | -DNS=2 -DCANCELS=1
park | safe | -DNS=1 -DCANCELS=2
park | safe | -DNS=1 -DCANCELS=2 -DRACING=1
park | safe | -DNS=1 -DFIRES=2 -DCANCELS=1 -DSHIELD=1 | 18
park | safe | -DNS=1 -DCANCELS=1 -DSHUT=1 -DSHIELD=1 | 14 18
park | safe | -DTHREAD=1 -DFIRES=2 -DVISIT=1 | 3 5
park | safe | -DTHREAD=1 -DCANCELS=1 | 7
park | safe | -DNWORK=3 -DNS=1 -DFIRES=2 -DVISIT=1 -DCANCELS=1
park | live | -DNS=1 -DCANCELS=1 -DVISIT=1
select | safe | -DCFG=1 | 1 2 3 4 8 9 19
select | safe | -DCFG=2 | 7 22
select | safe | -DCFG=1 -DPOLL=1
select | safe | -DCFG=5
select | safe | -DCFG=5 -DPOLL=1
select | safe | -DCFG=6
select | safe | -DCFG=7 | 5 6 11 12 17 18 20
select | safe | -DCFG=8 | 13 14 15
select | safe | -DCFG=9 | 10 16
select | safe | -DCFG=10
select | safe | -DCFG=11
select | safe | -DCFG=12
select | safe | -DCFG=13 | 21
select | live | -DCFG=1 | 23
select | live | -DCFG=2
select | live | -DCFG=6
select | live | -DCFG=9
snapshot | safe | -DSTALE=1
snapshot | safe | -DPUSHY=1 | 1 2 4 5 6 7 8
snapshot | safe | -DNCH=3 -DPUSHY=1
snapshot | safe | -DNMOVERS=2 -DSTEPS=2 -DSTALE=1 | 3
snapshot | live | -DSTALE=1 | 9
TABLE
[ $full -eq 0 ] || each <<'TABLE'
select | safe | -DCFG=3
select | safe | -DCFG=4
select | safe | -DCFG=14
select | safe | -DCFG=15
TABLE

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
