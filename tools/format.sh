#!/usr/bin/env bash
# Formats the C++ sources as .clang-format says, or checks that they are.
set -euo pipefail

case "${1:-}" in
  '') mode=(-i) ;;
  --check) mode=(--dry-run -Werror) ;;
  *)
    echo 'usage: tools/format.sh [--check]' >&2
    exit 2
    ;;
esac
cd "$(dirname "$0")/.."
find subjects handlers edge steward tools tests \( -name '*.cpp' -o -name '*.hpp' \) -print0 |
  xargs -0 -r -n 16 clang-format-14 "${mode[@]}"
