#!/usr/bin/env bash
# clang-tidy over the sources of the programs (all, or those whose path matches REGEX), with the
# commands of the clang preset. One line a source, its complaints below it; exits with 1 when there
# are any.
set -euo pipefail

case "${1:-}" in
  -*)
    echo 'usage: tools/tidy.sh [REGEX]' >&2
    exit 2
    ;;
esac
cd "$(dirname "$0")/.."
cmake --preset clang >/dev/null
# shellcheck disable=SC2016  # expanded by the inner shell
find subjects handlers edge steward tools -name '*.cpp' | grep -E "${1:-.}" | sort |
  xargs -r -P "$(nproc)" -I{} sh -c '
    if out=$(clang-tidy-14 -p build/clang --quiet "$1" 2>/dev/null); then
      echo "ok   $1"
    else
      printf "FAIL %s\n%s\n" "$1" "$out"
      exit 1
    fi' tidy {}
