# SPDX-License-Identifier: Apache-2.0
# What runs inside the station, sourced by every command of a scenario: the product's installation, virtual badges and
# keys, people, and ways to wait for an event.
# shellcheck shell=bash

V=/opt/station # the virtual hardware of the fresh build
W=/run/station
mkdir -p $W

# await SECONDS WHAT COMMAND...: until the command succeeds. For states that nothing announces.
await() {
        local seconds=$1 what=$2 end=$((SECONDS + $1))
        shift 2
        until "$@"; do
                [ $SECONDS -lt $end ] || { echo "waited $seconds s in vain for $what"; return 1; }
                read -rt 0.1 <> <(:) || true
        done
}
# await_line FILE TEXT [SECONDS]: until a line of FILE contains TEXT.
await_line() {
        timeout "${3:-30}" grep -q -m1 -F -- "$2" < <(exec tail -n +1 -F --sleep-interval=0.1 "$1" 2>/dev/null) || {
                echo "waited ${3:-30} s for '$2' in $1, which says:"
                sed 's/^/  | /' "$1"
                return 1
        }
}

# --- badges, on the virtual reader of vpcd

# background NAME PROGRAM...: a unit of its own, so that its end is known; what it says goes to $W/NAME.out.
background() {
        local name=$1
        shift
        systemctl stop "$name" 2>/dev/null || true
        : >"$W/$name.out"
        systemd-run --quiet --collect --unit="$name" -p "StandardOutput=append:$W/$name.out" \
                -p "StandardError=append:$W/$name.out" -- "$@"
}
# badge_in NAME NUMBER [OPTIONS]: laid on the reader.
badge_in() {
        local name=$1 number=$2
        shift 2
        background "badge-$name" $V/badge --number "$number" "$@" && await_line "$W/badge-$name.out" inserted
}
# badge_out NAME: taken away, until pcscd has seen that.
badge_out() {
        systemctl stop "badge-$1" 2>/dev/null
        timeout 20 $V/reader_empty "Virtual PCD 00 00"
}

# --- keys, as hidraw devices

# key_in NAME [OPTIONS]: plugged in, until udev has made its node. What it holds is in /var/lib/station-keys.
key_in() {
        local name=$1
        shift
        mkdir -p /var/lib/station-keys
        background "key-$name" $V/key-uhid --name "$name" --state "/var/lib/station-keys/$name" --log "$W/key-$name.log" "$@" &&
                await_line "$W/key-$name.out" plugged || return 1
        await 60 "the key's node to be given to wardtap-device" eval "key_node $name >/dev/null" && return 0
        ls -l /dev/hidraw*
        udevadm info --query=all --path="$(realpath /sys/class/hidraw/* | tail -n 1)"
        return 1
}
key_out() {
        systemctl stop "key-$1"
        await 20 "the key to be gone" key_gone "$1"
}
# key_node NAME: prints the node once udev has given it to Wardtap.
key_node() {
        local sys node
        for sys in /sys/class/hidraw/*; do
                grep -qx "HID_UNIQ=$1" "$sys/device/uevent" 2>/dev/null || continue
                node=/dev/${sys##*/}
                [ "$(stat -c %G "$node")" = wardtap-device ] && echo "$node" && return 0
        done
        return 1
}
key_gone() { ! grep -qsx "HID_UNIQ=$1" /sys/class/hidraw/*/device/uevent; }
key_touch() { systemctl kill --signal=USR1 --kill-whom=main "key-$1"; }

# enrol USER NUMBER PIN: a person with a badge and a key, through the CLI, as an administrator does it.
enrol() {
        local user=$1 number=$2 pin=$3 out=$W/enrol-$1.out
        wardtap person add "$user" >"$out" 2>&1 || { cat "$out"; return 1; }
        $V/pty_say --timeout 60 -- wardtap badge enrol "$user" >>"$out" 2>&1 &
        local cli=$!
        await_line "$out" "Hold your badge" && badge_in "$user" "$number" && await_line "$out" "once more" &&
                badge_out "$user" && badge_in "$user" "$number" && wait $cli && badge_out "$user" || { cat "$out"; return 1; }
        key_in "$user" || return 1
        $V/pty_say --timeout 60 "PIN=$pin" "PIN=$pin" -- wardtap key enrol "$user" >>"$out" 2>&1 || { cat "$out"; return 1; }
        key_out "$user"
}

# --- what the station says

property() { busctl --json=short get-property org.wardtap.Station1 /org/wardtap/Station1 org.wardtap.Station1 "$1"; }
property_is() { [ "$(property "$1" 2>/dev/null | sed 's/.*"data":\(.*\)}/\1/')" = "$2" ]; }
# await_waiting N: until so many attempts wait for a tap.
await_waiting() { await "${2:-60}" "$1 attempts that wait for a tap" property_is WaitingAttempts "$1"; }

# journal_of_wardtapd [OPTIONS, MATCHES]: its records as JSON.
journal_of_wardtapd() { exec journalctl -q -o json _SYSTEMD_UNIT=wardtapd.service SYSLOG_IDENTIFIER=wardtapd "$@"; }
# seq_of LINE: the number of a record.
seq_of() { [[ $1 =~ \"WARDTAP_SEQ\":\"([0-9]+)\" ]] && echo "${BASH_REMATCH[1]}"; }
last_seq() { seq_of "$(journal_of_wardtapd -n 1)" || echo 0; }
# await_record SECONDS SEQ MATCH...: until a record after number SEQ matches; prints it. Not by cursor: Debian 12's
# journalctl loses the first match after one.
await_record() {
        local seconds=$1 after=$2 line end=$((SECONDS + $1))
        shift 2
        while IFS= read -rt $((end > SECONDS ? end - SECONDS : 1)) line; do
                [ "$(seq_of "$line")" -gt "$after" ] && echo "$line" && return 0
        done < <(timeout "$seconds" journalctl -q -f -n all -o json _SYSTEMD_UNIT=wardtapd.service SYSLOG_IDENTIFIER=wardtapd "$@")
        echo "waited $seconds s for a record with $*; after number $after there were:"
        records "$after"
        return 1
}
# records SEQ: those after a number, one line each, for people.
records() {
        local line
        journal_of_wardtapd | while IFS= read -r line; do
                [ "$(seq_of "$line")" -gt "$1" ] && sed -E 's/"(__|_)[A-Z_]*":("[^"]*"|null),?//g; s/"(SYSLOG|CODE|PRIORITY|MESSAGE_ID)[A-Z_]*":"[^"]*",?//g; s/"WARDTAP_//g; s/"//g' <<<"$line"
        done
        return 0
}

# session_of USER: her session on a seat.
session_of() { loginctl list-sessions --no-legend | awk -v u="$1" '$3 == u && $4 != "" {print $1; exit}'; }
session_is() {
        local id
        id=$(session_of "$1")
        [ -n "$id" ] && [ "$(loginctl show-session "$id" -p State --value)" = "$2" ]
}
no_session() { [ -z "$(session_of "$1")" ]; }

# greeter_shown: how many times LightDM has given the greeter something to show, by its log.
greeter_shown() { grep -c 'Prompt greeter with' /var/log/lightdm/lightdm.log || true; }
greeter_shown_more() { [ "$(greeter_shown)" -ge "$1" ]; }

# console_says TEXT: on the virtual terminal 2.
console_says() { grep -aqF -- "$1" /dev/vcs2; }
