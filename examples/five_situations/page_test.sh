#!/usr/bin/env bash
# docs/situations.md: each of the five programs is what is compiled here, and none is longer than fifteen lines.
set -euo pipefail
cd "$(dirname "$0")/../.."
source=$(<examples/five_situations/five_situations.cc)
programs=0 lines=0 program='' inside=''
while IFS= read -r line; do
  case $line in
    '```cpp') inside=yes program='' lines=0 ;;
    '```')
      programs=$((programs + 1)) inside=''
      [[ $source == *"$program"* ]] || { echo "not in the source:"; echo "$program"; exit 1; }
      [ "$lines" -le 15 ] || { echo "$lines lines:"; echo "$program"; exit 1; }
      ;;
    *) [ -z "$inside" ] || { program+=$line$'\n' lines=$((lines + 1)); } ;;
  esac
done <docs/situations.md
[ "$programs" = 5 ] || { echo "$programs programs"; exit 1; }
echo "five programs, as compiled"
