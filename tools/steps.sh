# shellcheck shell=bash
# Long work shown as steps, one line each when it is over: "✓ build (Release, 1m40s)". To be sourced.

# Of a number of seconds: 7s, 1m40s.
duration() {
  if [ "$1" -lt 60 ]; then echo "$1s"; else echo "$(($1 / 60))m$(($1 % 60))s"; fi
}

step_pid=
end_step() {
  if [ -n "$step_pid" ]; then
    kill "$step_pid" 2>/dev/null
    wait "$step_pid" 2>/dev/null
  fi
}
trap 'end_step; exit 130' INT
trap 'end_step; exit 143' TERM

# run_step NAME NOTE LOG COMMAND...: runs the command with its output in LOG and says how it ended; on
# a terminal also how far it is. Returns what the command returns; when it fails, shows the last
# $step_shown lines of LOG.
step_shown=40
run_step() {
  local name="$1" note="$2" log="$3" begin=$SECONDS status=0 far
  shift 3
  mkdir -p "$(dirname "$log")"
  "$@" >"$log" 2>&1 </dev/null &
  step_pid=$!
  while [ -t 1 ] && kill -0 "$step_pid" 2>/dev/null; do
    far="$(tail -c 400 "$log" 2>/dev/null | grep -aoE '\[[0-9]+/[0-9]+\]' | tail -n 1 || true)"
    printf '\r\033[K… %s %s %s' "$name" "$far" "$(duration $((SECONDS - begin)))"
    sleep 0.3
  done
  wait "$step_pid" || status=$?
  step_pid=
  [ -t 1 ] && printf '\r\033[K'
  note="${note:+$note, }$(duration $((SECONDS - begin)))"
  if [ "$status" -eq 0 ]; then
    echo "✓ $name ($note)"
  else
    echo "✗ $name ($note), exit $status; its log is $log"
    tail -n "$step_shown" "$log" | sed 's/^/    /'
  fi
  return "$status"
}
