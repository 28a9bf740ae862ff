#!/bin/sh
# Builds the peer programs for tokio and crossbeam into the folder OUT and prints their paths, in that order; installs Debian's packages
# first if they are missing. Only those are used: no toolchain from elsewhere, and no network but apt's. Needs root only to install.
#
#   build_rust.sh OUT
set -eu

say() { printf '%s\n' "build_rust: $*" >&2; }

[ $# = 1 ] || { say "usage: build_rust.sh OUT"; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")/rust" && pwd)
registry=/usr/share/cargo/registry

has_all() {
  [ -x /usr/bin/cargo ] && [ -x /usr/bin/rustc ] || return 1
  for crate in aho-corasick crossbeam-channel futures-util libc regex tokio tokio-macros; do
    ls -d "$registry/$crate"-[0-9]* >/dev/null 2>&1 || return 1
  done
}

if ! has_all; then
  [ "$(id -u)" = 0 ] || { say "Rust or a library is missing, and installing it needs root"; exit 1; }
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >&2
  apt-get install -y -qq --no-install-recommends cargo rustc librust-crossbeam-channel-dev librust-futures-util-dev librust-libc-dev \
    librust-regex+default-dev librust-tokio-dev >&2
  has_all || { say "Debian's packages have not brought all of it"; exit 1; }
fi

# A copy, since cargo writes down which versions it has found beside the source.
rm -rf "$out/rust"
cp -R "$source" "$out/rust"
cd "$out/rust"
CARGO_HOME=$out/cargo CARGO_TARGET_DIR=$out/target RUSTC=/usr/bin/rustc /usr/bin/cargo build --release --offline --quiet \
  --config 'source.crates-io.replace-with="debian"' --config "source.debian.directory=\"$registry\"" >&2

for peer in tokio crossbeam; do
  cp "$out/target/release/$peer" "$out/${peer}_peer"
  "$out/${peer}_peer" -version >&2
  printf '%s\n' "$out/${peer}_peer"
done
