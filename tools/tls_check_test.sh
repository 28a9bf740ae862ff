#!/usr/bin/env bash
# No function of ours that may switch touches what is the thread's: in the archive as users link it, and in programs that were
# compiled with -O3 and linked with -flto, where anything may have been inlined into anything. And the check finds those that do.
set -euo pipefail
wrong=0
say() {
  echo "$*"
  wrong=$((wrong + 1))
}

# Run nothing that waits, though they call what could: the callbacks of a stop token must not, a signal handler does not,
# dump_on_signal() reads errno after a call that has failed, and the threads of blocking() are no workers.
innocent='^std::stop_token::_Stop_state_t::|^sluice::detail::stop_state::tell\('
innocent+='|^sluice::detail::\(anonymous namespace\)::on_request\(|^sluice::dump_on_signal\('
innocent+='|^sluice::detail::blocking_pool::(work|thread_main)\('
for code in libsluice.a tests/migrate_O3_test_program tests/migrate_lto_test_program; do
  echo "$code:"
  tools/tls_check.py --in 'sluice::' --except "$innocent" "$code" || say "$code: FAILED"
done

found=$(tools/tls_check.py --in 'sluice::mutants::' tools/libtls_mutants.a libsluice.a) && say "no mutant was found"
for mutant in $(grep -oE '\bkeeps_\w+' tools/tls_mutants.cc); do
  grep -qE "^sluice::mutants::$mutant\(" <<<"$found" || say "the mutant $mutant was not found in: $found"
done
if grep -E '^sluice::mutants::innocent' <<<"$found"; then say "that one is innocent"; fi
if tools/tls_check.py tools/libtls_mutants.a 2>&1; then say "a library without a switch is no library of ours"; fi
[ "$wrong" = 0 ]
