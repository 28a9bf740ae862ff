#!/bin/sh
# Prints the path of a Go tool, installing one first if there is none: 1.23 from Debian's backports, else whatever Debian has.
#
# The archive to ask is read from the machine's own apt configuration, so that a mirror stays a mirror. Needs root only to install.
set -eu

say() { printf '%s\n' "install_go: $*" >&2; }

found() {
  for go in /usr/lib/go-1.23/bin/go "$(command -v go || true)" /usr/lib/go/bin/go; do
    if [ -n "$go" ] && [ -x "$go" ]; then
      printf '%s\n' "$go"
      exit 0
    fi
  done
}

# The first archive that apt is configured with, in either of its two formats, and the key it is signed with.
archive() {
  cat /etc/apt/sources.list.d/*.sources 2>/dev/null | sed -n 's/^URIs:[[:space:]]*\([^[:space:]]*\).*/\1/p' | grep -v security | head -n 1
  sed -n 's/^deb[[:space:]]\{1,\}\(\[[^]]*\][[:space:]]*\)\{0,1\}\([^[:space:]]*\).*/\2/p' \
    /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | grep -v security | head -n 1
}

list=/etc/apt/sources.list.d/sluice-backports.sources

add_backports() {
  ! apt-cache show golang-1.23-go >/dev/null 2>&1 || return 0 # some source has it already
  # shellcheck disable=SC1091
  release=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
  uri=$(archive | head -n 1)
  [ -n "$release" ] && [ -n "$uri" ] || return 1
  say "adding $release-backports to apt's sources ($list)"
  printf 'Types: deb\nURIs: %s\nSuites: %s-backports\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n' \
    "$uri" "$release" >"$list"
}

found
[ "$(id -u)" = 0 ] || { say "no Go here, and installing one needs root"; exit 1; }
export DEBIAN_FRONTEND=noninteractive
if add_backports && apt-get update -qq >&2 && apt-get install -y -qq --no-install-recommends golang-1.23-go >&2; then
  found
fi
say "no Go 1.23 in backports; taking Debian's own"
rm -f "$list"
apt-get update -qq >&2
apt-get install -y -qq --no-install-recommends golang-go >&2
found
say "still no Go"
exit 1
