#!/bin/bash
# A throw-away PostgreSQL server for tests: its own data folder, its own free port, no fsync. Never touches the machine's own cluster.
#
#   tests/support/postgres.sh start DIR [--tls] [--fsync] [--with PID] [--set NAME=VALUE]…
#   tests/support/postgres.sh stop DIR          stops it and keeps its data; start starts it again on the same port
#   tests/support/postgres.sh remove DIR        stops it and deletes DIR
#
# start prints KEY=VALUE lines: host, port, superuser, database, sockdir, log, data and, with --tls, sslrootcert. The superuser may log in
# without a password from this machine; every other role needs SCRAM (over TLS alone, with --tls). All three may be repeated.
#
# Run as root, the server runs as user postgres, since initdb refuses root; else as whoever runs it. With --with, the server and DIR go
# when that process is gone, however it went.
set -euo pipefail
self=$(realpath "${BASH_SOURCE[0]}")

die() { echo "postgres.sh: $*" >&2; exit 1; }
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[[ -n ${REMIT_PG_BIN:-} ]] && bin=$REMIT_PG_BIN
[[ -n $bin ]] || die "no PostgreSQL server is installed; hint: apt-get install postgresql-15"

as_server() {
  if [[ $(id -u) == 0 ]]; then setpriv --reuid=postgres --regid=postgres --init-groups --reset-env -- "$@"; else "$@"; fi
}
running() { [[ -f $dir/data/postmaster.pid ]] && as_server "$bin/pg_ctl" -D "$dir/data" status >/dev/null 2>&1; }

make_certificates() {  # a CA of its own, and a server certificate for 127.0.0.1 and localhost
  local t=$dir/tls
  mkdir -p "$t"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj "/CN=throw-away CA" \
    -keyout "$t/ca.key" -out "$t/ca.crt" 2>/dev/null
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=localhost" -keyout "$t/server.key" -out "$t/server.csr" 2>/dev/null
  openssl x509 -req -in "$t/server.csr" -CA "$t/ca.crt" -CAkey "$t/ca.key" -CAcreateserial -days 30 \
    -extfile <(echo "subjectAltName=DNS:localhost,IP:127.0.0.1") -out "$t/server.crt" 2>/dev/null
  chmod 600 "$t/server.key" "$t/ca.key"
  [[ $(id -u) == 0 ]] && chown -R postgres: "$t"
  chmod 755 "$t"
}

create() {
  mkdir -p "$dir"
  [[ $(id -u) == 0 ]] && chown postgres: "$dir"
  chmod 755 "$dir"
  as_server test -x "$dir" -a -w "$dir" || die "user postgres cannot reach \`$dir\`; hint: choose a folder below /tmp"
  as_server "$bin/initdb" -D "$dir/data" -U postgres --no-sync --no-instructions -E UTF8 --locale=C.UTF-8 -A trust >"$dir/initdb.log" 2>&1 ||
    die "initdb failed: $(tail -n 3 "$dir/initdb.log")"
  local sock=$dir/s
  (( ${#sock} > 80 )) && sock=$(mktemp -d /tmp/remit-pg.XXXXXX)
  mkdir -p "$sock"
  [[ $(id -u) == 0 ]] && chown postgres: "$sock"
  chmod 755 "$sock"
  echo "$sock" >"$dir/sockdir"
  {
    echo "listen_addresses = '127.0.0.1'"
    echo "unix_socket_directories = '$sock'"
    echo "max_connections = 200"
    echo "max_prepared_transactions = 20"
    echo "password_encryption = 'scram-sha-256'"
    echo "log_line_prefix = '%m [%p] %u@%d/%a '"
    if [[ $fsync == 0 ]]; then printf 'fsync = off\nfull_page_writes = off\n'; fi
    if [[ $tls == 1 ]]; then
      printf "ssl = on\nssl_cert_file = '%s'\nssl_key_file = '%s'\n" "$dir/tls/server.crt" "$dir/tls/server.key"
    fi
  } >"$dir/extra.conf"
  for setting in "${settings[@]}"; do echo "${setting%%=*} = '${setting#*=}'" >>"$dir/extra.conf"; done
  [[ $tls == 1 ]] && make_certificates
  {
    echo "local all postgres trust"
    echo "host all postgres 127.0.0.1/32 trust"
    echo "local all all scram-sha-256"
    if [[ $tls == 1 ]]; then echo "hostssl all all 127.0.0.1/32 scram-sha-256"; else echo "host all all 127.0.0.1/32 scram-sha-256"; fi
  } >"$dir/hba.conf"
  cat "$dir/extra.conf" | as_server tee -a "$dir/data/postgresql.conf" >/dev/null
  cat "$dir/hba.conf" | as_server tee "$dir/data/pg_hba.conf" >/dev/null
}

launch() {  # on the port that it had before, or on a free one
  for attempt in $(seq 20); do
    local port
    if [[ -f $dir/port ]]; then
      port=$(<"$dir/port")
    else
      port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
      (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && continue
    fi
    # The server outlives this script, so it must not hold the caller's pipes.
    if as_server "$bin/pg_ctl" -D "$dir/data" -l "$dir/data/server.log" -o "-p $port" -w -t 60 start </dev/null >"$dir/start.log" 2>&1; then
      echo "$port" >"$dir/port"
      return
    fi
    [[ -f $dir/port ]] && break
  done
  die "the server does not start: $(tail -n 3 "$dir/data/server.log" 2>/dev/null)"
}

stop() { if running; then as_server "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1 || true; fi; }
remove() {
  stop
  local sock
  sock=$(cat "$dir/sockdir" 2>/dev/null || true)
  [[ $sock == /tmp/remit-pg.* ]] && rm -rf "$sock"
  rm -rf "$dir"
}

[[ $# -ge 2 ]] || die "usage: postgres.sh start|stop|remove DIR [--tls] [--fsync] [--with PID] [--set NAME=VALUE]…"
command=$1
dir=$(realpath -m "$2")
shift 2
tls=0 fsync=0 with="" settings=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --tls) tls=1 ;;
    --fsync) fsync=1 ;;
    --with) with=$2; shift ;;
    --set) settings+=("$2"); shift ;;
    *) die "unknown flag \`$1\`" ;;
  esac
  shift
done
cd /

case $command in
  start)
    [[ -d $dir/data/base && -f $dir/hba.conf ]] || create
    running || launch
    if [[ -n $with && ! -f $dir/watched ]]; then
      touch "$dir/watched"
      setsid bash -c 'while kill -0 "$1" 2>/dev/null && [[ -d $2 ]]; do sleep 1; done; [[ -d $2 ]] && exec "$0" remove "$2"' \
        "$self" "$with" "$dir" </dev/null >/dev/null 2>&1 &
    fi
    printf 'host=127.0.0.1\nport=%s\nsuperuser=postgres\ndatabase=postgres\nsockdir=%s\nlog=%s\ndata=%s\n' \
      "$(<"$dir/port")" "$(<"$dir/sockdir")" "$dir/data/server.log" "$dir/data"
    if [[ -f $dir/tls/ca.crt ]]; then echo "sslrootcert=$dir/tls/ca.crt"; fi
    ;;
  stop) stop ;;
  remove) remove ;;
  *) die "unknown command \`$command\`" ;;
esac
