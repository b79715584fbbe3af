#!/usr/bin/env bash
# The Debian packages of this project, the one list of them, and their installation.
set -euo pipefail

usage() {
  cat <<'END'
usage: tools/packages.sh build|test [--list]

Installs those Debian packages of the list that are missing, by apt-get (with sudo when not root).
  build    what the programs need to be built and to run
  test     that, and what the tests need
  --list   prints the list and installs nothing
END
}

build_packages=(
  g++ cmake ninja-build pkg-config ccache mold   # compiler and build
  libnats-dev libuv1-dev libssl-dev              # bus, loops, digests
  nlohmann-json3-dev libexpected-dev libspdlog-dev libfmt-dev
  libsqlitecpp-dev libtomlplusplus-dev libcli11-dev
  libzstd-dev libsystemd-dev                     # log batches, the journal
  libcpp-httplib-dev                             # the station's HTTP
  libhowardhinnant-date-dev tzdata               # time zones of maintenance windows
  nats-server                                    # the broker that the station runs
)
test_packages=(
  doctest-dev git procps openssl
  clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev  # second compiler, fuzzing
  shellcheck scdoc
  nginx-light                                    # a daemon below our shim and as a unit
  systemd dbus                                   # scores of the units in deploy/systemd; one booted beside
  iproute2                                       # networks of the fault tests
  prometheus-node-exporter                       # the peer of the metrics
  rsyslog rsyslog-openssl logrotate bsdutils systemd-journal-remote  # peers of the log forwarder
  prometheus                                     # reads the station's pages
  apt-utils gpg gpg-agent gpgconf                # repositories for the updates
  dnf dnf-plugins-core rpm createrepo-c          # and those of the other kind
)

is_installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "error: packages are missing and neither root nor sudo is at hand; as root: $*" >&2
    return 1
  fi
}

# A fresh machine knows no packages at all, an old one names versions that the archive has dropped:
# the lists are read anew in both cases, and only then.
install_packages() {
  local options=(-y -q --no-install-recommends)
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get "${options[@]}" install)
  if apt-get --simulate "${options[@]}" install "$@" >/dev/null 2>&1 && as_root "${apt[@]}" "$@"; then
    return
  fi
  as_root apt-get -q update
  as_root "${apt[@]}" "$@"
}

main() {
  local packages=() missing=() package
  case "${1:-}" in
    build) packages=("${build_packages[@]}") ;;
    test) packages=("${build_packages[@]}" "${test_packages[@]}") ;;
    --help | -h) usage; return 0 ;;
    *) usage >&2; return 2 ;;
  esac
  if [ "${2:-}" = --list ]; then
    printf '%s\n' "${packages[@]}"
    return 0
  fi
  if ! command -v apt-get >/dev/null; then
    echo "error: no apt-get here; install by other means: ${packages[*]}" >&2
    return 1
  fi
  for package in "${packages[@]}"; do
    is_installed "$package" || missing+=("$package")
  done
  if [ ${#missing[@]} -eq 0 ]; then
    return 0
  fi
  echo "installing ${#missing[@]} Debian packages: ${missing[*]}" >&2
  install_packages "${missing[@]}" >&2
  case " ${missing[*]} " in
    *" nats-server "*)
      echo "note: where systemd runs, Debian's nats-server package has started a broker of its own on" \
        "127.0.0.1:4222; steward does not use that one and starts its own on a free port" >&2
      ;;
  esac
}

main "$@"
