#!/usr/bin/env bash
# The rules of the house that no compiler checks. Each check_* prints one line per offence,
# "file:line: what is wrong", for the files of the tree in the current folder.
set -euo pipefail

usage() {
  cat <<'END'
usage: tools/check_layout.sh [--self-test] [ROOT]

Checks the tree in ROOT (the project that this script is in) and exits with 1 when a rule is broken.
  --self-test   proves in a scratch tree that each check can fail
END
}

max_lines=400
top_level='subjects handlers edge steward tools tests deploy'

# Files that belong to the tree: what git knows or would take, or everything where there is no git.
all_files() {
  if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git ls-files --cached --others --exclude-standard
  else
    find . -name .git -prune -o -type f -printf '%P\n'
  fi | sort -u | while IFS= read -r file; do
    if [ -f "$file" ]; then printf '%s\n' "$file"; fi
  done
}

files_like() { printf '%s\n' "$files" | grep -E "$1" || true; }

# grep -n over the files whose name fits the first pattern; never fails.
search() {
  files_like "$1" | xargs -r -d '\n' grep -HnE -- "$2" || true
}

complain() {
  local place line rest
  while IFS=: read -r place line rest; do printf '%s:%s: %s\n' "$place" "$line" "$1"; done
}

sources='^(subjects|handlers|edge|steward|tools|tests)/.*\.(cpp|hpp|inc)$'

# --- checks -------------------------------------------------------------------------------------

# A third-party library has one room: header | files that may include it.
library_rooms='
<nats/               ^(tests/)?subjects/bus/.*\.cpp|^tools/bench/raw_nats\.cpp
<openssl/            ^(tests/)?subjects/identity/.*\.cpp|^(handlers/[a-z0-9_]+|steward/logs)/([a-z_]+/)?tls\.cpp
<uv\.h>              ^(tests/)?handlers/runtime/
<spdlog/             ^(tests/)?handlers/runtime/.*\.cpp
<nlohmann/json\.hpp> ^.*\.cpp
<CLI/                ^(steward|edge|tools/stewardctl|tools/bench)/.*\.cpp
<(SQLiteCpp/|sqlite3\.h) ^(tests/)?(steward|subjects/bus)/|^handlers/[a-z0-9_]+/[a-z_]*store\.cpp|^tests/integration/
<toml\+\+/           ^(tests/)?(handlers/runtime|edge|steward)/.*\.cpp|^subjects/wire/[a-z_]*file\.cpp
<doctest/            ^tests/
<zstd\.h            ^(tests/)?subjects/wire/.*\.cpp
<systemd/            ^(tests/)?handlers/[a-z0-9_]+/.*\.cpp|^handlers/[a-z0-9_]+/systemd/library\.hpp
'
check_libraries() {
  local header room
  while read -r header room; do
    [ -n "$header" ] || continue
    search "$sources" "^ *# *include $header" | grep -vE "($room)" |
      complain "this library is not of this room (see library_rooms in tools/check_layout.sh)" || true
  done <<<"$library_rooms"
}

# Includes go downwards: room | what it may include of ours. The build enforces it for the libraries;
# this holds the programs and the sources that no target names.
include_rooms='
subjects/wire/       subjects/wire/
subjects/identity/   subjects/(wire|identity)/
subjects/bus/        subjects/
handlers/runtime/    (subjects|handlers/runtime)/
edge/                (subjects|handlers|edge)/
steward/             (subjects|handlers|steward)/
tools/stewardctl/    (subjects|tools/stewardctl)/
tools/bench/         (subjects|tools/bench)/
'
handler_folders() {
  files_like '^handlers/[a-z0-9_]+/' | cut -d/ -f2 | sort -u | grep -vx runtime || true
}
check_directions() {
  local room allowed name rows="$include_rooms"
  for name in $(handler_folders); do
    rows+="handlers/$name/ (subjects/wire|handlers/runtime|handlers/$name)/"$'\n'
  done
  while read -r room allowed; do
    [ -n "$room" ] || continue
    search "^$room.*\.(cpp|hpp)$" '^ *# *include "' |
      grep -vE "# *include \"$allowed" | complain "$room may include only $allowed" || true
  done <<<"$rows"
}

check_relative_includes() {
  search "$sources" '^ *# *include "(\.\./|\./|[^"/]+")' | complain 'includes are written from the root'
}

# The standard library's literals have no other use than this.
check_using_namespace() {
  search "$sources" '^ *using namespace ' |
    grep -vE ':using namespace std::(chrono|string|string_view)_literals;$' |
    complain 'no using namespace' || true
}

check_macros() {
  search "$sources" '^ *# *define ' | grep -vE '# *define (STEWARD_[A-Z0-9_]+|HANDLER)\b' |
    grep -vE '^tests/.*# *define DOCTEST_CONFIG_' | complain 'macros are STEWARD_... and HANDLER only' || true
}

check_pragma_once() {
  files_like "$sources" | grep '\.hpp$' | xargs -r -d '\n' grep -L '^#pragma once$' |
    sed 's/$/:1: a header begins with #pragma once/' || true
}

check_length() {
  files_like '\.(cpp|hpp|inc|sh|cmake)$|CMakeLists\.txt$' | xargs -r -d '\n' wc -l |
    awk -v max="$max_lines" '$2 != "total" && $1 > max {print $2 ":" $1 ": more than " max " lines"}'
}

check_todo() {
  search '\.(cpp|hpp|inc|sh|cmake|md)$|CMakeLists\.txt$' '\b(TO''DO|FIX''ME|X''XX)\b' |
    grep -vE '(TO''DO|FIX''ME)\(#[0-9]+\)' | complain 'a reminder names its issue: (#12)' || true
}

check_readmes() {
  local folder
  { printf '%s\n' . subjects handlers edge steward tools tests deploy
    printf '%s\n' subjects/wire subjects/identity subjects/bus handlers/runtime tools/stewardctl tools/bench
    handler_folders | sed 's|^|handlers/|'
  } | while IFS= read -r folder; do
    [ -f "$folder/README.md" ] || echo "$folder/README.md:1: the folder has no README.md"
  done
}

check_handlers() {
  local name
  sed -nE 's/^HANDLER\(([a-z0-9_]+)\).*/\1/p' handlers/catalogue.inc | while IFS= read -r name; do
    [ -f "handlers/$name/$name.hpp" ] ||
      echo "handlers/catalogue.inc:1: $name has no handlers/$name/$name.hpp"
    [ -n "$(files_like "^tests/handlers/$name/.*_test\.cpp$")" ] ||
      echo "handlers/catalogue.inc:1: $name has no tests in tests/handlers/$name"
  done
}

check_top_level() {
  local name
  for name in $(printf '%s\n' "$files" | grep / | cut -d/ -f1 | grep -v '^\.' | sort -u); do
    case " $top_level " in *" $name "*) ;; *) echo "$name:1: no such top-level folder in this house" ;; esac
  done
  files_like '(^|/)(common|util|utils|core|helpers|misc)/' | sed 's/$/:1: no such room in this house/'
}

# Several files of tests are compiled as one: what each defines is in a namespace of its own, which
# has the file's name.
check_test_namespaces() {
  # shellcheck disable=SC2016
  files_like '^tests/.*_test\.cpp$' | xargs -r -d '\n' awk '
    FNR == 1 {
      own = FILENAME
      gsub(/.*\/|\.cpp$/, "", own)
      inside = 0
    }
    $0 ~ "^namespace steward::([a-z_]+::)*" own " \\{$" {inside = 1; next}
    $0 ~ "^} +// namespace steward::([a-z_]+::)*" own "$" {inside = 0}
    !inside && /^(namespace|using|struct|class|enum|template|constexpr|TEST_CASE)/ {
      print FILENAME ":" FNR ": stands outside of namespace steward::...::" own
    }'
}

# A signal of a test goes to one process: to kill(2), 0 and -1 are groups, the run of the tests too.
check_signals() {
  search '^tests/.*\.(cpp|hpp)$' '(^|[^.>A-Za-z_])(kill|killpg)\([^)]' |
    grep -vE '^tests/support/process\.hpp:' |
    complain 'a test signals by tests::send_signal (tests/support/process.hpp)' || true
}

check_junk() {
  files_like '(\.(o|a|so|orig|rej|swp|db|db-wal|db-shm|gcda|gcno|log|pyc)|~|(^|/)core(\.[0-9]+)?|compile_commands\.json)$' |
    sed 's/$/:1: made by a program: does not belong in the tree/'
}

checks='libraries directions relative_includes using_namespace macros pragma_once length todo readmes
        handlers top_level test_namespaces signals junk'

check_tree() {
  local check offences
  files="$(all_files)"
  offences="$(for check in $checks; do "check_$check"; done)"
  if [ -n "$offences" ]; then
    printf '%s\n' "$offences"
    return 1
  fi
}

# --- self-test ----------------------------------------------------------------------------------

# A small tree that keeps every rule.
plant_tree() {
  local folder
  for folder in . subjects subjects/wire subjects/identity subjects/bus handlers handlers/runtime \
    handlers/hello edge steward tools tools/stewardctl tools/bench tests tests/handlers/hello deploy; do
    mkdir -p "$folder"
    echo '# here' >"$folder/README.md"
  done
  echo 'HANDLER(hello)' >handlers/catalogue.inc
  printf '#pragma once\n#include "subjects/wire/names.hpp"\n' >handlers/hello/hello.hpp
  echo '#include <doctest/doctest.h>' >tests/handlers/hello/hello_test.cpp
  echo '#include <nats/nats.h>' >subjects/bus/nats_bus.cpp
}

# offence | file it is planted in | line of text (RM: the file goes, LONG: too many lines)
offences='
libraries|edge/agent.cpp|#include <nats/nats.h>
libraries|handlers/hello/hello.cpp|#include <uv.h>
libraries|subjects/wire/names.hpp|#include <nlohmann/json.hpp>
libraries|subjects/bus/bus.cpp|#include <openssl/evp.h>
directions|handlers/hello/hello.cpp|#include "subjects/bus/bus.hpp"
directions|subjects/wire/names.cpp|#include "subjects/identity/digest.hpp"
directions|tools/stewardctl/main.cpp|#include "handlers/runtime/loop.hpp"
relative_includes|edge/agent.cpp|#include "../subjects/wire/names.hpp"
relative_includes|edge/agent.cpp|#include "agent.hpp"
using_namespace|tests/main.cpp|using namespace std;
macros|edge/agent.cpp|#define AGENT 1
pragma_once|edge/agent.hpp|int agent();
length|edge/agent.cpp|LONG
todo|edge/agent.cpp|// TO~DO: later
readmes|handlers/hello/README.md|RM
handlers|tests/handlers/hello/hello_test.cpp|RM
handlers|handlers/hello/hello.hpp|RM
test_namespaces|tests/handlers/hello/hello_test.cpp|TEST_CASE("hello") {}
test_namespaces|tests/handlers/hello/other_test.cpp|namespace steward::hello {
signals|tests/handlers/hello/hello.cpp|  ::kill(pid, SIGKILL);
top_level|lib/a.cpp|int a;
top_level|subjects/common/a.cpp|int a;
junk|edge/agent.cpp.orig|x
'

self_test() {
  local scratch check file text failed=0 count=0
  scratch="$(mktemp -d)"
  # shellcheck disable=SC2064
  trap "rm -rf '$scratch'" EXIT
  mkdir "$scratch/clean" && cd "$scratch/clean"
  plant_tree
  if ! check_tree; then
    echo "self-test: the clean tree is complained of" >&2
    return 1
  fi
  while IFS='|' read -r check file text; do
    [ -n "$check" ] || continue
    rm -rf "$scratch/tree" && cp -r "$scratch/clean" "$scratch/tree" && cd "$scratch/tree"
    mkdir -p "$(dirname "$file")"
    case "$text" in
      RM) rm "$file" ;;
      LONG) seq "$((max_lines + 1))" >"$file" ;;
      *) printf '%s\n' "${text//\~/}" >>"$file" ;;
    esac
    files="$(all_files)"
    count=$((count + 1))
    if [ -z "$("check_$check")" ]; then
      echo "self-test: check_$check does not see: $file: $text" >&2
      failed=1
    fi
  done <<<"$offences"
  for check in $checks; do
    if ! grep -q "^$check|" <<<"$offences"; then
      echo "self-test: nothing proves check_$check" >&2
      failed=1
    fi
  done
  if check_tree >/dev/null; then
    echo "self-test: an offence does not end in a failure" >&2
    failed=1
  fi
  [ "$failed" -eq 0 ] && echo "self-test: $count offences seen"
}

main() {
  case "${1:-}" in
    --help | -h) usage ;;
    --self-test) self_test ;;
    -*) usage >&2; return 2 ;;
    *)
      cd "${1:-$(dirname "$0")/..}"
      check_tree
      ;;
  esac
}

main "$@"
