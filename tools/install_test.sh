#!/usr/bin/env bash
# What a user does: each acceptance program builds against an installed copy, with the command that the README gives, and runs.
set -euo pipefail
prefix=$TEST_TMPDIR/prefix
tools/install . libsluice.a "$prefix"
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
passed=0 failed=0
for program in tests/acceptance/*.cc; do
  name=$(basename "$program" .cc)
  # shellcheck disable=SC2046  # several words, as in the README
  if g++ -std=c++20 -Wall -Wextra -Werror "$program" -o "$TEST_TMPDIR/$name" $(pkg-config --cflags --libs sluice) &&
    "$TEST_TMPDIR/$name"; then
    passed=$((passed + 1))
  else
    echo "$name: FAILED"
    failed=$((failed + 1))
  fi
done
echo "$passed programs built and ran, $failed did not"
[ "$failed" = 0 ] && [ "$passed" -ge 4 ]
