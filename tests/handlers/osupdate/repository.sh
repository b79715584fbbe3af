#!/usr/bin/env bash
# A repository of packages and a system of its own for apt and dpkg, all below one folder: nothing
# of the machine's own is touched.
set -euo pipefail

usage() {
  cat <<'END'
usage: repository.sh FOLDER make                         # empty system, empty repositories
       repository.sh FOLDER package SUITE NAME VERSION   # SUITE: main, security
       repository.sh FOLDER publish [sign]               # what was made since is offered

package reads from the environment: CONTROL (more lines of it), POSTINST, PREINST (a script each),
CONFFILE (contents of /etc/NAME.conf), SIZE (bytes of a file in it), PROGRAM (a script, as
/opt/NAME/program), BINARY (a file, a copy of which is /opt/NAME/program).
END
}

[ $# -ge 2 ] || { usage >&2; exit 2; }
folder=$(realpath -m "$1")
root=$folder/root

make() {
  mkdir -p "$folder"/{main,security}/pool "$root"/{boot,usr,run} \
    "$root"/etc/apt/{apt.conf.d,preferences.d,sources.list.d,trusted.gpg.d} \
    "$root"/var/lib/dpkg/{updates,info,triggers} "$root/var/lib/apt/lists/partial" \
    "$root/var/cache/apt/archives/partial" "$root/var/log/apt"
  touch "$root"/var/lib/dpkg/{status,available}
  cat >"$folder/dpkg" <<END
#!/bin/sh
exec /usr/bin/dpkg --root=$root --force-script-chrootless --force-not-root \
  --log=$root/var/log/dpkg.log "\$@"
END
  chmod 755 "$folder/dpkg"
  cat >"$folder/apt.conf" <<END
Dir "$root";
Dir::State "$root/var/lib/apt";
Dir::State::status "$root/var/lib/dpkg/status";
Dir::Cache "$root/var/cache/apt";
Dir::Etc "$root/etc/apt";
Dir::Log "$root/var/log/apt";
Dir::Bin::methods "/usr/lib/apt/methods";
Dir::Bin::dpkg "$folder/dpkg";
DPkg::Pre-Install-Pkgs "";
DPkg::Post-Invoke "";
APT::Architecture "$(dpkg --print-architecture)";
APT::Architectures "$(dpkg --print-architecture)";
APT::Sandbox::User "root";
Acquire::Languages "none";
END
  local suite
  for suite in main security; do
    # copy: the packages go into the folder of archives, as from a server.
    echo "deb [trusted=yes] copy:$folder/$suite $suite main"
  done >"$root/etc/apt/sources.list"
}

package() {
  local suite=$1 name=$2 version=$3 tree=$folder/tree
  rm -rf "$tree"
  mkdir -p "$tree/DEBIAN" "$tree/opt/$name"
  printf 'Package: %s\nVersion: %s\nArchitecture: all\n' "$name" "$version" >"$tree/DEBIAN/control"
  printf 'Maintainer: nobody <nobody@example.invalid>\nDescription: for tests\n' \
    >>"$tree/DEBIAN/control"
  [[ ${CONTROL:-} == *Installed-Size* ]] || echo 'Installed-Size: 8' >>"$tree/DEBIAN/control"
  [ -z "${CONTROL:-}" ] || printf '%s\n' "$CONTROL" >>"$tree/DEBIAN/control"
  echo "$version" >"$tree/opt/$name/version"
  [ -z "${SIZE:-}" ] || head -c "$SIZE" /dev/urandom >"$tree/opt/$name/data"
  if [ -n "${PROGRAM:-}" ]; then
    printf '#!/bin/sh\n%s\n' "$PROGRAM" >"$tree/opt/$name/program"
    chmod 755 "$tree/opt/$name/program"
  fi
  [ -z "${BINARY:-}" ] || install -m 755 "$BINARY" "$tree/opt/$name/program"
  if [ -n "${CONFFILE:-}" ]; then
    mkdir -p "$tree/etc"
    echo "$CONFFILE" >"$tree/etc/$name.conf"
    echo "/etc/$name.conf" >"$tree/DEBIAN/conffiles"
  fi
  local script
  for script in preinst postinst; do
    local text=${script^^}
    [ -n "${!text:-}" ] || continue
    printf '#!/bin/sh\n%s\n' "${!text}" >"$tree/DEBIAN/$script"
    chmod 755 "$tree/DEBIAN/$script"
  done
  dpkg-deb --root-owner-group -Znone -b "$tree" "$folder/$suite/pool/${name}_${version}_all.deb" \
    >/dev/null
}

sign() {
  export GNUPGHOME=$folder/keys
  if [ ! -e "$folder/key.gpg" ]; then
    mkdir -m 700 "$GNUPGHOME"
    gpg --batch -q --passphrase '' --quick-gen-key 'tests <tests@example.invalid>' ed25519 sign 1d
    gpg --batch -q --export >"$folder/key.gpg"
    sed -i "s|trusted=yes|signed-by=$folder/key.gpg|" "$root/etc/apt/sources.list"
  fi
  local suite
  for suite in main security; do
    gpg --batch -q --yes --clearsign -o "$folder/$suite/dists/$suite/InRelease" \
      "$folder/$suite/dists/$suite/Release"
  done
  gpgconf --kill all
}

publish() {
  local suite release=APT::FTPArchive::Release
  for suite in main security; do
    local label=Debian lists=dists/$suite
    [ "$suite" = main ] || label=Debian-Security
    (
      cd "$folder/$suite"
      rm -rf "$lists"
      mkdir -p "$lists/main/binary-all"
      apt-ftparchive packages pool >"$lists/main/binary-all/Packages"
      cp -r "$lists/main/binary-all" "$lists/main/binary-$(dpkg --print-architecture)"
      apt-ftparchive -o "$release::Origin=Debian" -o "$release::Label=$label" \
        -o "$release::Suite=$suite" -o "$release::Codename=$suite" \
        -o "$release::Architectures=all $(dpkg --print-architecture)" \
        -o "$release::Components=main" release "$lists" >"$folder/release"
      mv "$folder/release" "$lists/Release"
    )
  done
  if [ "${1:-}" = sign ]; then
    sign 2>/dev/null
  fi
}

case $2 in
  make) make ;;
  package) package "$3" "$4" "$5" ;;
  publish) publish "${3:-}" ;;
  *) usage >&2; exit 2 ;;
esac
