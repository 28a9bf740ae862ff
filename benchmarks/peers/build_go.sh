#!/bin/sh
# Builds the peer program for Go into the folder OUT and prints its path; install_go.sh finds the tool, or installs one. Flags that
# somebody has set for Go do not count, so the build is optimised.
#
#   build_go.sh OUT
set -eu

[ $# = 1 ] || { printf '%s\n' "usage: build_go.sh OUT" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
peers=$(cd "$(dirname "$0")" && pwd)
go=$("$peers/install_go.sh")

cd "$peers/go"
GOFLAGS=-mod=mod GOTOOLCHAIN=local GOCACHE=$out/go_cache "$go" build -o "$out/go_peer" . >&2
printf '%s\n' "$out/go_peer"
