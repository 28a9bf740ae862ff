#!/bin/sh
# Builds the peer program for Boost.Fiber into the folder OUT and prints its path; installs Debian's package first if there is none
# (1.81 where it is packaged, else the default). Needs root only to install.
#
#   build_boost.sh OUT
set -eu

say() { printf '%s\n' "build_boost: $*" >&2; }

[ $# = 1 ] || { say "usage: build_boost.sh OUT"; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")/boost" && pwd)

has_boost() { [ -e /usr/include/boost/fiber/all.hpp ] && [ -e /usr/include/boost/pool/pool.hpp ]; }

if ! has_boost; then
  [ "$(id -u)" = 0 ] || { say "no Boost.Fiber here, and installing it needs root"; exit 1; }
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >&2
  package=libboost-fiber1.81-dev
  apt-cache show "$package" >/dev/null 2>&1 || package=libboost-fiber-dev
  apt-get install -y -qq --no-install-recommends "$package" >&2
  has_boost || { say "$package has brought no Boost.Fiber"; exit 1; }
fi

# Linked statically: a call into the library need not go through a table.
g++ -std=c++20 -O3 -DNDEBUG -Wall -Wextra -Werror -pthread -o "$out/boost_peer" "$source"/*.cc -l:libboost_fiber.a -l:libboost_context.a >&2
"$out/boost_peer" -version >&2
printf '%s\n' "$out/boost_peer"
