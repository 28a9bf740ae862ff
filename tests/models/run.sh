#!/bin/sh
# Checks the models of the waiting protocol with spin: every configuration must hold, every mutant must be caught.
#   tests/models/run.sh [--full] [pattern]     pattern: only lines that contain it; --full: larger configurations too
# One line for each run, "N passed, N failed" at the end; exit status 0 if none failed. Needs spin and gcc.
#
# A line of the tables below: model | safe or live | flags [| mutants that must die in this configuration]
#   safe  assertions and invalid end states          live  non-progress cycles, under weak fairness
# A configuration is run without mutants first; the mutants follow, one run each. To see how one dies (see also mutant.pml):
#   spin -a -DMUT=3 FLAGS MODEL.pml && gcc -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -m400000 && spin -t -p -g -DMUT=3 FLAGS MODEL.pml
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
optimize=-O0  # building a verifier takes longer than running it, unless the configuration is large

# build MODEL KIND FLAGS: the verifier of one configuration.
build() {
  case $2 in safe) build=-DSAFETY ;; live) build="-DNP -DNFAIR=3" ;; esac
  rm -f pan*
  # shellcheck disable=SC2086
  if ! spin -a $3 "$here/$1.pml" >log 2>&1 ||
    ! gcc $optimize -w $build -DCOLLAPSE -DMEMLIM=3800 -DVECTORSZ=2048 -o pan pan.c >>log 2>&1; then
    echo "FAIL  $1 $2 $3: cannot be built"
    sed 's/^/      /' log
    failed=$((failed + 1))
    return 1
  fi
}

# check LINE KIND MUTANT WANT: one run of the verifier; WANT is holds or dies. The mutant is for verifiers that serve all.
check() {
  case $2 in safe) run= ;; live) run="-l -f" ;; esac
  rm -f ./*.trail
  # shellcheck disable=SC2086
  MUT=$3 ./pan $run -m400000 -w22 >log 2>&1
  status=$?
  states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' log)
  found=$(sed -n 's/^pan:[0-9]*: //p' log | head -n 1)
  verdict=unfinished
  if grep -q 'errors: 0' log && ! grep -Eq 'max search depth too small|out of memory|reached -DMEMLIM' log; then verdict=holds; fi
  if grep -q 'errors: 1' log; then verdict=dies; fi
  if [ $verdict = "$4" ]; then
    passed=$((passed + 1))
    [ $verdict = holds ] && echo "ok    $1: holds, $states states" || echo "ok    $1: dies, $found"
  else
    failed=$((failed + 1))
    echo "FAIL  $1: $verdict instead of $4, $states states $found (status $status)"
  fi
}

# each: reads lines of a table from standard input.
each() {
  while IFS='|' read -r model kind flags mutants; do
    model=$(echo $model) kind=$(echo $kind) flags=$(echo $flags)
    case "$model $kind $flags $mutants" in *"$pattern"*) ;; *) continue ;; esac
    [ -n "$model" ] && build "$model" "$kind" "$flags" || continue
    check "$model $kind $flags" "$kind" 0 holds
    grep -q mutant.pml "$here/$model.pml" && one_serves_all=1 || one_serves_all=0
    for m in ${mutants:-}; do
      [ $one_serves_all -eq 1 ] || build "$model" "$kind" "$flags -DMUT=$m" || continue
      check "$model $kind $flags -DMUT=$m" "$kind" "$m" dies
    done
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
set | safe | -DCFG=1 | 5 7 10 12
set | safe | -DCFG=1 -DFINE=1
set | safe | -DCFG=2 | 8 15
set | safe | -DCFG=3
set | safe | -DCFG=5 | 6
set | safe | -DCFG=6 | 13 17
set | safe | -DCFG=7 | 9 13
set | safe | -DCFG=7 -DPOLL=1 | 13
set | safe | -DCFG=8
set | safe | -DCFG=9
set | safe | -DCFG=11 | 14
set | safe | -DCFG=12
set | safe | -DCFG=13 | 4
set | safe | -DCFG=14 | 16 22
set | safe | -DCFG=16 | 1 2 3 9
set | safe | -DCFG=17 | 19 20 21
set | live | -DCFG=1 | 3 11
snapshot | safe | -DSTALE=1
snapshot | safe | -DPUSHY=1 | 1 2 4 5 6 7 8
snapshot | safe | -DNCH=3 -DPUSHY=1
snapshot | safe | -DNMOVERS=2 -DSTEPS=2 -DSTALE=1 | 3
snapshot | live | -DSTALE=1 | 9
TABLE
optimize=-O1
[ $full -eq 0 ] || each <<'TABLE'
select | safe | -DCFG=3
select | safe | -DCFG=4
select | safe | -DCFG=14
select | safe | -DCFG=15
set | safe | -DCFG=4
set | safe | -DCFG=10
set | safe | -DCFG=15 | 18
set | safe | -DCFG=16 -DPOLL=1
set | safe | -DCFG=17 -DFINE=1
set | live | -DCFG=4
set | live | -DCFG=5
set | live | -DCFG=14
TABLE

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
