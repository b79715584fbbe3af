#!/usr/bin/env bash
# The units of deploy/systemd expose no more than they did: each has a score that must not rise.
# --self-test proves that a unit that exposes more is seen.
set -euo pipefail
cd "$(dirname "$0")/.."

# unit | the most that `systemd-analyze security` may say, in tenths
units='
steward.service               11
steward-edge.service          95
steward-edge-confined.service 15
'

score() {
  systemd-analyze security --offline=true --no-pager --threshold="$2" "$1" >/dev/null 2>&1
}

check() {
  local unit most failed=0
  while read -r unit most; do
    [ -n "$unit" ] || continue
    if ! score "$1/$unit" "$most"; then
      echo "$unit exposes more than $most tenths:"
      systemd-analyze security --offline=true --no-pager "$1/$unit" 2>&1 | tail -n 3
      failed=1
    fi
  done <<<"$units"
  for unit in "$1"/*.service; do
    grep -q "^${unit##*/} " <<<"$units" || { echo "${unit##*/} has no score here"; failed=1; }
  done
  return "$failed"
}

self_test() {
  local line
  copy="$(mktemp -d)"
  trap 'rm -rf "$copy"' EXIT
  for line in ProtectSystem=strict NoNewPrivileges=yes CapabilityBoundingSet= RestrictNamespaces=yes; do
    cp deploy/systemd/*.service "$copy"
    sed -i "/^$line/d" "$copy/steward.service"
    if check "$copy" >/dev/null; then
      echo "steward.service without $line is not seen"
      return 1
    fi
  done
}

command -v systemd-analyze >/dev/null || { echo 'systemd-analyze is missing (package systemd)'; exit 1; }
case "${1:-}" in
  --self-test) self_test ;;
  *) check deploy/systemd ;;
esac
