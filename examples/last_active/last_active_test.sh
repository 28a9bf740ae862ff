#!/bin/bash
# The whole job on a log of a million lines and more, against an independent computation in awk; then everything that goes
# wrong in real life.
#
#   last_active_test.sh path/to/last_active
set -euo pipefail
# A hang must not look like a slow machine.
[ -n "${in_time-}" ] || in_time=yes exec timeout "${TEST_SECONDS:-240}" bash "$0" "$@"
export LC_ALL=C
# A second signal ends the job at once, its threads as well: for TSan that is a leak of threads.
export TSAN_OPTIONS="${TSAN_OPTIONS-} report_thread_leaks=0"
job=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
mounted=
cleanup() {
  # shellcheck disable=SC2046  # several process ids
  kill -KILL $(jobs -p) 2> /dev/null || true
  [ -z "$mounted" ] || umount "$dir/small" || true
  rm -rf "$dir"
}
trap cleanup EXIT
cd "$dir"

checks=0
say() { echo "${SECONDS}s: $*"; }
ok() { checks=$((checks + 1)); }
fail() {
  echo "FAILED: $*" >&2
  for f in out err; do [ ! -s $f ] || { echo "--- $f" && tail -n 5 $f; } >&2; done
  exit 1
}
same() { cmp -s "$1" "$2" && ok || { { diff "$1" "$2" || true; } | head -n 5 >&2 || true; fail "$3"; }; }
equal() { [ "$1" = "$2" ] && ok || fail "$3: '$1', expected '$2'"; }
says() { grep -qsF -- "$2" "$1" && ok || fail "'$2' is missing in $1"; }
# until_true SECONDS COMMAND...: waits for something that another process does.
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ $SECONDS -lt $end ] || fail "waited in vain for: $*"
    sleep 0.05
  done
}
# run COMMAND...: its status in $status, what it says in out and err.
run() {
  status=0
  "$@" > out 2> err || status=$?
}
# start COMMAND...: in the background, as $pid; its standard input is empty.
start() {
  rm -f out err  # what an earlier command said must not be taken for this one's
  "$@" > out 2> err < /dev/null &
  pid=$!
}
# ended: waits for it; its status in $status.
ended() {
  status=0
  wait $pid 2> /dev/null || status=$?
}
table() { sqlite3 -cmd '.timeout 5000' "$1" 'SELECT user, last_active FROM user_last_active' | sort; }

# The independent computation: "user|seconds" for each user, sorted; fields by pattern, time by the C library.
expected() {
  TZ=UTC awk '
    BEGIN { split("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", m, " "); for (i in m) month[m[i]] = i }
    !/^[^ ]+ [^ ]+ .* \[[0-9][0-9]\/[A-Z][a-z][a-z]\/[0-9][0-9][0-9][0-9]:[0-9:]+ [-+][0-9][0-9][0-9][0-9]\] "[^"]*" [0-9][0-9][0-9] [0-9]+ "[^"]*" "[^"]*"$/ { next }
    {
      match($0, / \[[0-9][0-9]\/[A-Z]/)
      t = substr($0, RSTART + 2, 26)
      user = substr($0, length($1) + length($2) + 3, RSTART - length($1) - length($2) - 3)
      if (user == "-") user = $1
      if (!(t in at)) {
        if (!(substr(t, 4, 3) in month)) next
        zone = (substr(t, 23, 2) * 60 + substr(t, 25, 2)) * 60 * (substr(t, 22, 1) == "-" ? -1 : 1)
        at[t] = mktime(substr(t, 8, 4) " " month[substr(t, 4, 3)] " " substr(t, 1, 2) " " substr(t, 13, 2) " " \
                       substr(t, 16, 2) " " substr(t, 19, 2)) - zone
      }
      if (!(user in newest) || at[t] > newest[user]) newest[user] = at[t]
    }
    END { for (user in newest) printf "%s|%d\n", user, newest[user] }' "$@" | sort
}

zcat "$here/data/access.log.gz" > sample.log
expected sample.log > sample.expected
users=$(wc -l < sample.expected)
"$here/data/make_big_log.sh" 1000000 | awk '
  NR % 100000 == 5 { print "garbage " NR }
  NR % 250000 == 7 { print substr($0, 1, length($0) / 2) }
  { print }
  NR == 3 { print "" ; print "h - u [10/Foo/2000:13:55:36 -0700] \"GET /\" 200 1 \"-\" \"-\"" }' > big.log
lines=$(wc -l < big.log)
expected big.log > big.expected
[ "$lines" -ge 1000000 ] && [ "$(wc -l < big.expected)" -gt 10000 ] && ok || fail "the test's own log is too small"

say "a million lines, bad ones among them"
run "$job" --db a.db --errors bad --tick 50ms big.log
equal $status 0 "status"
table a.db > got
same got big.expected "the table differs from the independent computation"
equal "$(wc -c < err)" 0 "bytes on a standard error that is no terminal"
says out "$lines lines, 16 bad;"
grep -nvE '^[^ ]+ [^ ]+ .* \[[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:.*\] "[^"]*" [0-9]{3} [0-9]+ "[^"]*" "[^"]*"$' big.log > bad.expected
grep -n '/Foo/' big.log >> bad.expected
awk -F '\t' '{ print $2 ":" $4 }' bad | sort > bad.got
sort bad.expected -o bad.expected
same bad.got bad.expected "the error file does not have the bad lines with their numbers"
equal "$(cut -f 1 bad | uniq)" big.log "input named in the error file"

say "the same from standard input, and again into the same database"
run "$job" --db a.db - < big.log
equal $status 0 "status"
table a.db > got
same got big.expected "the table changed when the same lines came again"

say "interrupted: what was read is written, nothing else; run again: all is there"
head -n 400000 big.log > half.log
expected half.log > half.expected
mkfifo pipe
start "$job" --db b.db --tick 1h --progress pipe
exec 3<> pipe  # does not wait for a reader
cat half.log >&3
until_true 20 grep -qs '^400,000 lines' err
kill -TERM $pid
ended
exec 3>&-
equal $status 143 "status after SIGTERM"
says err "stopped by a signal"
table b.db > got
same got half.expected "after SIGTERM the table is not that of the lines read"
for round in 1 2 3 4 5 6; do # in full flow: what is missing in the pipe afterwards was read
  rm -f b.db
  exec 3<> pipe
  start "$job" --db b.db pipe
  cat half.log > pipe &
  writer=$!
  sleep 0.0$round
  kill -TERM $pid
  ended
  exec 5< pipe
  exec 3>&-
  cat <&5 > rest
  exec 5<&-
  wait $writer
  read_lines=$(head -c $(($(wc -c < half.log) - $(wc -c < rest))) half.log | wc -l)
  head -n "$read_lines" half.log > read.log
  expected read.log > read.expected
  table b.db > got 2> /dev/null || true
  same got read.expected "after SIGTERM in full flow the table is not that of the $read_lines lines read"
done
interrupted=0
for delay in 0.02 0.05 0.1 0.2; do
  for signal in INT TERM KILL; do
    start "$job" --db "c$signal.db" --tick 20ms --parsers 2 big.log
    sleep $delay
    kill -$signal $pid 2> /dev/null || true
    ended
    [ $status = 0 ] || interrupted=$((interrupted + 1))
  done
done
[ $interrupted -ge 3 ] && ok || fail "only $interrupted of 12 runs were interrupted half-way"
for signal in INT TERM KILL; do
  run "$job" --db "c$signal.db" big.log
  equal $status 0 "status"
  table "c$signal.db" > got
  same got big.expected "after SIG$signal and another run the table is wrong"
done

say "a locked database"
"$job" --db d.db /dev/null > out
exec 4> >(exec sqlite3 d.db > /dev/null)
locker=$!
# With a timeout of its own: is_locked takes the lock for a moment.
lock() { printf '.timeout 20000\nBEGIN EXCLUSIVE;\n' >&4; until_true 20 is_locked; }
is_locked() { ! sqlite3 d.db 'BEGIN EXCLUSIVE; ROLLBACK;' 2> /dev/null; }
lock
run "$job" --db d.db --retry 700ms sample.log
equal $status 1 "status when the lock is never released"
says err "database is locked: trying again"
says err "not written: the newest times of $users users"
start "$job" --db d.db --retry 50s sample.log
until_true 20 grep -qs 'trying again' err
kill -0 $pid && ok || fail "the job did not wait for the lock"
echo 'ROLLBACK;' >&4
ended
equal $status 0 "status when the lock is released"
says err "written after"
table d.db > got
same got sample.expected "the table is wrong after a lock was released"
lock
start "$job" --db d.db --retry 10m sample.log
until_true 20 grep -qs 'trying again' err
start=$SECONDS
kill -TERM $pid
sleep 0.3
kill -0 $pid && ok || fail "the first signal did not leave time for retries"
kill -TERM $pid
ended
equal $status 143 "status after the second signal"
[ $((SECONDS - start)) -le 20 ] && ok || fail "a second signal did not end the job at once"
exec 4>&-
wait $locker 2> /dev/null || true

say "a full disk"
status=0
# (TSan maps a file that it makes in TMPDIR, if it can, and the limit would cut that short.)
(ulimit -f 64; TMPDIR=/no/such exec "$job" --db e.db --retry 300ms --tick 10ms big.log) > out 2> err || status=$?
equal $status 1 "status when the file may not grow"
says err "not written: the newest times of"
run "$job" --db e.db big.log
equal $status 0 "status with room again"
table e.db > got
same got big.expected "the table is wrong after the disk was full"
mkdir small
if mount -t tmpfs -o size=4m none small 2> /dev/null; then
  mounted=yes
  head -c 5000000 /dev/zero > small/filler 2> /dev/null || true
  run "$job" --db small/f.db --retry 300ms sample.log
  equal $status 1 "status when the disk is full"
  says err "database or disk is full"
  says err "not written: the newest times of $users users"
  start "$job" --db small/f.db --retry 50s sample.log
  until_true 20 grep -qs 'database or disk is full: trying again' err
  rm small/filler
  ended
  equal $status 0 "status when room was made"
  table small/f.db > got
  same got sample.expected "the table is wrong after room was made"
else
  echo "  (no right to mount a small disk: only the file-size limit was tried)"
fi

say "following a file that grows, moves away and is truncated"
split -n l/6 -d sample.log part
rows() { sqlite3 -cmd '.timeout 5000' g.db 'SELECT count(*) FROM user_last_active' 2> /dev/null || echo 0; }
# seen PARTS...: the table is that of these parts
seen() { expected "$@" > want; table g.db > got 2> /dev/null || true; cmp -s want got; }
start "$job" --db g.db --tick 50ms --follow grow.log
until_true 20 grep -qs 'waiting for it' err
cat part00 > grow.log
until_true 10 seen part00
head -c 40000 part01 >> grow.log # ends within a line
sleep 0.3
tail -c +40001 part01 >> grow.log
until_true 10 seen part00 part01
mv grow.log grow.log.1
cat part03 > grow.log
until_true 10 seen part00 part01 part03
cat part02 >> grow.log.1 # the server has noticed late
until_true 10 seen part00 part01 part02 part03
: > grow.log
sleep 0.4
cat part04 part05 >> grow.log
until_true 10 seen sample.log
kill -TERM $pid
ended
equal $status 0 "status of a followed job after SIGTERM"
says err "truncated"
says out "$(wc -l < sample.log) lines, 0 bad;"

say "inputs, outputs and options that cannot be"
run "$job" --db h.db no_such.log sample.log "$dir"
equal $status 1 "status with an unreadable input"
says err "cannot read no_such.log: No such file or directory"
says err "cannot read $dir: Is a directory"
table h.db > got
same got sample.expected "the readable inputs were not all read"
run "$job" --db no/such/h.db sample.log
equal $status 1 "status with an impossible database"
says err "no/such/h.db: unable to open database file"
echo garbage | run "$job" --db h.db --errors /dev/full
equal $status 1 "status when bad lines cannot be kept"
says err "cannot write /dev/full: No space left on device"
run "$job" --db h.db --errors sample.log sample.log
equal $status 2 "status when the error file is an input"
run "$job" --tick never sample.log
equal $status 2 "status with a bad option"
says err "--tick: 'never' is not a duration"
run "$job" --help
equal $status 0 "status of --help"
equal "$(wc -c < err)" 0 "bytes on standard error with --help"
run "$job" --db i.db - < /dev/null
equal $status 0 "status with an empty input"
equal "$(table i.db)" "" "table of an empty input"

if command -v script > /dev/null; then
  say "progress on a terminal"
  { cat sample.log; sleep 1; cat sample.log; } > pipe &
  script -qec "'$job' --db j.db pipe" /dev/null > out < /dev/null || fail "status on a terminal"
  says out "16,973 lines"
  says out "827 users waiting"
  says out "33946 lines, 0 bad"
fi
echo "$checks checks passed"
