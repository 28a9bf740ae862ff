#!/usr/bin/env bash
# Shows that the build itself enforces the floors: an include of a floor above does not compile, and neither does the
# dependency that would make it compile. Works on a copy of the tree, with a Bazel of its own; takes about half a minute.
set -euo pipefail
cd "$(dirname "$0")/.."
copy=$(mktemp -d)
bazel() { command bazel --output_base="$copy/.output" "$@"; }
trap '(cd "$copy/tree" && bazel shutdown) >/dev/null 2>&1 || true; chmod -R u+w "$copy"; rm -rf "$copy"' EXIT
mkdir "$copy/tree"
cp -r WORKSPACE BUILD.bazel .bazelrc .bazelignore .clang-format VERSION dev sluice.h sluice.pc.in build_defs tools \
  base futures channels select sync timers events coroutines runtime "$copy/tree"
cd "$copy/tree"

wrong=0
# builds TARGET EXPECTED: EXPECTED is "yes", or what the refusal must say.
builds() {
  local what=$1 target=$2 expected=$3 output
  if output=$(bazel build --symlink_prefix=/ "$target" 2>&1); then
    if [ "$expected" = yes ]; then echo "ok: $what"; else echo "WRONG, it builds: $what"; wrong=1; fi
  elif [ "$expected" != yes ] && grep -qE "$expected" <<<"$output"; then
    echo "ok: $what"
  else
    echo "WRONG, refused for another reason: $what"
    printf '%s\n' "$output" | tail -n 20
    wrong=1
  fi
}
upward() {  # FILE HEADER
  cp "$1" "$1.kept"
  sed -i "1i #include <sluice/$2>" "$1"
  builds "$1 including <sluice/$2> is refused" "//$(dirname "$1")" "sluice/$2: No such file"
  mv "$1.kept" "$1"
}
depends() {  # FLOOR OTHER
  cp "$1/BUILD.bazel" BUILD.kept
  if grep -q 'deps = \[' "$1/BUILD.bazel"; then
    sed -i "s|deps = \[|deps = [\"//$2\", |" "$1/BUILD.bazel"
  else
    sed -i "s|^floor(|floor(deps = [\"//$2\"], |" "$1/BUILD.bazel"
  fi
  builds "$1 depending on $2 is refused" "//$1" "is not visible from target|cycle in dependency graph"
  mv BUILD.kept "$1/BUILD.bazel"
}

builds "the tree as it is builds" //futures yes
upward futures/wait.cc channels/channel.h
upward futures/wait.cc runtime/runtime.h
upward timers/wheel.cc select/select.h
upward select/select_set.cc coroutines/task.h
depends base futures
depends channels select
depends select channels
depends sync timers
depends timers runtime
depends coroutines runtime
depends coroutines channels
depends futures channels
exit $wrong
