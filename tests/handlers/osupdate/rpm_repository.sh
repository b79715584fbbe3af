#!/usr/bin/env bash
# Repositories of packages and a system of its own for dnf and rpm, all below one folder: nothing of
# the machine's own is touched.
set -euo pipefail

usage() {
  cat <<'END'
usage: rpm_repository.sh FOLDER make                          # empty system, empty repositories
       rpm_repository.sh FOLDER package REPO NAME VERSION     # REPO: base, security
       rpm_repository.sh FOLDER publish                       # what was made since is offered
       rpm_repository.sh FOLDER dnf WORDS...                  # dnf, on that system

package reads from the environment: REQUIRES (a name), LUA and LAST (scripts behind its installation,
and behind all of them; rpm runs them itself: the system has no shell). What is in the repository
security has an advisory.
END
}

[ $# -ge 2 ] || { usage >&2; exit 2; }
folder=$(realpath -m "$1")
root=$folder/root

make() {
  mkdir -p "$folder"/{base,security} "$root"/{boot,usr,etc/dnf/plugins,etc/yum.repos.d,var/lib/dnf}
  cat >"$root/etc/dnf/dnf.conf" <<END
[main]
gpgcheck=0
pluginconfpath=$root/etc/dnf/plugins
END
  printf '[main]\nenabled=0\n' >"$root/etc/dnf/plugins/local.conf"
  printf '[main]\nenabled=1\nlocklist = %s\n' "$root/etc/dnf/plugins/versionlock.list" \
    >"$root/etc/dnf/plugins/versionlock.conf"
  touch "$root/etc/dnf/plugins/versionlock.list"
  local repository
  for repository in base security; do
    printf '[%s]\nname=%s\nbaseurl=file://%s\n' "$repository" "$repository" \
      "$folder/$repository" >"$root/etc/yum.repos.d/$repository.repo"
  done
}

package() {
  local repository=$1 name=$2 version=$3 spec=$folder/$2.spec
  {
    printf 'Name: %s\nVersion: %s\nRelease: 1\nSummary: for tests\nLicense: none\n' \
      "$name" "$version"
    echo 'BuildArch: noarch'
    [ -z "${REQUIRES:-}" ] || echo "Requires: $REQUIRES"
    printf '%%description\nfor tests\n%%install\nmkdir -p %%{buildroot}/opt/%s %%{buildroot}/etc\n' \
      "$name"
    printf 'echo %s >%%{buildroot}/opt/%s/version\n' "$version" "$name"
    printf 'echo %s >%%{buildroot}/etc/%s.conf\n' "$version" "$name"
    [ -z "${LUA:-}" ] || printf '%%post -p <lua>\n%s\n' "$LUA"
    [ -z "${LAST:-}" ] || printf '%%posttrans -p <lua>\n%s\n' "$LAST"
    printf '%%files\n/opt/%s\n%%config(noreplace) /etc/%s.conf\n' "$name" "$name"
  } >"$spec"
  rpmbuild -bb --quiet --define "_topdir $folder/top" --define "_rpmdir $folder/$repository" \
    --define '_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm' "$spec" >/dev/null
}

advisories() {
  local file name version
  echo '<?xml version="1.0"?><updates>'
  for file in "$folder"/security/*.rpm; do
    [ -e "$file" ] || continue
    name=$(basename "$file" -1.noarch.rpm)
    version=${name##*-}
    name=${name%-*}
    cat <<END
<update from="x@example.invalid" status="stable" type="security" version="1">
<id>ADVISORY-$name</id><title>$name</title><issued date="2026-11-01 00:00:00"/>
<updated date="2026-11-01 00:00:00"/><severity>Important</severity><summary>s</summary>
<description>d</description><references/><pkglist><collection short="T"><name>T</name>
<package name="$name" version="$version" release="1" epoch="0" arch="noarch" src="x.src.rpm">
<filename>$(basename "$file")</filename></package></collection></pkglist></update>
END
  done
  echo '</updates>'
}

publish() {
  createrepo_c -q "$folder/base"
  createrepo_c -q "$folder/security"
  advisories >"$folder/updateinfo.xml"
  modifyrepo_c --mdtype=updateinfo "$folder/updateinfo.xml" "$folder/security/repodata" \
    >/dev/null 2>&1
}

case $2 in
  make) make ;;
  package) package "$3" "$4" "$5" ;;
  publish) publish ;;
  dnf) shift 2; HOME=/root LC_ALL=C exec dnf -q -y --installroot="$root" "$@" ;;
  *) usage >&2; exit 2 ;;
esac
