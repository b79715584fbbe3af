#!/usr/bin/env bash
# A system of its own below FOLDER, COUNT packages installed in it, each of which has an update
# whose script takes SECONDS. Nothing of the machine's own is touched.
set -euo pipefail
[ $# -eq 3 ] || { echo "usage: upgradable.sh FOLDER COUNT SECONDS" >&2; exit 2; }
folder=$1 count=$2 seconds=$3
repository=$(dirname "$(realpath "$0")")/../../tests/handlers/osupdate/repository.sh

offer() {
  local version=$1 script=$2 number
  for number in $(seq "$count"); do
    POSTINST=$'#!/bin/sh\n'"$script" "$repository" "$folder" package main "p$number" "$version"
  done
  "$repository" "$folder" publish
  APT_CONFIG=$folder/apt.conf apt-get -q update
}

"$repository" "$folder" make
offer 1 'exit 0'
APT_CONFIG=$folder/apt.conf DEBIAN_FRONTEND=noninteractive \
  apt-get -qy install $(seq -f 'p%g' "$count")
offer 2 "sleep $seconds"
