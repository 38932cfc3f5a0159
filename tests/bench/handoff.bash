# SPDX-License-Identifier: Apache-2.0
# What tests/bench/handoff measures, inside the station; it is sourced by each of its commands. Times are those of the
# clocks in the station: the bus is watched by busctl (realtime), PAM by uprobes in libpam (CLOCK_MONOTONIC), the rest
# is in the records, which have both.
# shellcheck shell=bash
# shellcheck source=tests/station/guest.bash
. /opt/station/guest.bash
B=$W/bench TRACE=/sys/kernel/tracing
mkdir -p $B

# watch_pam START AUTHENTICATE: where these two functions begin in libpam's file.
watch_pam() {
        local lib
        lib=$(realpath /lib/x86_64-linux-gnu/libpam.so.0)
        mountpoint -q $TRACE || mount -t tracefs tracefs $TRACE || return 1
        echo mono >$TRACE/trace_clock
        echo "p:bench/pam_start $lib:$1" >$TRACE/uprobe_events
        echo "r:bench/pam_verdict $lib:$2 code=\$retval:s32" >>$TRACE/uprobe_events
        echo 1 >$TRACE/events/bench/enable
        echo 1 >$TRACE/tracing_on
}
pam_times() { grep -E ' (pam_start|pam_verdict): ' $TRACE/trace; }

# watch_bus: who asks LightDM for what, and which session is active.
watch_bus() {
        background bench-bus busctl --json=short monitor --match="path='/org/freedesktop/login1/seat/seat0',type='signal'" \
                --match="interface='org.freedesktop.DisplayManager.Seat',type='method_call'"
        await 20 "busctl to watch" eval 'busctl call org.freedesktop.DisplayManager /org/freedesktop/DisplayManager/Seat0 org.freedesktop.DisplayManager.Seat AreYouThere 2>/dev/null; grep -q "\"AreYouThere\"" '$W/bench-bus.out
}
unwatch_bus() { systemctl stop bench-bus; }
bus_lines() { wc -l <$W/bench-bus.out; }
# await_bus LINES TEXT [SECONDS]: until a line after so many contains TEXT.
await_bus() {
        timeout "${3:-30}" grep -q -m1 -F -- "$2" < <(exec tail -n +$(($1 + 1)) -F --sleep-interval=0.1 $W/bench-bus.out 2>/dev/null)
}
# lay NUMBER READER: on reader 0 or 1.
lay() { background bench-badge $V/badge --number "$1" --port $((35963 + $2)); }
lift() {
        systemctl stop bench-badge 2>/dev/null
        timeout 20 $V/reader_empty "Virtual PCD 00 0$1" >&2
}
# tap_in NUMBER READER SESSION: until that session is active; prints when the badge was laid down.
tap_in() {
        local lines
        lines=$(bus_lines)
        echo "${EPOCHREALTIME/./}"
        lay "$1" "$2"
        await_bus "$lines" "\"ActiveSession\":{\"type\":\"(so)\",\"data\":[\"$3\"" || { lift "$2"; return 1; }
        lift "$2"
}
# tap_out NUMBER READER SESSION: until the greeter is there and waits; prints the same.
tap_out() {
        local lines
        lines=$(bus_lines)
        echo "${EPOCHREALTIME/./}"
        lay "$1" "$2"
        await_bus "$lines" '"ActiveSession"' || { lift "$2"; return 1; }
        lift "$2"
        await 60 "the greeter to wait for a tap" property_is WaitingAttempts 1 >&2
}
# dm_switch USER SESSION: as root, by LightDM's own tool; prints when it was called.
dm_switch() {
        local lines
        lines=$(bus_lines)
        echo "${EPOCHREALTIME/./}"
        XDG_SEAT_PATH=/org/freedesktop/DisplayManager/Seat0 timeout 30 dm-tool switch-to-user "$1" >&2
        await_bus "$lines" "\"ActiveSession\":{\"type\":\"(so)\",\"data\":[\"$2\""
}

# Wardtap would send away what it did not let in, so it is stopped meanwhile.
permit_all() {
        cp -a /etc/pam.d/lightdm $B/lightdm.pam
        { printf 'auth required pam_permit.so\naccount required pam_permit.so\n'; grep -E '^-?session|^@include common-session' $B/lightdm.pam; } >/etc/pam.d/lightdm
        systemctl stop wardtap-broker.socket wardtap-input.socket wardtap-auth.socket wardtapd.service wardtap-authd.service
}
permit_no_more() {
        cp -a $B/lightdm.pam /etc/pam.d/lightdm
        systemctl start wardtap-broker.socket wardtap-input.socket wardtap-auth.socket wardtap-authd wardtapd
}

# quiet SECONDS: how often wardtapd slept and was woken meanwhile, and its anonymous memory; once what came before is over:
# a switch of sessions has its own stragglers.
quiet() {
        local pid before after
        pid=$(main_of wardtapd)
        await 60 "wardtapd to be at rest" at_rest "$pid"
        before=$(woken_of "$pid")
        read -rt "$1" <> <(:) || true
        after=$(woken_of "$pid")
        echo "$((after - before)) $(sed -n 's/^RssAnon:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$pid/status")"
}
at_rest() {
        local before
        before=$(woken_of "$1")
        read -rt 10 <> <(:) || true
        [ "$(woken_of "$1")" = "$before" ]
}
woken_of() { sed -n 's/^voluntary_ctxt_switches:[[:space:]]*//p' "/proc/$1/status"; }
# spin: milliseconds that a fixed piece of work takes, to tell how much slower an emulated processor is.
spin() {
        local start=$EPOCHREALTIME i
        for ((i = 0; i < 100000; i++)); do :; done
        echo $(((${EPOCHREALTIME/./} - ${start/./}) / 1000))
}
