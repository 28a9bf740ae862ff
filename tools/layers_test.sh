#!/usr/bin/env bash
# Which floor includes which, read off the sources: the build refuses what it cannot see, this says it in words, and looks at
# what the build lets through: another folder's detail/, an include that is not in the <sluice/...> form, a dependency that
# comes only through another floor.
set -euo pipefail
declare -A below=(
  [base]=""
  [futures]="base"
  [channels]="base futures"
  [select]="base futures"
  [sync]="base futures"
  [timers]="base futures"
  [events]="base futures"
  [coroutines]="base futures select"
  [runtime]="base futures timers coroutines"
)
wrong=0 seen=0
say() { echo "$*"; wrong=$((wrong + 1)); }

for floor in "${!below[@]}"; do
  while IFS=: read -r file _ line; do
    seen=$((seen + 1))
    included=$(sed -E 's/.*[<"]([^>"]*)[>"].*/\1/' <<<"$line")
    case $included in
      sluice/*/*)
        other=$(cut -d/ -f2 <<<"$included")
        if [ "$other" = "$floor" ]; then continue; fi
        case " ${below[$floor]} " in
          *" $other "*) ;;
          *) say "$file: $floor/ may not include $other/ ($included)" ;;
        esac
        case $included in */detail/*) say "$file: $included is a detail of $other/" ;; esac
        ;;
      sluice/*) say "$file: the umbrella is above every floor ($included)" ;;
      *) if [[ $line == *'"'* ]]; then say "$file: write <sluice/...> instead of \"$included\""; fi ;;
    esac
  done < <(grep -RHnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]' "$floor")
done
[ "$seen" -gt 50 ] || say "only $seen includes found: this test looks in the wrong place"
[ "$wrong" = 0 ] || { echo "$wrong wrong includes"; exit 1; }
echo "$seen includes, all of them downwards"
