#!/usr/bin/env bash
# Measures IMAP servers side by side on this machine: Dovecot and Cyrus as Debian has them, and Gatepost.
#
#   bench/compare.sh                     everything; takes an hour or more
#   bench/compare.sh --quick             the same with small numbers; some minutes
#   bench/compare.sh --scale             Gatepost alone, with mailboxes of up to a million messages and 15,000 sessions; half an
#                                        hour
#   cargo xtask performance RESULT       makes docs/performance.md of what came of it
#
#   --servers LIST     of dovecot,cyrus,gatepost (all of them); a server is a file in bench/peers
#   --workloads LIST   of those of `gatepost bench` (all of them), run in the order in which they are listed below
#   --messages LIST    sizes of the large mailbox, in ascending order (1000,10000,100000)
#   --rounds N         how often each server is measured, in turn with the others (3)
#   --seconds N        how long what is bounded by time goes on (4)
#   --users N          accounts (100)
#   --idle N           sessions of `idle` (1000); each takes a file of the server and one of the load (ulimit -n)
#   --wake N           with --scale: how many of them hear of mail (1000)
#   --gatepost FILE    the binary, which is the load generator too (target/release/gatepost, built if it is not there)
#   --output FILE      where the result goes, a JSON object on each line (compare-DATE.jsonl)
#   --remark TEXT      sentences for the page: what else ran on the machine
#   --work DIR         where servers keep everything (a new directory in TMPDIR or /tmp); what is compared is its disk
#   --keep             leave that directory there
#
# Needs Debian and root: to install Dovecot (it is not started as a service) and to be the user that a server wants to be.
# Cyrus is unpacked below the work directory. Servers listen on 127.0.0.1 alone, with accounts of their own. All is stopped
# and removed at the end, also on Ctrl-C; Debian's packages stay.

# Each function of a peer runs in a shell of its own, with a NAME and a HOME_DIR of its own.
# shellcheck disable=SC2030,SC2031
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
readonly HERE
# shellcheck source=bench/common.sh
. "$HERE/common.sh"

# In this order: what comes behind `fill` looks at the large mailbox as it was filled; `copymove` and `resync` add copies.
readonly WORKLOADS_ALL=login,append,lmtp,list,push,idle,fill,sync,search,flags,bodies,copymove,resync,mixed
# Measured once: what it costs does not change from round to round, or to repeat it would take too long.
readonly ONCE=" list idle fill copymove resync mixed "
# Measured with every size of the large mailbox; the others with the largest.
readonly SCALED=" fill sync search flags resync "
# What --scale measures: each with a server that was started just before, but for the first.
readonly SCALE_ALL=fill,resync,sync,flags,idle
# Seconds after which a workload is given up.
readonly PATIENCE=3600

# --- What is asked for -------------------------------------------------------------------------------------------

usage() {
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
}

usual() {
    SERVERS=dovecot,cyrus,gatepost WORKLOADS=$WORKLOADS_ALL MESSAGES=1000,10000,100000
    ROUNDS=3 SECONDS_EACH=4 USERS=100 IDLE=1000 WAKE=1000 LIMITS=usual
    GATEPOST="" WORK="" REMARK="" AFTERWARDS=remove
    OUTPUT=compare-$(date +%Y%m%d-%H%M%S).jsonl
}

read_arguments() {
    while [ $# -gt 0 ]; do
        case $1 in
        --help | -h) usage && exit 0 ;;
        --quick) MESSAGES=300,3000 ROUNDS=2 SECONDS_EACH=1 USERS=16 IDLE=300 LIMITS=quick && shift && continue ;;
        --scale)
            SERVERS=gatepost WORKLOADS=$SCALE_ALL MESSAGES=1000,10000,100000,1000000 ROUNDS=1 USERS=200 IDLE=15000 LIMITS=scale
            OUTPUT=scale-${OUTPUT#compare-} && shift && continue
            ;;
        --keep) AFTERWARDS=keep && shift && continue ;;
        esac
        [ $# -gt 1 ] || die "$1 wants a value; see --help"
        case $1 in
        --servers) SERVERS=$2 ;;
        --workloads) WORKLOADS=$2 ;;
        --messages) MESSAGES=$2 ;;
        --rounds) ROUNDS=$2 ;;
        --seconds) SECONDS_EACH=$2 ;;
        --users) USERS=$2 ;;
        --idle) IDLE=$2 ;;
        --wake) WAKE=$2 ;;
        --gatepost) GATEPOST=$(realpath "$2") ;;
        --output) OUTPUT=$2 ;;
        --remark) REMARK=$2 ;;
        --work) WORK=$2 ;;
        *) die "what is $1? See --help" ;;
        esac
        shift 2
    done
}

check_arguments() {
    local name
    for name in ${SERVERS//,/ }; do
        [ -e "$HERE/peers/$name.sh" ] || die "there is no $HERE/peers/$name.sh"
    done
    for name in ${WORKLOADS//,/ }; do
        case ",$WORKLOADS_ALL," in *",$name,"*) ;; *) die "there is no workload $name" ;; esac
    done
    for name in ${MESSAGES//,/ } "$ROUNDS" "$SECONDS_EACH" "$USERS" "$IDLE" "$WAKE"; do
        [[ $name =~ ^[1-9][0-9]*$ ]] || die "$name is no number"
    done
    OUTPUT=$(realpath -m "$OUTPUT")
    [ ! -e "$OUTPUT" ] || die "$OUTPUT is there"
    [ "$SERVERS" = gatepost ] || [ "$(id -u)" = 0 ] || die "needs root for $SERVERS; without it only --servers gatepost"
}

# --- Peers -------------------------------------------------------------------------------------------------------

# Calls functions of a peer, in a shell of its own: each has the same names for them.
peer() (
    NAME=$1
    HOME_DIR=$WORK/$NAME
    GROUP=$(control_group "$NAME")
    # shellcheck source=/dev/null
    . "$HERE/peers/$NAME.sh"
    shift
    "$@"
)

set_up() {
    say "$NAME: preparing"
    install
    mkdir -p "$HOME_DIR"
    prepare
}

start() {
    command_of
    launch
}

restart() {
    halt
    start
}

# The same, and the kernel lets go of what it has read of the mail: so the server is behind a start of the machine.
restart_cold() {
    halt
    sync
    find "$(data)" -type f -exec dd if={} iflag=nocache count=0 status=none \;
    start
}

# A program that kills the peer and starts it anew, and does not wait until it is there; its name.
write_restart() {
    local program=$HOME_DIR/restart
    {
        echo "#!/usr/bin/env bash"
        declare -p HERE WORK NAME HOME_DIR GROUP GATEPOST CERTIFICATE KEY PASSWORD USERS
        # shellcheck disable=SC2016
        printf '%s\n' '. "$HERE/common.sh"' '. "$HERE/peers/$NAME.sh"' kill_at_once command_of begin
    } >"$program"
    chmod 755 "$program"
    echo "$program"
}

# --- Measuring ---------------------------------------------------------------------------------------------------

measure() { # workload, messages, round, state
    local workload=$1 messages=$2 round=$3 state=$4 status=0
    local rows=$WORK/rows errors=$WORK/errors arguments
    settle
    say "$NAME: $workload, $messages messages, round $round"
    mapfile -t arguments < <(arguments_of "$workload" "$messages")
    timeout --foreground "$PATIENCE" "$GATEPOST" bench "$workload" "${arguments[@]}" >"$rows" 2>"$errors" || status=$?
    [ "$status" -lt 128 ] || die "$workload was killed"
    # 1: an answer was wrong, and its row says so. A run that has no row says why it has none.
    if [ ! -s "$rows" ]; then
        jq -cn --arg workload "$workload" --arg why "no figures ($status): $(tail -n 1 "$errors")" \
            '{workload: $workload, variant: "", unit: "", ops: 0, wrong: [$why], notes: {}}' >"$rows"
    fi
    jq -c --arg server "$NAME" --argjson round "$round" --argjson messages "$messages" --arg state "$state" \
        --argjson load "$(cut -d ' ' -f 1 /proc/loadavg)" \
        '{kind: "row", $server, $round, $messages, $state, $load, row: .}' "$rows" >>"$OUTPUT"
    jq -r '"         " + (.row | "\(.variant): " + if .wrong == [] then "\(.server_cpu_us_per_op) us, p50 \(.p50_ms) ms"
        else "WRONG: \(.wrong[0])" end)' < <(tail -n "$(wc -l <"$rows")" "$OUTPUT") >&2
}

arguments_of() { # a line for each
    printf '%s\n' --json --quiet --host=localhost "--port=$PORT" "--lmtp=127.0.0.1:$((PORT + 1))" --x25519 \
        "--ca-file=$CERTIFICATE" "--user=user{0..$((USERS - 1))}" "--password-file=$PASSWORD" "$(watched)" \
        "--mailbox=bench-$2" "--messages=$2" --sizes=small
    case $1 in
    login | append | lmtp | mixed) echo "--seconds=$SECONDS_EACH" ;;
    idle)
        printf '%s\n' "--connections=$IDLE" "--seconds=$SECONDS_EACH"
        [ "$LIMITS" != scale ] || printf '%s\n' "--wake=$WAKE" "--restart=$(write_restart)"
        ;;
    fill) echo --keep ;;
    flags | resync | push) [ "$LIMITS" != quick ] || echo --count=20 ;;
    esac
}

# One workload with all servers in turn.
compare() { # workload, messages
    local rounds=$ROUNDS round name state
    case $ONCE in *" $1 "*) rounds=1 ;; esac
    for ((round = 1; round <= rounds; round++)); do
        for name in ${SERVERS//,/ }; do
            state=first
            if [ "$round" -gt 1 ]; then
                state=later
                # What a server has learnt of the mailbox and not kept is gone; the kernel's cache stays.
                [ "$1" != sync ] || { peer "$name" restart && state=restarted; }
            fi
            # Memory of sessions is seen best in a server that holds nothing else, and has let go of nothing that they could
            # use again. The first SELECT is only seen where there was none.
            case $1 in idle | resync) peer "$name" restart && state=restarted ;; esac
            peer "$name" measure "$1" "$2" "$round" "$state"
            [ "$1" != fill ] || peer "$name" weigh "$2"
        done
    done
}

# The disk that the mail takes, with everything else that the server keeps.
weigh() {
    settle
    local size
    size=$(du -s --block-size=1 "$(data)" | cut -f 1)
    jq -cn --arg server "$NAME" --argjson messages "$1" --argjson octets "$size" \
        '{kind: "disk", $server, $messages, $octets}' >>"$OUTPUT"
}

compare_all() {
    local workload messages largest=${MESSAGES##*,}
    for workload in ${WORKLOADS_ALL//,/ }; do
        case ",$WORKLOADS," in *",$workload,"*) ;; *) continue ;; esac
        case $SCALED in
        *" $workload "*) for messages in ${MESSAGES//,/ }; do compare "$workload" "$messages"; done ;;
        *) compare "$workload" "$largest" ;;
        esac
    done
}

# Of one server: what much mail in one mailbox costs, by how much it is, and what many sessions.
compare_scale() {
    local workload messages name=$SERVERS largest=${MESSAGES##*,}
    for messages in ${MESSAGES//,/ }; do
        for workload in ${WORKLOADS//,/ }; do
            case $workload in
            fill) peer "$name" measure fill "$messages" 1 first && peer "$name" weigh "$messages" ;;
            idle) ;;
            *) peer "$name" restart_cold && peer "$name" measure "$workload" "$messages" 1 restarted ;;
            esac
        done
    done
    case ",$WORKLOADS," in
    *,idle,*) peer "$name" restart_cold && peer "$name" measure idle "$largest" 1 restarted ;;
    esac
}

# --- What is known of the run ------------------------------------------------------------------------------------

# Microseconds of a write of 4 KiB that is synced, in the mean of 200, of which each server needs one to say OK.
sync_time() {
    local file=$WORK/sync
    dd if=/dev/zero of="$file" bs=4k count=200 conv=fsync status=none
    LC_ALL=C dd if=/dev/zero of="$file" bs=4k count=200 oflag=dsync conv=notrunc 2>&1 |
        awk -F ', ' '/copied/ { split($(NF - 1), time, " "); printf "%.0f\n", time[1] / 200 * 1e6 }'
    rm -f "$file"
}

tell_run() {
    local cpu memory
    cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
    memory=$(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo)
    jq -cn --arg date "$(date --utc +%Y-%m-%d)" --arg limits "$LIMITS" --arg cpu "${cpu:-$(uname -m)}" \
        --argjson cores "$(nproc)" --argjson memory "$memory" --arg kernel "$(uname -sr)" \
        --arg filesystem "$(findmnt -n -o FSTYPE -T "$WORK")" --argjson sync "$(sync_time)" \
        --argjson load "$(cut -d ' ' -f 1 /proc/loadavg)" --argjson rounds "$ROUNDS" --argjson seconds "$SECONDS_EACH" \
        --argjson users "$USERS" --argjson idle "$IDLE" --arg messages "$MESSAGES" --arg counted "$(counted)" --arg remark "$REMARK" \
        '{kind: "run", form: 1, $date, $limits, $cpu, $cores, memory_kib: $memory, $kernel, $filesystem, sync_us: $sync,
          $load, $rounds, $seconds, $users, $idle, messages: ($messages | split(",") | map(tonumber)), $counted, $remark}' >>"$OUTPUT"
}

counted() {
    local group
    group=$(control_group trial)
    if [ -n "$group" ] && mkdir "$group" 2>/dev/null; then
        rmdir "$group"
        echo "control group"
    else
        echo "processes"
    fi
}

tell_server() {
    jq -cn --arg server "$NAME" --arg version "$(version)" --arg config "$(config)" --arg work "$WORK" \
        '{kind: "server", $server, $version, config: ($config | split($work) | join("WORK"))}' >>"$OUTPUT"
}

tell_end() {
    jq -cn --argjson load "$(cut -d ' ' -f 1 /proc/loadavg)" --argjson sync "$(sync_time)" --argjson took "$SECONDS" \
        '{kind: "end", $load, sync_us: $sync, took_s: $took}' >>"$OUTPUT"
}

# --- Running it --------------------------------------------------------------------------------------------------

finish() {
    local status=$? name
    trap '' INT TERM
    for name in ${SERVERS//,/ }; do
        peer "$name" halt || true
    done
    case $AFTERWARDS in
    remove) rm -rf "$WORK" ;;
    keep) say "left there: $WORK" ;;
    esac
    exit "$status"
}

main() {
    usual
    read_arguments "$@"
    check_arguments
    if [ -z "$GATEPOST" ]; then
        GATEPOST=$HERE/../target/release/gatepost
        [ -x "$GATEPOST" ] || (cd "$HERE/.." && cargo build --release --locked --package gatepost)
        GATEPOST=$(realpath "$GATEPOST")
    fi
    # A directory of our own, also below one that is named: it is removed.
    WORK=$(mktemp -d "$(realpath "${WORK:-${TMPDIR:-/tmp}}")/gatepost-compare-XXXXXX")
    trap finish EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    # Servers have users of their own, who have to get below it.
    chmod 755 "$WORK"
    install_packages jq openssl procps
    make_secrets
    local name
    for name in ${SERVERS//,/ }; do
        peer "$name" set_up
    done
    tell_run
    for name in ${SERVERS//,/ }; do
        peer "$name" start
        peer "$name" tell_server
    done
    if [ "$LIMITS" = scale ]; then compare_scale; else compare_all; fi
    tell_end
    say "done in $SECONDS s: $OUTPUT"
}

main "$@"
