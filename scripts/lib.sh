# Shared by the scripts of this folder; to be sourced. Talks to the terminal, makes a scratch folder that vanishes with the
# script, and runs a private PostgreSQL cluster in it (as another user where the caller is root, since PostgreSQL refuses root).
# shellcheck shell=bash

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
jobs=$(nproc)

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
else
  bold='' dim='' green='' red='' plain=''
fi

say() { printf '%s%s%s\n' "$bold" "$*" "$plain"; }
note() { printf '%s%s%s\n' "$dim" "$*" "$plain"; }
die() {
  printf '%s%s: %s%s\n' "$red" "$(basename "$0")" "$*" "$plain" >&2
  exit 1
}

# quietly LOG SECONDS COMMAND...: runs it with its output in LOG, shown only when it fails.
quietly() {
  local log=$1 limit=$2
  shift 2
  if ! timeout --kill-after=10 "$limit" "$@" >"$log" 2>&1 </dev/null; then
    tail -n 60 "$log" >&2
    printf '%s%s failed (the whole output: %s)%s\n' "$red" "$1" "$log" "$plain" >&2
    return 1
  fi
}

# build PRESET TARGET...: configures and builds one preset.
build() {
  local preset=$1
  shift
  mkdir -p "$repo/build"
  (cd "$repo" &&
    quietly "build/configure-$preset.log" 300 cmake --preset "$preset" &&
    quietly "build/build-$preset.log" 3000 cmake --build --preset "$preset" -j "$jobs" ${1:+--target "$@"})
}

# ---- scratch folder ---------------------------------------------------------------------------------------------------------
# make_scratch [PARENT]: sets $scratch. Everything that was started below it ends, and the folder goes, when the script ends.
scratch=
at_exit=()
make_scratch() {
  scratch=$(mktemp -d "${1:-${TMPDIR:-/tmp}}/surveysync.XXXXXX")
  chmod 711 "$scratch"
  trap leave EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}
leave() {
  local status=$? i
  trap '' INT TERM HUP
  for ((i = ${#at_exit[@]} - 1; i >= 0; i--)); do
    eval "${at_exit[i]}" >/dev/null 2>&1 </dev/null
  done
  [ -z "$scratch" ] || rm -rf "$scratch"
  exit "$status"
}

# stop_process PID: asks, then insists.
stop_process() {
  local i
  kill "$1" 2>/dev/null || return 0
  for ((i = 0; i < 50; i++)); do
    kill -0 "$1" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -9 "$1" 2>/dev/null
}

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.1
  done
}

# ---- private PostgreSQL -----------------------------------------------------------------------------------------------------
# start_cluster [SETTING...]: a cluster on a socket below $scratch; sets $pg_bin, $pg_data, $pg_socket, $pg_uri, $pg_pid.
start_cluster() {
  local setting options owner
  pg_bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin -type d 2>/dev/null | sort -V | tail -n 1)
  [ -x "$pg_bin/postgres" ] || die "no PostgreSQL server below /usr/lib/postgresql"
  pg_data=$scratch/cluster/data pg_socket=$scratch/cluster/socket
  mkdir -p "$pg_socket"
  as_owner=()
  if [ "$(id -u)" -eq 0 ]; then
    owner=postgres
    as_owner=(runuser -u "$owner" --)
    chown -R "$owner" "$scratch/cluster"
  fi
  chmod -R go= "$scratch/cluster"
  cd "$scratch" || die "cannot enter $scratch"
  quietly "$scratch/initdb.log" 120 "${as_owner[@]}" "$pg_bin/initdb" -D "$pg_data" -U surveysync -A trust -E UTF8 --locale=C.UTF-8
  options="-c listen_addresses='' -c unix_socket_directories='$pg_socket' -c logging_collector=off"
  for setting in "$@"; do options+=" -c $setting"; done
  quietly "$scratch/pg_ctl.log" 120 "${as_owner[@]}" "$pg_bin/pg_ctl" -D "$pg_data" -w -s -l "$scratch/cluster/log" -o "$options" start
  at_exit+=('timeout 60 "${as_owner[@]}" "$pg_bin/pg_ctl" -D "$pg_data" -m immediate -w stop')
  cd - >/dev/null || true
  pg_pid=$(head -n 1 "$pg_data/postmaster.pid")
  psql_in postgres -c 'CREATE DATABASE warehouse' >/dev/null
  pg_uri="postgresql:///warehouse?host=$(percent_encode "$pg_socket")&user=surveysync"
}
percent_encode() {
  local text=$1 i c
  for ((i = 0; i < ${#text}; i++)); do
    c=${text:i:1}
    case "$c" in
      [a-zA-Z0-9/._~-]) printf '%s' "$c" ;;
      *) printf '%s' "$c" | od -An -v -tx1 | tr -d '\n' | sed 's/ /%/g' ;;
    esac
  done
}
# psql_in DATABASE ARG...: psql as the owner of the private cluster, quiet, stopping at the first error.
psql_in() {
  local database=$1
  shift
  PGOPTIONS='-c client_min_messages=warning' PSQLRC=/dev/null \
    "$pg_bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$pg_socket" -U surveysync -d "$database" "$@"
}
