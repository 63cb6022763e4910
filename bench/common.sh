# shellcheck shell=bash
# What all peers stand on: a control group for each, a certificate for all, packages. Sourced by compare.sh.
#
# A peer is a file peers/NAME.sh with functions that are called in a shell of their own:
#   install     what is missing on this machine; says what it does
#   prepare     configuration and users, once; HOME_DIR is the peer's own directory
#   command_of  sets COMMAND, the words that start it in the foreground
#   version     one line
#   config      the configuration, as text
#   data        the directory whose size is told
# and PORT: IMAP over TLS is there, LMTP on the port behind it.

die() {
    echo "compare.sh:" "$@" >&2
    exit 2
}

say() {
    printf '%(%H:%M:%S)T %s\n' -1 "$*" >&2
}

# --- Packages ----------------------------------------------------------------------------------------------------

is_installed() {
    dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed
}

# Installs Debian packages that are not there. Nothing of them may start by itself: a Dovecot would, on port 143.
install_packages() {
    local package missing=()
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    [ "${#missing[@]}" -gt 0 ] || return 0
    [ "$(id -u)" = 0 ] || die "needs root to install ${missing[*]}; or install them first"
    say "installing from Debian: ${missing[*]}"
    local policy=/usr/sbin/policy-rc.d
    (
        umask 022
        export DEBIAN_FRONTEND=noninteractive
        if [ ! -e "$policy" ]; then
            trap 'rm -f "$policy"' EXIT
            printf '#!/bin/sh\nexit 101\n' >"$policy"
            chmod 755 "$policy"
        fi
        apt-get update -qq
        apt-get install -qq -y --no-install-recommends -o DPkg::Lock::Timeout=300 "${missing[@]}" >/dev/null
    )
}

# --- Certificate and password ------------------------------------------------------------------------------------

make_secrets() {
    CERTIFICATE=$WORK/tls/certificate.pem KEY=$WORK/tls/key.pem PASSWORD=$WORK/password
    mkdir -p "$WORK/tls"
    # No authority: a certificate that could sign others may not be a server's own, says rustls.
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
        -config <(printf '%s\n' '[req]' 'distinguished_name=dn' 'x509_extensions=ext' 'prompt=no' '[dn]' 'CN=localhost' \
            '[ext]' 'basicConstraints=critical,CA:FALSE' 'subjectAltName=DNS:localhost,IP:127.0.0.1') \
        -keyout "$KEY" -out "$CERTIFICATE" 2>/dev/null || die "openssl could not make a certificate"
    openssl rand -hex 12 >"$PASSWORD"
    # Cyrus reads the key as another user than root; it is worth nothing to anybody.
    chmod 644 "$KEY" "$CERTIFICATE" "$PASSWORD"
}

# --- Processes ---------------------------------------------------------------------------------------------------

# A control group counts the CPU of processes that have ended as well. Its directory for a peer, if this machine lets us
# make one.
control_group() {
    local root
    for root in /sys/fs/cgroup/cpuacct /sys/fs/cgroup; do
        if [ -e "$root/cpuacct.usage" ] || [ -e "$root/cgroup.controllers" ]; then
            echo "$root/gatepost-compare-$$-$1"
            return
        fi
    done
}

group_file() { # the group's, where there is one
    [ -n "$GROUP" ] && [ -e "$GROUP/$1" ]
}

# Starts the words of COMMAND in the peer's group, in a session of its own.
launch() {
    local place
    for place in "$PORT" $((PORT + 1)); do
        ! is_open "$place" || die "something else listens on port $place, and would be measured"
    done
    [ -z "$GROUP" ] || mkdir -p "$GROUP" 2>/dev/null || GROUP=""
    begin
    wait_for_port "$PORT"
    wait_for_port $((PORT + 1))
}

# The same, and nothing is waited for.
begin() {
    (
        ! group_file cgroup.procs || echo "$BASHPID" >"$GROUP/cgroup.procs"
        ulimit -n "$(ulimit -Hn)"
        exec setsid "${COMMAND[@]}" </dev/null >>"$HOME_DIR/output" 2>&1
    ) &
    echo $! >"$HOME_DIR/pid"
}

processes() {
    if group_file cgroup.procs; then
        cat "$GROUP/cgroup.procs"
    elif [ -s "$HOME_DIR/pid" ]; then
        pgrep --session "$(cat "$HOME_DIR/pid")" || true
    fi
}

halt() {
    [ -s "$HOME_DIR/pid" ] || return 0
    kill "$(cat "$HOME_DIR/pid")" 2>/dev/null || true
    wait_until 100 is_gone || processes | xargs --no-run-if-empty kill -KILL 2>/dev/null || true
    wait_until 100 is_gone || say "$NAME: processes are left: $(processes | tr '\n' ' ')"
    rm -f "$HOME_DIR/pid"
    [ -z "$GROUP" ] || rmdir "$GROUP" 2>/dev/null || true
}

# Ends the peer as a crash would.
kill_at_once() {
    processes | xargs --no-run-if-empty kill -KILL
    until is_gone; do sleep 0.01; done
}

is_gone() {
    [ -z "$(processes)" ]
}

is_open() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

wait_for_port() {
    wait_until 600 is_open "$1" && return
    tail -n 20 "$HOME_DIR/output" >&2
    die "$NAME: nothing listens on port $1"
}

wait_until() { # tenths of a second, a question
    local tries=$1
    shift
    while [ "$tries" -gt 0 ]; do
        ! "$@" || return 0
        sleep 0.1
        tries=$((tries - 1))
    done
    return 1
}

# CPU that the peer has used, in microseconds.
used() {
    if group_file cpuacct.usage; then
        echo $(($(cat "$GROUP/cpuacct.usage") / 1000))
    elif group_file cpu.stat; then
        awk '$1 == "usage_usec" { print $2 }' "$GROUP/cpu.stat"
    else
        echo 0
    fi
}

# Waits until the peer rests: what it does behind a workload is not to be charged to the next.
settle() {
    local before after tries=60
    before=$(used)
    while [ "$tries" -gt 0 ]; do
        sleep 0.5
        after=$(used)
        [ $((after - before)) -ge 10000 ] || return 0
        before=$after tries=$((tries - 1))
    done
    say "$NAME: still at work after 30 s"
}

# What tells `gatepost bench` whom to watch.
watched() {
    if group_file cgroup.procs; then echo "--cgroup=$GROUP"; else echo "--pid=$(cat "$HOME_DIR/pid")"; fi
}
