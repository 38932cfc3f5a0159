# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# A seat in the world: logind, LightDM and systemd as wardtapd sees them on the bus (tests/virtual/station), LightDM's
# true PAM conversations in its own control group, and taps without pcscd. Sourced after lib.bash.

# --- control groups: LightDM's processes are known by theirs

stage_leave_cgroup() {
        local i
        [ -n "${cgroup-}" ] || return 0
        echo $$ >/sys/fs/cgroup/cgroup.procs
        disown -a # or bash tells of each
        echo 1 >"$cgroup/cgroup.kill"
        for ((i = 0; i < 100; i++)); do
                find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null && return
                read -rt 0.02 <> <(:) || true # until the kernel has buried them
        done
}
# The script (process 1 here) moves to a group of its own: that is the root for whoever looks.
stage_cgroup() {
        local name
        name=wardtap-world-$(cut -c1-8 /proc/sys/kernel/random/uuid)
        if ! mount -t cgroup2 cgroup2 /sys/fs/cgroup 2>/dev/null || ! mkdir "/sys/fs/cgroup/$name" 2>/dev/null; then
                echo "skipped: no control groups can be made here"
                exit 77
        fi
        cgroup=/sys/fs/cgroup/$name
        trap stage_leave_cgroup EXIT
        echo $$ >"$cgroup/cgroup.procs"
        mkdir -p "$cgroup/system.slice/lightdm.service" "$cgroup/system.slice/dbus.service" "$cgroup/user.slice"
}

# --- the seat

stage_screen() {
        : >/run/world/tty0-active
        if [ -e /sys/class/tty/tty0/active ]; then
                mount --bind /run/world/tty0-active /sys/class/tty/tty0/active
        else
                mount -t tmpfs tmpfs /sys/class/tty
                mkdir /sys/class/tty/tty0
                ln -s /run/world/tty0-active /sys/class/tty/tty0/active
        fi
}
# start_seat: the stage; events go to station.log.
start_seat() {
        grep -q '^lightdm:' /etc/passwd || {
                echo 'lightdm:x:910:910::/var/lib/lightdm:/bin/false' >>/etc/passwd
                echo 'lightdm:x:910:' >>/etc/group
        }
        mkdir -p /run/systemd/sessions /run/systemd/users /run/systemd/seats
        rm -f station.in station.answers
        : >station.log
        mkfifo station.in station.answers
        exec {seat_in}<>station.in {seat_answers}<>station.answers
        "$B/tests/virtual/station_mock" "$B/tests/virtual/station_worker" "$cgroup" /run/world/tty0-active \
                "$B/helper/wardtap-switch" <station.in 3>station.answers >>station.log 2>>station.err &
        unit_pid[station]=$!
        await station.log ready
}
# seat COMMAND...: what it answers is in $said, without the "ok".
said=
seat() {
        local line
        printf '%s\n' "$*" >&"$seat_in"
        IFS= read -rt 20 line <&"$seat_answers" || { bad "the seat does not answer to: $*"; return 1; }
        case $line in
        "ok "* | ok) said=${line#ok} said=${said# } ;;
        *) bad "the seat says '$line' to: $*"; return 1 ;;
        esac
}

# --- taps

R1=Reader_1 R2=Reader_2
start_taps() {
        local device=${device_listen-/run/world/device.sock}
        run_unit device --restart --user wardtap-device --groups wardtap-device --listen "$device:0600:root" \
                --env "LD_PRELOAD=$B/tests/virtual/libvirtual-key-preload.so" -- "$B/devices/wardtap-device"
        rm -f taps.in taps.answers
        mkfifo taps.in taps.answers
        exec {taps_in}<>taps.in {taps_answers}<>taps.answers
        "$B/tests/virtual/taps" "$device" <taps.in >taps.answers 2>>taps.err &
        unit_pid[taps]=$!
        local line
        IFS= read -rt 20 line <&"$taps_answers" || { echo "no taps can be made"; exit 1; }
        taps reader "$R1"
}
taps() {
        local line
        printf '%s\n' "$*" >&"$taps_in"
        IFS= read -rt 200 line <&"$taps_answers" || { bad "the readers do not answer to: $*"; return 1; }
}

# start_stage: everything, with the rules in force, and LightDM's greeter in front.
start_stage() {
        stage_cgroup
        stage_screen
        start_journald
        cp "$T/virtual/station/lightdm-policy.conf" /etc/dbus-1/system.d/
        cp "$T/../packaging/station/lightdm-seat.conf" /etc/dbus-1/system-local.conf
        start_dbus
        start_seat
        start_taps
        start_wardtapd --listen /run/wardtap/input.sock:0600:root:input
        world_rules "$@"
        start_authd
        await_bus
}
# await_bus: wardtapd is on the bus, and watches readers and the seat's input.
await_bus() {
        local end=$((SECONDS + 20))
        until [ "$(busctl get-property org.wardtap.Station1 /org/wardtap/Station1 org.wardtap.Station1 Watching 2>&1)" = "b true" ]; do
                [ $SECONDS -lt $end ] || { bad "wardtapd is not on the bus"; return 1; }
                read -rt 0.05 <> <(:) || true
        done
        taps watched # wardtap-idle is there: nobody types unless the test says so
}

# tap_until FILE NUMBER ASKED ANSWERED: when FILE says ASKED, taps until it says ANSWERED: who asks a person to tap may
# begin to wait a moment later.
tap_until() {
        local end=$((SECONDS + 20)) i
        await "$1" "$3" 5 || return 1
        while [ $SECONDS -lt $end ]; do
                taps tap "$R1" "$2"
                for ((i = 0; i < 40; i++)); do
                        ! grep -q "$4" "$1" || return 0
                        read -rt 0.02 <> <(:) || true
                done
        done
        return 1
}
# enrol_tapping USER NUMBER [PIN]: a person with a badge; with a PIN, a key as well.
enrol_tapping() {
        local user=$1 number=$2
        wardtap person add "$user" >>"enrol.out" 2>&1 || { cat enrol.out; return 1; }
        : >enrol-badge.out
        "$B/tests/integration/pty_say" --timeout 30 -- wardtap badge enrol "$user" >enrol-badge.out 2>&1 &
        local cli=$!
        tap_until enrol-badge.out "$number" "Hold your badge" "once more" || return 1
        tap_until enrol-badge.out "$number" "once more" "now holds\|That was not\|belongs to" || return 1
        wait $cli || { cat enrol-badge.out; return 1; }
        [ $# -gt 2 ] || return 0
        key_in "$user"
        "$B/tests/integration/pty_say" --timeout 30 "PIN=$3" "PIN=$3" -- wardtap key enrol "$user" >>enrol.out 2>&1 || {
                cat enrol.out
                return 1
        }
        key_out "$user"
}

# --- what was seen

# mark_seat: seen and await_seat look at what comes from here on.
mark=0
mark_seat() { mark=$(wc -l <station.log); }
# await_seat TEXT [SECONDS]: an event that has come since mark_seat, or comes.
await_seat() {
        timeout "${2:-20}" grep -q -m1 -E -- "$1" < <(exec tail -n +$((mark + 1)) -F --sleep-interval=0.02 station.log 2>/dev/null) || {
                bad "waited ${2:-20} s for '$1' on the seat, which says:"
                tail -n +$((mark + 1)) station.log | sed 's/^/  | /'
                return 1
        }
}
seen() { tail -n +$((mark + 1)) station.log; }
# on_screen: "UID CLASS" of what the seat shows.
on_screen() {
        seat who
        # shellcheck disable=SC2086
        set -- $said
        printf '%s %s' "$2" "$3"
}
# event_count EVENT [MATCHES]: records of that event since the beginning.
event_count() {
        journalctl --sync
        journalctl -q -o cat --output-fields=WARDTAP_EVENT _UID=903 "WARDTAP_EVENT=$1" "${@:2}" | grep -c . || true
}
# last_of EVENT FIELD: what the last record of that event says there.
last_of() {
        journalctl --sync
        journalctl -q -o json -n 1 _UID=903 "WARDTAP_EVENT=$1" |
                python3 -c 'import json, sys; print(json.loads(sys.stdin.read() or "{}").get("WARDTAP_" + sys.argv[1], ""))' "$2"
}
# anon NAME: the anonymous memory of a unit, in kB.
anon() { awk '$1 == "RssAnon:" {print $2}' "/proc/$(main_pid "$1")/status"; }

# --- people at the seat

ANNA=04a1b2c3 BEN=04b1b2c4
# rest: the same badge is ignored for so long after it was used.
rest() { read -rt 3.2 <> <(:) || true; }
# tap NUMBER [READER]: each on the next reader, since each reader takes a badge that comes often for one that lies there.
next_reader=0
tap() {
        next_reader=$(((next_reader + 1) % 8))
        taps tap "${2-Reader_$((3 + next_reader))}" "$1"
}
# shows NAME WANTED: what is on the screen, "UID CLASS", or comes there soon.
shows() {
        local end=$((SECONDS + 4)) got
        while got=$(on_screen); [ "$got" != "$2" ] && [ $SECONDS -lt $end ]; do read -rt 0.1 <> <(:) || true; done
        is "$1" "$2" "$got"
        [ "$got" = "$2" ] || seen | tail -n 25 | sed 's/^/  | /'
}
# await_event EVENT COUNT NAME: so many records of the event.
await_event() {
        local end=$((SECONDS + 10)) n
        while n=$(event_count "$1"); [ "$n" -lt "$2" ]; do
                [ $SECONDS -lt $end ] || { bad "$3 (wanted $2 records of $1, there are $n)"; return 0; }
                read -rt 0.1 <> <(:) || true
        done
        ok "$3"
}
# session_of UID: the id of that person's session.
session_of() { grep -l "^UID=$1\$" /run/systemd/sessions/* | head -n 1 | sed 's|.*/||' || true; }
# full_sign_in USER UID NUMBER PIN: at the greeter, with the key; it stays in the port only for that.
full_sign_in() {
        key_in "$1"
        seat answer "$4"
        mark_seat
        tap "$3"
        await_seat "active [^ ]+ $2 user" 20 || true
        key_out "$1"
        seat answer
}
# to_greeter: whatever is in front, a greeter that waits is next.
to_greeter() {
        mark_seat
        seat greeter
        case $(on_screen) in *greeter) ;; *) await_seat 'active .* greeter' || true ;; esac
}

# --- what must hold whatever happens

# chain_whole: every record is there, and follows the one before.
chain_whole() {
        local end=$((SECONDS + 20)) said
        while :; do # what was queued for the journal may still come
                journalctl --sync
                said=$(python3 "$T/integration/check-chain" 2>&1) && break
                [ $SECONDS -lt $end ] || break
                read -rt 0.5 <> <(:) || true
        done
        case $said in
        "chain of "*) ok "${said/whole/records is whole}" ;;
        *) bad "the chain: $said" ;;
        esac
}
# trespasses: sessions of people that came to the screen though PAM had not let their owner in since somebody else's was
# there, one a line. What the test itself brought there ("intrude") does not count, as long as it is gone again.
trespasses() {
        awk -F '[ ]' '
                FILENAME == "/etc/passwd" { split($0, p, ":"); uid[p[1]] = p[3]; next }
                / lightdm [^:]*: auth 0 / { name = $0; sub(/.*: auth 0 [01] /, "", name); let_in[uid[name]] = 1 }
                $2 == "intrude" { intruded = $3; next }
                $2 == "active" && $5 == "user" {
                        if (!($4 in let_in) && $3 != intruded) print
                        if ($3 != intruded) { split("", only); if ($4 in let_in) only[$4] = 1; split("", let_in) ; for (u in only) let_in[u] = 1 }
                        intruded = ""
                }
                $2 == "active" && $5 != "user" { intruded = "" }
        ' /etc/passwd station.log
}
no_trespass() {
        local got
        got=$(trespasses)
        is "no session was on the screen without its owner" "" "$got"
}
