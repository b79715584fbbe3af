#!/usr/bin/env bash
# Builds and runs the tests. The last line is "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tools/steps.sh
. tools/steps.sh

usage() {
  cat <<'END'
usage: tests/run.sh [--full | --long] [--only REGEX] [--help]

Installs the Debian packages that are missing, then builds and runs
  dev      all tests, under address and undefined behaviour sanitizers; the rules of the tree, its
           format and its scripts are tests, too
  tsan     the tests of bus and runtime, through which all threads meet, under the thread sanitizer

  --full        for what is to be released, an hour on two cores:
                tsan     the tests of all rooms that have threads
                clang    thread safety analysis of everything, and a short run of each fuzz target
  --long        the same, clang-tidy over everything, and the long form of the tests that have one
                (STEWARD_LONG=1 in their environment): hours
  --only REGEX  only tests whose name matches

A test that fails is tried once more, since much here depends on the machine's load; one that
passes only then is named as "unsteady".

The last line is "N passed, N failed"; a build that fails counts as one failed. Exits with 0 when
nothing failed. Logs are in build/logs.
END
}

full=no
long=no
only=
passed=0
failed=0
logs=build/logs

fail_one() { failed=$((failed + 1)); }

# The sanitizers of g++ 12 need their address ranges free, which more than 28 bits of random address
# layout may not leave.
plain_layout=()
if [ "$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 28)" -gt 28 ] && setarch -R true 2>/dev/null
then
  plain_layout=(setarch -R)
fi

# Adds what a run of ctest has written down: what did not run has not passed.
count_results() {
  local results="$1" all ran
  if [ ! -s "$results" ]; then
    fail_one
    return
  fi
  all="$(grep -c '<testcase ' "$results")"
  ran="$(grep -c '<testcase [^>]*status="run"' "$results")"
  passed=$((passed + ran))
  failed=$((failed + all - ran))
}

# Names the tests that passed at the second try only: each is a defect of the test or the product.
show_unsteady() {
  awk '/ Test +#[0-9]+: / {
         name = $0
         sub(/.* Test +#[0-9]+: /, "", name)
         sub(/ \.\.\..*/, "", name)
         if (/\*\*\*/) failed[name] = 1
         else if (name in failed) print "  unsteady: " name
       }' "$1"
}

# What the tests that failed said, at most 60 lines each.
show_failures() {
  awk '/ Test +#[0-9]+: / {shown = /\*\*\*/ ? 60 : 0}
       / +Start +[0-9]+: / {next}
       shown > 0 {print "    " $0; shown--}
       /^The following tests FAILED/ {shown = 1000}' "$1"
}

# Most tests wait most of their time: for processes, links and clocks.
run_tests() {
  local preset="$1" results="$PWD/build/$1/results.xml" arguments=()
  arguments=(--preset "$preset" --output-junit "$results" --no-tests=ignore -j "$(($(nproc) * 5 / 2))"
    --repeat until-pass:2)
  [ -n "$only" ] && arguments+=(-R "$only")
  rm -f "$results"
  step_shown=0 run_step "$preset: tests" '' "$logs/$preset-tests.log" \
    "${plain_layout[@]}" ctest "${arguments[@]}" || show_failures "$logs/$preset-tests.log"
  show_unsteady "$logs/$preset-tests.log"
  count_results "$results"
}

# All tests of a preset, or those of rooms that match: build_and_test PRESET [ROOMS PROGRAM...]
build_and_test() {
  local preset="$1" rooms="${2:-}" timeout=300 settings=() programs=()
  [ "$long" = yes ] && timeout=3600
  settings=("-DSTEWARD_TEST_TIMEOUT=$timeout")
  if [ -n "$rooms" ]; then
    settings+=("-DSTEWARD_TEST_ROOMS=$rooms")
    programs=(--target "${@:3}")
  fi
  if run_step "$preset: configure" '' "$logs/$preset-configure.log" \
    cmake --preset "$preset" "${settings[@]}" &&
    run_step "$preset: build" '' "$logs/$preset-build.log" \
      "${plain_layout[@]}" cmake --build --preset "$preset" "${programs[@]}" -- -k 0; then
    run_tests "$preset"
  else
    fail_one
  fi
}

tidy() {
  local log="$logs/tidy.log"
  run_step 'clang-tidy' '' "$log" tools/tidy.sh
  passed=$((passed + $(grep -c '^ok ' "$log")))
  failed=$((failed + $(grep -c '^FAIL ' "$log")))
}

main() {
  while [ $# -gt 0 ]; do
    case "$1" in
      --help | -h) usage; return 0 ;;
      --full) full=yes ;;
      --long) full=yes; long=yes; export STEWARD_LONG=1 ;;
      --only)
        only="${2:?--only needs a regular expression}"
        shift
        ;;
      *) usage >&2; return 2 ;;
    esac
    shift
  done
  if ! tools/packages.sh test; then
    echo '0 passed, 1 failed'
    return 1
  fi
  echo '✓ packages'
  build_and_test dev
  if [ "$full" = yes ]; then
    build_and_test tsan
    build_and_test clang
  else
    build_and_test tsan '^(subjects/bus|handlers/runtime)$' test_subjects_bus test_handlers_runtime
  fi
  if [ "$long" = yes ] && [ -z "$only" ]; then
    tidy
  fi
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
}

main "$@"; exit
