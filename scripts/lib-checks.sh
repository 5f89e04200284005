# What the checks of a running program share: a folder of their own, keel serve, a PostgreSQL beside it. Sourced after
# lib.sh; moves to the folder.

folder=$(mktemp -d)
chmod 755 "$folder" # as root the servers run as postgres, which has to pass through
started=()
cleanup() {
  local status=$? process log
  for process in "${started[@]}"; do kill -9 "$process" 2>/dev/null || true; done
  if [ "$status" -ne 0 ]; then
    for log in "$folder"/*.log; do
      [ -s "$log" ] && { echo "--- ${log##*/}"; tail -n 40 "$log"; } >&2
    done
  fi
  # What a killed server had started may still write for a moment.
  within 5 rm -rf "$folder" || true
}
trap cleanup EXIT
cd "$folder"
unset DATABASE_URL PGHOST PGPORT PGUSER PGDATABASE PGPASSWORD PGSERVICE

get() { curl --silent --show-error --max-time 5 "$@"; }
status_of() { get --output /dev/null --write-out '%{http_code}' "$1"; }
answers() { [ "$(status_of "$1")" = "$2" ]; }
expect_status() { answers "$1" "$2" || fail "GET $1 answered $(status_of "$1"), not $2"; }

serve_in() { # FOLDER NAME ARGUMENTS…: starts keel serve there in the background, its output in NAME.log; the process is $!
  # A script's background processes begin with SIGINT ignored, those of a terminal or a service do not.
  env --chdir="$1" --default-signal=INT,QUIT "$keel" serve "${@:3}" >"$2.log" 2>&1 &
  started+=($!)
}
serve() { serve_in . "$@"; } # NAME ARGUMENTS…: in the checks' folder
serve_fresh() { # NAME ARGUMENTS…: in an empty folder NAME
  mkdir "$1"
  serve_in "$1" "$@"
}
refused() { # PROCESS SECONDS WHAT: waits for its end, which has to be a failure
  within "$2" gone "$1" || fail "$3 still runs after $2 s"
  ! wait "$1" || fail "$3 ended with exit code 0"
}
ends_with() { # PROCESS CODE SECONDS WHAT: waits for its end and checks the exit code
  local code=0
  within "$3" gone "$1" || fail "$4 still runs after $3 s"
  wait "$1" || code=$?
  [ "$code" -eq "$2" ] || fail "$4 ended with exit code $code, not $2"
}

embedded_server() { head -n 1 "$1/.keel/postgres/data/postmaster.pid"; } # FOLDER: the process of its private server

signal_server() { # SIGNAL PROCESS: to the server and everything it started
  local stat process parent processes=("$2")
  for stat in /proc/[0-9]*/stat; do
    read -r process _ _ parent _ 2>/dev/null <"$stat" || continue
    [ "$parent" != "$2" ] || processes+=("$process")
  done
  kill "-$1" "${processes[@]}" 2>/dev/null || true
}

# A PostgreSQL that wants a password, on a free port of 127.0.0.1. It ends with the script. Sets external_port; the role
# is keel, the database postgres.
start_external_server() { # PASSWORD
  local bin as=()
  bin=$(compgen -G '/usr/lib/postgresql/1[3-8]/bin/initdb' | sort -V | tail -n 1 || command -v initdb)
  bin=${bin%/initdb}
  mkdir external
  echo "$1" >external/password
  if [ "$(id -u)" -eq 0 ]; then
    as=(setpriv --reuid=postgres --regid=postgres --clear-groups --)
    chown -R postgres external
  fi
  quietly initdb env --chdir=external "${as[@]}" \
    "$bin/initdb" -D data -U keel -A scram-sha-256 --pwfile=password -E UTF8 --locale=C --no-sync
  external_port=$(free_port)
  env --chdir=external "${as[@]}" "$bin/postgres" -D data -p "$external_port" -c fsync=off \
    -c listen_addresses=127.0.0.1 -c unix_socket_directories= >external.log 2>&1 &
  started+=($!)
  disown # no word from the shell when it is killed at the end
  within 30 "$bin/pg_isready" -q -h 127.0.0.1 -p "$external_port" || fail "the throw-away PostgreSQL does not answer"
}

# A service manager's socket, $folder/notify; what arrives there stands in notify.log.
start_service_manager() {
  python3 -u - notify >notify.log <<'EOF' &
import socket, sys
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1])
while True:
    print(manager.recv(4096).decode(), flush=True)
EOF
  started+=($!)
  disown
  within 5 test -S notify || fail "the service manager's socket is not there"
}
notified() { grep -qx "$1" notify.log; }
