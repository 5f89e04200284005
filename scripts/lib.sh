# What the scripts share. Sourced, not run.

say() { printf 'keel: %s\n' "$*" >&2; }

fail() {
  printf 'keel: %s\n' "$*" >&2
  exit 1
}

# quietly NAME COMMAND…: silent when it succeeds; all of its output, and the end of us, when it does not.
quietly() {
  local name=$1 log status=0
  shift
  log=$(mktemp)
  "$@" >"$log" 2>&1 </dev/null || status=$?
  [ "$status" -eq 0 ] || cat "$log" >&2
  rm -f "$log"
  [ "$status" -eq 0 ] || fail "$name failed (exit code $status): $*"
}

have_swift() { command -v swift >/dev/null; }

# within SECONDS COMMAND…: repeats the command until it succeeds; false when time is up.
within() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.1
  done
}

# A TCP port on 127.0.0.1 that nobody listens on.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 10000))
    (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  done
  echo "$port"
}

# The processes that have TEXT in their command line. (Through a pipe: grep's own must not have it.)
processes_of() {
  local file
  for file in $(grep -lsaF -f - /proc/[0-9]*/cmdline <<<"$1"); do
    file=${file#/proc/}
    echo "${file%/cmdline}"
  done
}

# nothing_left TEXT: fails, and names them, if such processes are still there after a moment.
nothing_left() {
  local process
  none_of() { [ -z "$(processes_of "$1")" ]; }
  within 5 none_of "$1" && return
  for process in $(processes_of "$1"); do
    printf 'left: %s %s\n' "$process" "$(tr '\0' ' ' 2>/dev/null <"/proc/$process/cmdline")" >&2
  done
  fail "processes are left"
}

alive() { kill -0 "$1" 2>/dev/null; }
gone() { ! alive "$1"; }

browse() { # ARGUMENTS…: a browser without a window, with a profile of its own below the caller's $folder
  # A container has no user namespaces for its sandbox; the pages are ours.
  timeout 60 chromium --headless --no-sandbox --disable-gpu --hide-scrollbars \
    --user-data-dir="$(mktemp -d "$folder/profile.XXXXXX")" --no-first-run --disable-background-networking "$@" 2>/dev/null
}
read_page() { # FILE URL ARGUMENTS…: the page as the browser leaves it; now and then one ends well and has printed nothing
  local try
  for try in 1 2 3; do
    browse "${@:3}" --dump-dom "$2" >"$1" || true
    grep -q '</html>' "$1" && return
  done
  fail "a browser gave no page of $2 in $try attempts ($(wc -c <"$1") bytes)"
}
