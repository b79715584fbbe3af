#!/usr/bin/env bash
# From a clone to a running fleet: packages, build, then a broker, a station and three units.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/steps.sh
. tools/steps.sh

usage() {
  cat <<'END'
usage: deploy/quickstart.sh [--check] [--clean] [--help]

Installs the Debian packages that are missing, builds the programs into build/bin, and runs
`steward demo`: a broker on loopback, a station and three units, until Ctrl-C.

  --check   without a terminal: starts the demo, gives its units real work, checks the results, stops
            everything it started, and exits with 0, or says what failed
  --clean   removes what this script and the tests have made: build/ and var/
END
}

bin=build/bin

build() {
  cmake --preset release -DSTEWARD_TESTS=OFF && cmake --build --preset release
}

prepare() {
  tools/packages.sh build
  echo '✓ packages'
  run_step build Release build/logs/quickstart.log build
  ln -sfn release/bin "$bin"
}

# --- --check ------------------------------------------------------------------------------------

scratch=
demo=
started_unit=
interval_ms=500

fail() {
  echo "✗ $1"
  shift
  printf '%s\n' "$@" | sed 's/^/    /'
  if [ -s "$scratch/demo.log" ]; then
    echo '  the end of what the demo said:'
    tail -n 20 "$scratch/demo.log" | sed 's/^/    /'
  fi
  exit 1
}

end_check() {
  local pid
  for pid in $started_unit $demo; do
    kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
  done
  [ -n "$scratch" ] && rm -rf "$scratch"
}

# eventually SECONDS COMMAND...: until the command succeeds.
eventually() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -le "$end" ] || return 1
    sleep 0.1
  done
}

# units_are STATE NAME...: these, and no others, are in that state.
units_are() {
  local state="$1" found
  shift
  found="$("$bin/stewardctl" units --state "$state" -o name 2>/dev/null | sort | tr '\n' ' ')"
  [ "$found" = "$(printf '%s\n' "$@" | sort | tr '\n' ' ')" ]
}

demo_children() { cat "/proc/$demo/task/"*/children | tr ' ' '\n' | sed '/^$/d'; }

# The process of a demo's unit, among the children of the demo.
unit_pid() {
  local child
  demo_children | while IFS= read -r child; do
    if tr '\0' ' ' <"/proc/$child/cmdline" 2>/dev/null | grep -q -- "/units/$1/edge.toml "; then
      echo "$child"
    fi
  done
}

# expect_results EXIT PATTERN COMMAND...: stewardctl run --all of the command exits so, and each unit's
# result matches every line of the pattern.
expect_results() {
  local wanted="$1" patterns="$2" status=0 output unit pattern result
  shift 2
  output="$("$bin/stewardctl" run --all -o jsonl -- "$@" 2>"$scratch/errors")" || status=$?
  if [ "$status" -ne "$wanted" ]; then
    fail "run --all -- $*: exit status $status instead of $wanted" "$output" "$(cat "$scratch/errors")"
  fi
  for unit in demo1 demo2 demo3; do
    result="$(grep '"kind":"result"' <<<"$output" | grep "\"unit\":\"$unit\"")" ||
      fail "run --all -- $*: no result of $unit" "$output"
    while IFS= read -r pattern; do
      grep -qF -- "$pattern" <<<"$result" || fail "$unit: no $pattern in its result" "$result"
    done <<<"$patterns"
  done
}

start_demo() {
  scratch="$(mktemp -d)"
  trap end_check EXIT
  # A demo that runs already, and a person's own settings, are not part of the check.
  export XDG_RUNTIME_DIR="$scratch" XDG_CONFIG_HOME="$scratch"
  unset NATS_URL NATS_CREDS NATS_CA NATS_CERT NATS_KEY NATS_USER NATS_PASSWORD NATS_TOKEN \
    STEWARD_CONTEXT
  "$bin/steward" demo --units 3 --interval "$interval_ms" --dir "$scratch/demo" \
    >"$scratch/demo.log" 2>&1 </dev/null &
  demo=$!
  eventually 20 units_are up demo1 demo2 demo3 ||
    fail 'the three units do not come up' "$("$bin/stewardctl" units 2>&1)"
  echo '✓ broker  ✓ station  ✓ 3 demo units'
}

check_commands() {
  local uname
  expect_results 1 '"exit_code":3
"stdout":"out\n"
"stderr":"err\n"' sh -c 'echo out; echo err >&2; exit 3'
  echo '✓ run --all: both streams and exit 3 of each unit'
  uname="$(uname -a)"
  expect_results 0 "\"exit_code\":0
\"stdout\":\"$uname\\n\"" uname -a
  echo '✓ run --all: uname -a of each unit'
}

check_unsigned() {
  local marker="$scratch/marker"
  "$bin/stewardctl" bus pub demo1.command.shellcommand.operatingsystem \
    "{\"argv\":[\"touch\",\"$marker\"]}" >"$scratch/errors" 2>&1 ||
    fail 'bus pub does not publish' "$(cat "$scratch/errors")"
  # What came behind it is done: the other was looked at before.
  "$bin/stewardctl" run demo1 -- true >"$scratch/errors" 2>&1 ||
    fail 'demo1 does not go on behind an unsigned message' "$(cat "$scratch/errors")"
  [ ! -e "$marker" ] || fail 'a message without a signature is carried out'
  echo '✓ a message without a signature is refused'
}

# A unit that is killed is seen to be gone within 3.5 hello intervals, and to be back within a second
# of its return; the check allows as much again for a busy machine.
check_loss() {
  local pid
  pid="$(unit_pid demo2)"
  [ -n "$pid" ] || fail 'the process of demo2 is not found among the children of the demo'
  kill -9 "$pid"
  eventually 4 units_are late demo2 || fail 'a killed unit is not late' "$("$bin/stewardctl" units 2>&1)"
  eventually 4 units_are down demo2 || fail 'a killed unit is not down' "$("$bin/stewardctl" units 2>&1)"
  echo '✓ a unit killed with -9 is late, then down'
  "$bin/steward-edge" run --config "$scratch/demo/units/demo2/edge.toml" \
    >"$scratch/demo2.log" 2>&1 </dev/null &
  started_unit=$!
  eventually 2 units_are up demo1 demo2 demo3 ||
    fail 'a unit that returns is not up' "$(cat "$scratch/demo2.log")"
  echo '✓ a unit that returns is up'
}

check_end() {
  local children pid status=0
  kill "$started_unit"
  wait "$started_unit" || fail 'the unit does not end well' "$(cat "$scratch/demo2.log")"
  started_unit=
  children="$(demo_children)"
  kill "$demo"
  wait "$demo" || status=$?
  demo=
  [ "$status" -eq 0 ] || fail "the demo ends with exit status $status"
  for pid in $children; do
    if kill -0 "$pid" 2>/dev/null; then
      fail "process $pid of the demo is left behind" "$(tr '\0' ' ' <"/proc/$pid/cmdline")"
    fi
  done
  echo '✓ everything stopped'
}

check() {
  prepare
  start_demo
  check_commands
  check_unsigned
  check_loss
  check_end
}

case "${1:-}" in
  --help | -h) usage ;;
  --clean)
    rm -rf build var
    echo '✓ build/ and var/ removed'
    ;;
  --check) check ;;
  '')
    prepare
    exec "$bin/steward" demo
    ;;
  *)
    usage >&2
    exit 2
    ;;
esac
