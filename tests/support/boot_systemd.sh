#!/usr/bin/env bash
# Boots this machine's own systemd once more, in namespaces: PID 1, D-Bus and the journal, with a root
# of its own over a read-only look at this one's, and no unit of this machine but the base ones.
# Stays in the foreground; it and all in it end with this process. As root.
set -euo pipefail

usage() {
  cat <<'END'
usage: boot_systemd.sh FOLDER

FOLDER/pid is there once D-Bus listens: the PID 1 of the namespaces, by which nsenter enters. Its bus is
/proc/PID/root/run/dbus/system_bus_socket. FOLDER is seen inside, too. What systemd says is in FOLDER/log.
END
}

# In the new namespaces: makes the root and becomes systemd.
inside() {
  local folder="$1" root="$1/root"
  mount --make-rprivate /
  mkdir -p "$folder/memory" "$root"
  mount -t tmpfs -o mode=755 tmpfs "$folder/memory"
  mkdir "$folder/memory/upper" "$folder/memory/work" "$folder/memory/units"
  mount -t overlay -o "lowerdir=/,upperdir=$folder/memory/upper,workdir=$folder/memory/work" overlay "$root"
  mount -t proc proc "$root/proc"
  mount -t sysfs -o ro sysfs "$root/sys"
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
  mount -t tmpfs -o mode=755 tmpfs "$root/run"
  mount -t tmpfs tmpfs "$root/tmp"
  mount -t tmpfs -o mode=755 tmpfs "$root/dev"
  for device in null zero full random urandom tty; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
  done
  mkdir -p "$root/dev/pts" "$root/dev/shm" "$root$folder"
  mount --bind "$folder/memory/units" "$root/etc/systemd/system"
  mount --bind "$folder" "$root$folder"
  mount --bind -o ro "$root/proc/sys" "$root/proc/sys"
  mount -o remount,ro,bind "$root/proc/sys"
  for unit in systemd-sysctl systemd-modules-load systemd-remount-fs systemd-update-utmp systemd-udevd \
    systemd-udev-trigger systemd-sysusers; do
    ln -s /dev/null "$root/etc/systemd/system/$unit.service"
  done
  printf '[Unit]\nRequires=dbus.socket systemd-journald.service\nAfter=dbus.socket\nAllowIsolate=yes\n' \
    >"$root/etc/systemd/system/steward-test.target"
  mkdir "$root/run/systemd"
  cd "$root"
  pivot_root . mnt
  umount -l /mnt
  exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --unit=steward-test.target --log-target=console --log-level=notice
}

# Its processes are killed with the first of them, but not in the same moment.
remove_cgroup() {
  for _ in $(seq 50); do
    find "$1" -depth -type d -exec rmdir {} + 2>/dev/null && return
    sleep 0.1
  done
}

main() {
  if [ $# -eq 2 ] && [ "$1" = --inside ]; then
    inside "$2"
  fi
  if [ $# -ne 1 ]; then
    usage >&2
    exit 2
  fi
  local folder cgroup
  folder="$(realpath "$1")"
  cgroup=/sys/fs/cgroup
  [ -d "$cgroup/unified" ] && cgroup="$cgroup/unified"
  cgroup="$cgroup/steward-test-systemd-$$"
  mkdir "$cgroup"
  # What is born from here on is in it; this shell stays outside, to clean up behind.
  sh -c 'echo $$ >"$1/cgroup.procs" && exec unshare --fork --pid --mount --uts --ipc --net --cgroup \
    --kill-child bash "$2" --inside "$3"' sh "$cgroup" "$0" "$folder" >"$folder/log" 2>&1 &
  local outer=$!
  trap 'kill -9 "$outer" 2>/dev/null; wait "$outer" 2>/dev/null; remove_cgroup "$cgroup"' EXIT
  trap 'exit 1' TERM INT HUP
  local first
  for _ in $(seq 300); do
    first="$(cat "/proc/$outer/task/$outer/children" 2>/dev/null)" || break
    first="${first%% *}"
    if [ -n "$first" ] && [ -S "/proc/$first/root/run/dbus/system_bus_socket" ] &&
      [ -S "/proc/$first/root/run/systemd/private" ]; then
      echo "$first" >"$folder/pid.new"
      mv "$folder/pid.new" "$folder/pid"
      break
    fi
    sleep 0.1
  done
  wait "$outer" || true
}

main "$@"
