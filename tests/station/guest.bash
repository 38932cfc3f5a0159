# SPDX-License-Identifier: Apache-2.0
# What runs inside the station, sourced by every command of a scenario: the product's installation, virtual badges and
# keys, people, and ways to wait for an event.
# shellcheck shell=bash

V=/opt/station # the virtual hardware of the fresh build
W=/run/station
mkdir -p $W

# How much longer an emulated processor (TCG) may take for everything: it shares its machine with others. To look at a
# state takes much of it from what is waited for, so there it is looked at less often.
patience=1 pause=0.3
[ "$(systemd-detect-virt)" != qemu ] || patience=4 pause=1

# await SECONDS WHAT COMMAND...: until the command succeeds. For states that nothing announces.
await() {
        local seconds=$(($1 * patience)) what=$2
        local end=$((SECONDS + seconds))
        shift 2
        until "$@"; do
                [ $SECONDS -lt $end ] || { echo "waited $seconds s in vain for $what"; return 1; }
                read -rt $pause <> <(:) || true
        done
}
# await_line FILE TEXT [SECONDS]: until a line of FILE contains TEXT.
await_line() {
        local seconds=$((${3:-30} * patience))
        timeout $seconds grep -q -m1 -F -- "$2" < <(exec tail -n +1 -F --sleep-interval=0.1 "$1" 2>/dev/null) || {
                echo "waited $seconds s for '$2' in $1, which says:"
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
        : >"$W/badge-$1.away"
        timeout $((20 * patience)) $V/reader_empty "Virtual PCD 00 00"
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
# usb_reader: prints the node of the card reader on USB.
usb_reader() {
        local device
        for device in /sys/bus/usb/devices/*; do
                udevadm info -q property -p "$device" | grep -qx ID_SMARTCARD_READER=1 &&
                        udevadm info -q property -p "$device" | sed -n 's/^DEVNAME=//p' | grep . && return 0
        done
        return 1
}
# reader_on_usb_alone: the virtual readers are gone, so that the one on USB is the station's only one.
reader_on_usb_alone() { mv /etc/reader.conf.d/vpcd /opt/station/ && systemctl restart pcscd && await 60 'no virtual reader' property_is Readers '[]'; }
key_gone() { ! grep -qsx "HID_UNIQ=$1" /sys/class/hidraw/*/device/uevent; }
key_touch() { systemctl kill --signal=USR1 --kill-whom=main "key-$1"; }

# tap_until_blinks NAME NUMBER: as a person does it: the badge is laid on the reader, and laid there once more where
# nothing blinks for a while (a tap is fresh for 20 s; a greeter on a busy machine may take longer to come).
tap_until_blinks() {
        local name=$1 number=$2 i
        : >"$W/key-$name.out"
        for ((i = 0; i < 2 * patience; i++)); do
                tap "$name" "$number" || return 1
                timeout 25 grep -q -m1 touch-wanted < <(exec tail -n +1 -F --sleep-interval=0.1 "$W/key-$name.out") && return 0
                badge_out "$name" && blinks "$name" && return 0
        done
        echo "the key of $name does not blink, whatever she taps"
        return 1
}

# counter_kept USER: how far Wardtap has seen it go.
counter_kept() {
        sqlite3 -readonly /var/lib/wardtap/state/state.db "SELECT counter FROM counter WHERE key =
                $(sqlite3 -readonly /var/lib/wardtap/people/people.db "SELECT key.id FROM key JOIN person ON person.id = key.person WHERE user = '$1'")"
}
# key_counter NAME: how far its counter is; what a key remembers survives a power cut.
key_counter() { sed -n 's/^counter //p' "/var/lib/station-keys/$1"; }

# enrol USER NUMBER PIN [OPTION]: a person with a badge and a key, through the CLI, as an administrator does it.
enrol() {
        local user=$1 number=$2 pin=$3 out=$W/enrol-$1.out
        wardtap person add "$user" ${4+"$4"} >"$out" 2>&1 || { cat "$out"; return 1; }
        $V/pty_say --timeout $((60 * patience)) -- wardtap badge enrol "$user" >>"$out" 2>&1 &
        local cli=$!
        await_line "$out" "Hold your badge" && badge_in "$user" "$number" && await_line "$out" "once more" &&
                badge_out "$user" && badge_in "$user" "$number" && wait $cli && badge_out "$user" || { cat "$out"; return 1; }
        key_in "$user" || return 1
        $V/pty_say --timeout $((60 * patience)) "PIN=$pin" "PIN=$pin" -- wardtap key enrol "$user" >>"$out" 2>&1 || { cat "$out"; return 1; }
        key_out "$user"
}

# next_version: the package as a later version of it, in $W/next.deb.
next_version() {
        dpkg-deb -R /opt/station/wardtap.deb $W/next && sed -i 's/^Version: .*/&+next/' $W/next/DEBIAN/control &&
                dpkg-deb -Znone -b $W/next $W/next.deb >/dev/null
}

# as_person USER COMMAND: by a program of her open session on the desktop; prints and returns what it did.
as_person() {
        local folder status inbox
        inbox=/run/user/$(id -u "$1")/station
        await 60 "a program of the session of $1" test -p "$inbox" || return 99
        folder=$(mktemp -d $W/as-XXXXXX)
        printf '%s\n' "$2" >"$folder/script"
        mkfifo "$folder/end"
        chown -R "$1" "$folder"
        echo "$folder" >"$inbox"
        read -rt $((80 * patience)) status <>"$folder/end" || { echo "it does not end:"; status=99; }
        cat "$folder/out"
        rm -r "$folder"
        return "$status"
}

# as_job USER COMMAND...: as cron runs it: hers since her login was noted, and of no session.
as_job() {
        local user=$1
        shift
        ( echo "$(id -u "$user")" >/proc/self/loginuid && exec setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups "$@" )
}

# --- what is not Wardtap's

# module_everywhere on|off: the module in every stack, also in those of services that the rules do not name.
module_everywhere() {
        local file
        for file in common-auth common-session common-session-noninteractive; do
                sed -i '/pam_wardtap.so # everywhere$/d' /etc/pam.d/$file
        done
        [ "$1" = on ] || return 0
        sed -i '0,/^auth/s//auth [success=done authinfo_unavail=ignore cred_unavail=ignore cred_err=ignore default=die] pam_wardtap.so # everywhere\n&/' /etc/pam.d/common-auth
        for file in common-session common-session-noninteractive; do
                echo 'session required pam_wardtap.so # everywhere' >>/etc/pam.d/$file
        done
}
# ways_in: those that are not Wardtap's, each once; a line each with what came of it.
ways_in() {
        local ssh=(ssh -o StrictHostKeyChecking=accept-new -o LogLevel=ERROR)
        echo "su by root: $(su - ben -c 'id -un' 2>&1)"
        echo "ssh with a key: $("${ssh[@]}" -o BatchMode=yes -i /root/key ben@localhost id -un 2>&1)"
        echo "ssh with a password: $(SSH_ASKPASS=/root/ask SSH_ASKPASS_REQUIRE=force setsid -w "${ssh[@]}" -o PubkeyAuthentication=no ben@localhost id -un 2>&1)"
        echo "ssh with a wrong password: $(SSH_ASKPASS=/bin/hostname SSH_ASKPASS_REQUIRE=force setsid -w "${ssh[@]}" -o NumberOfPasswordPrompts=1 -o PubkeyAuthentication=no ben@localhost id -un 2>&1)"
        echo "as Ansible does: $("${ssh[@]}" -o BatchMode=yes -i /root/key admin@localhost sudo -n id -un 2>&1)"
        echo "sudo from afar: $($V/pty_say --timeout $((30 * patience)) 'password for ben=ben-password' -- "${ssh[@]}" -t -o BatchMode=yes -i /root/key ben@localhost sudo -k id -un 2>&1 | tr -d '\r' | tail -n 1)"
}
# pam_times: the median time that PAM takes, in microseconds: "SERVICE TIME" a line, for one that permits at once and for
# one that checks a password.
pam_times() {
        local said
        said=$($V/pam_client --service permits --user ben --session --rounds 101 </dev/null) && echo "permits ${said//[^0-9 ]/}" | awk '{print $1, $NF}'
        said=$($V/pam_client --service sshd --user ben --answer ben-password --rounds 5) && echo "sshd ${said//[^0-9 ]/}" | awk '{print $1, $NF}'
}

# compare_times: pam_times without the module and with it, in turns; a table of the best of each, which is what the work
# itself takes. Fails where the module adds 5 ms or more to a service that takes no time itself (an emulated processor,
# TCG, is given ten times as long), or more than a tenth and 20 ms to one that checks a password.
compare_times() {
        local limit=5000
        [ "$(systemd-detect-virt)" != qemu ] || limit=50000
        for _ in 1 2 3; do
                cp /root/permits /etc/pam.d/permits && module_everywhere off && pam_times | sed 's/^/without /'
                sed -e '1i auth [success=done authinfo_unavail=ignore cred_unavail=ignore cred_err=ignore default=die] pam_wardtap.so' \
                        -e '$a session required pam_wardtap.so' /root/permits >/etc/pam.d/permits
                module_everywhere on && pam_times | sed 's/^/with /'
        done >$W/times
        sort -k1,2 -k3n $W/times | awk -v limit=$limit '
                !seen[$1, $2]++ {us[$1, $2] = $3; services[$2]}
                END {
                        for (s in services) {
                                more = us["with", s] - us["without", s]
                                printf "%s: %d us without, %d us with: %d us more\n", s, us["without", s], us["with", s], more
                                bad = bad || more >= (s == "permits" ? limit : us["without", s] / 10 + 20000)
                                whole += us["with", s] > 0 && us["without", s] > 0
                        }
                        exit bad || whole != 2
                }'
}
# asks_wardtap COMMAND...: whether wardtap-authd had anything to do meanwhile.
asks_wardtap() {
        local before
        before=$(systemctl show -P CPUUsageNSec wardtap-authd)
        "$@" >/dev/null
        [ "$(systemctl show -P CPUUsageNSec wardtap-authd)" != "$before" ]
}

# --- what a user may set before she starts a program that becomes root

# hostile_ground USER: a folder of hers with a library that leaves a trace where it is loaded ($H/loaded), and with
# sockets that note who comes ($H/came).
H=/tmp/hostile
hostile_ground() {
        install -d -o "$1" $H && install -m 0755 $V/intruder.so $H/intruder.so && ln -s intruder.so $H/libpam.so.0 &&
                background hostile-sockets setpriv --reuid="$1" --regid=nogroup --clear-groups systemd-socket-activate \
                        --listen=$H/pcscd.comm --listen=$H/bus --accept sh -c "echo came >>$H/came" &&
                await 20 'the hostile sockets' test -S $H/bus
}
# hostile_variables: for env.
hostile_variables() {
        echo PCSCLITE_CSOCK_NAME=$H/pcscd.comm LIBPCSCLITE_DEBUG_LEVEL=0 FIDO_DEBUG=1 \
                LD_PRELOAD=$H/intruder.so LD_AUDIT=$H/intruder.so LD_LIBRARY_PATH=$H LD_DEBUG=all LD_DEBUG_OUTPUT=$H/ld \
                GCONV_PATH=$H LOCPATH=$H LC_ALL=de_DE.UTF-8 LANGUAGE=de TZ=$H/zone TMPDIR=$H SQLITE_TMPDIR=$H \
                DBUS_SYSTEM_BUS_ADDRESS=unix:path=$H/bus DBUS_SESSION_BUS_ADDRESS=unix:path=$H/bus NOTIFY_SOCKET=$H/bus \
                XDG_RUNTIME_DIR=$H XDG_CONFIG_HOME=$H XDG_CONFIG_DIRS=$H XDG_DATA_DIRS=$H XDG_SEAT=seat9 XDG_SESSION_ID=1 \
                OPENSSL_CONF=$H/openssl.cnf OPENSSL_MODULES=$H SYSTEMD_LOG_LEVEL=debug WARDTAP_SOCKET=$H/pcscd.comm \
                WARDTAP_AUTH_SOCKET=$H/pcscd.comm WARDTAP_RUN=$H WARDTAP_RULES=$H/rules WARDTAP_ATTEMPT=0 WARDTAP_DEBUG=1
}
# hostile_traces: what was reached by them, if anything was.
hostile_traces() { find $H -name came -o -name loaded -o -name 'ld.*' -o -name rules | grep .; }

# --- attempts

# attempt_begin NAME NUMBER PIN [OPTIONS]: an application asks, the badge is laid on the reader, and her key blinks. The
# tap of an attempt that was killed is the next one's: then nobody is asked to tap again.
attempt_begin() {
        local name=$1 number=$2 pin=$3
        shift 3
        : >"$W/key-$name.out"
        background "try-$name" $V/pam_client --service lightdm --answer "$pin"
        if await 60 "an attempt to ask for a tap or a touch" asks_for_more "$name" &&
                { blinks "$name" || tap "$name" "$number" "$@"; } && await_line "$W/key-$name.out" touch-wanted; then
                return 0
        fi
        sed 's/^/  application | /' "$W/try-$name.out"
        return 1
}
# tap NAME NUMBER [OPTIONS]: her badge is laid on the reader when it counts again: a badge is ignored for 3 s after it
# was used, which is when its attempt got its verdict, and until it was away for a second.
tap() {
        ! systemctl -q is-active "badge-$1" || badge_out "$1"
        await 20 "the badge of $1 to count again" rested "$1" && badge_in "$@"
}
rested() {
        local last away
        last=$(journalctl -q -n 1 -o short-unix _SYSTEMD_UNIT=wardtapd.service WARDTAP_USER="$1" | cut -d. -f1)
        away=$(stat -c %Y "$W/badge-$1.away" 2>/dev/null)
        [ $(($(date +%s) - ${last:-0})) -ge 5 ] && [ $(($(date +%s) - ${away:-0})) -ge 3 ]
}
blinks() { grep -q touch-wanted "$W/key-$1.out"; }
asks_for_more() { blinks "$1" || property_is WaitingAttempts 1; }
# attempt_end NAME: prints what the application says in the end.
attempt_end() {
        await_line "$W/try-$1.out" result: 60 && cat "$W/try-$1.out"
}
# sign_in NAME NUMBER PIN: all of it. What lay on the reader is taken up first.
sign_in() {
        badge_out "$1"
        attempt_begin "$@" && key_touch "$1" && attempt_end "$1" >"$W/signed-in" || return 1
        grep -q "PAM_SUCCESS user=$1 " "$W/signed-in" || { cat "$W/signed-in"; return 1; }
        badge_out "$1"
}

# --- processes

main_of() { systemctl show -P MainPID "$1"; }
# The one attempt there is, and the children of wardtap-device: for the watch of readers, for a badge, for a key. The watch
# of keys is the one with an inotify.
attempt_pid() { pgrep -nP "$(main_of wardtap-authd)"; }
card_pids() {
        local pid
        for pid in $(pgrep -P "$(main_of wardtap-device)"); do
                find "/proc/$pid/fd" -lname 'anon_inode:inotify' 2>/dev/null | grep -q . || echo "$pid"
        done
}
watch_pid() { card_pids | head -n 1; }
badge_pid() { card_pids | tail -n +2 | grep .; }
key_pid() {
        local pid
        for pid in $(pgrep -P "$(main_of wardtap-device)"); do
                find "/proc/$pid/fd" -lname '/dev/hidraw*' | grep -q . && echo "$pid" && return 0
        done
        return 1
}
# kill_hard PID: until it is gone.
kill_hard() {
        [ "${1:-0}" -gt 1 ] && kill -KILL "$1" && await 10 "process $1 to be gone" process_gone "$1"
}
process_gone() { [ ! -e "/proc/$1" ] || grep -qs '^State:.Z' "/proc/$1/status"; }

# new_random_numbers SEED: for all that begins from now on, the attempt that waits at the greeter included.
# RNDRESEEDCRNG, of random(4), has the kernel use them at once.
new_random_numbers() {
        local shown
        base64 -d <<<"$1" >/dev/urandom
        perl -e 'open(F, ">", "/dev/urandom") && ioctl(F, 0x5207, 0) or die "$!"' || return 1
        await 20 "the greeter's first words" greeter_shown_more 1 || return 1
        shown=$(greeter_shown)
        kill_hard "$(attempt_pid)" && await 20 "the next attempt's words" greeter_shown_more $((shown + 1)) && await_waiting 1
}

# --- what the station says

property() { busctl --json=short get-property org.wardtap.Station1 /org/wardtap/Station1 org.wardtap.Station1 "$1"; }
property_is() { [ "$(property "$1" 2>/dev/null | sed 's/.*"data":\(.*\)}/\1/')" = "$2" ]; }
# await_waiting N: until so many attempts wait for a tap.
await_waiting() { await "${2:-60}" "$1 attempts that wait for a tap" property_is WaitingAttempts "$1"; }

# --- whether somebody is at the seat

# watched: the names of the input devices that wardtap-idle reads.
watched() {
        local fd node
        for fd in "/proc/$(main_of wardtap-idle)"/fd/*; do
                node=$(readlink "$fd") || continue
                case $node in
                /dev/input/event*) cat "/sys/class/input/${node##*/}/device/name" ;;
                esac
        done
}
# woken: how often wardtap-idle has slept, and was woken, since it runs.
woken() { sed -n 's/^voluntary_ctxt_switches:[[:space:]]*//p' "/proc/$(main_of wardtap-idle)/status"; }
# woken_since COUNT
woken_since() { [ "$(woken)" -gt "$1" ]; }
# watches COUNT NAME: so many devices whose names contain that.
watches() { [ "$(watched | grep -c -- "$2")" = "$1" ]; }

# journal_of_wardtapd [OPTIONS, MATCHES]: its records as JSON.
journal_of_wardtapd() { exec journalctl -q -o json _SYSTEMD_UNIT=wardtapd.service SYSLOG_IDENTIFIER=wardtapd "$@"; }
# seq_of LINE: the number of a record.
seq_of() { [[ $1 =~ \"WARDTAP_SEQ\":\"([0-9]+)\" ]] && echo "${BASH_REMATCH[1]}"; }
last_seq() { seq_of "$(journal_of_wardtapd -r | grep -m 1 WARDTAP_SEQ)" || echo 0; }
# await_record SECONDS SEQ MATCH...: until a record after number SEQ matches; prints it. Not by cursor: Debian 12's
# journalctl loses the first match after one.
await_record() {
        local seconds=$(($1 * patience)) after=$2 line
        local end=$((SECONDS + seconds))
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
        journal_of_wardtapd | grep WARDTAP_SEQ | while IFS= read -r line; do
                [ "$(seq_of "$line")" -gt "$1" ] && sed -E 's/"(__|_)[A-Z_]*":("[^"]*"|null),?//g; s/"(SYSLOG|CODE|PRIORITY|MESSAGE_ID)[A-Z_]*":"[^"]*",?//g; s/"WARDTAP_//g; s/"//g' <<<"$line"
        done
        return 0
}

# unit_of_person USER UNIT STATE: in her own user manager.
unit_of_person() {
        [ "$(as_job "$1" env XDG_RUNTIME_DIR="/run/user/$(id -u "$1")" systemctl --user show -P ActiveState "$2" 2>/dev/null)" = "$3" ]
}
# hook_said TEXT: a program of the site, in the journal.
hook_said() { journalctl -q -o cat -u 'wardtap-event@*' -u 'wardtap-alert@*' | grep -qxF -- "$1"; }
# hog USER MB: a program of her session that holds so much memory.
hog() { as_person "$1" "setsid -f perl -e 'my \$x = \"x\" x ($2 << 20); print STDERR \"held\\n\"; sleep 9999' 2>/tmp/held; until grep -q held /tmp/held; do read -rt 0.2 <> <(:) || true; done"; }

# types_into USER: a program of her desktop that notes when each key came: "TIME KEY" a line.
types_into() {
        as_person "$1" "setsid -f xterm -e bash -c 'while IFS= read -rsn1 c; do echo \"\$EPOCHREALTIME \$c\"; done >\$XDG_RUNTIME_DIR/typed' </dev/null >/dev/null 2>&1" &&
                await 60 'that program' test -e "/run/user/$(id -u "$1")/typed"
}
typed() { grep -c "$2\$" "/run/user/$(id -u "$1")/typed" || true; }
has_typed() { [ "$(typed "$1" "$2")" -gt 0 ]; }
# first_typed USER KEY, last_typed USER KEY: when, in seconds after the last record of a handoff.
first_typed() { after_handoff "$(grep -m 1 "$2\$" "/run/user/$(id -u "$1")/typed")"; }
last_typed() { after_handoff "$(grep "$2\$" "/run/user/$(id -u "$1")/typed" | tail -n 1)"; }
after_handoff() {
        local at
        at=$(journalctl -q -r -n 1 -o short-unix _SYSTEMD_UNIT=wardtapd.service WARDTAP_EVENT=handoff)
        [ -n "$1" ] && [ -n "$at" ] && awk -v a="${1%% *}" -v b="${at%% *}" 'BEGIN {printf "%.3f\n", a - b}'
}

# session_of USER: her session on a seat.
session_of() { loginctl list-sessions --no-legend | awk -v u="$1" '$3 == u && $4 != "" {print $1; exit}'; }
# terminal_of USER: the virtual terminal of her session; x_of USER: the X server on it.
terminal_of() { loginctl show-session "$(session_of "$1")" -p VTNr --value; }
x_of() { pgrep -f "Xorg .* vt$(terminal_of "$1")( |\$)"; }
# records_of EVENT: how many there are.
records_of() { journalctl -q -o cat _SYSTEMD_UNIT=wardtapd.service WARDTAP_EVENT="$1" | grep -c . || true; }
# vt_watch_begin USER ... vt_watch_end: how often the terminal of her session came to the screen meanwhile, of all that came.
vt_watch_begin() { background vt-watch $V/vt_watch "tty$(terminal_of "$1")" && await_line $W/vt-watch.out tty; }
vt_watch_end() {
        systemctl stop vt-watch
        await_line $W/vt-watch.out "seen " && grep "^seen " $W/vt-watch.out
}
# all_recorded: waits until the journal has all records; prints the number of the last.
all_recorded() {
        await 60 "the journal to have all records" property_is RecordsPending 0 && property RecordSequence | tr -dc 0-9
}
session_is() {
        local id
        id=$(session_of "$1")
        [ -n "$id" ] && [ "$(loginctl show-session "$id" -p State --value)" = "$2" ]
}
# no_screen USER: no session of hers is on a screen, or waits behind one. Debian lets programs that outlive it run on.
no_screen() { no_session "$1" || session_is "$1" closing; }
no_session() {
        local who
        [ "$1" != anybody ] || {
                for who in anna ben carl dora; do no_session $who || return 1; done
                property_is OpenSessions 0
                return
        }
        [ -z "$(session_of "$1")" ]
}

# greeter_shown: how many times LightDM has given the greeter something to show, by its log.
greeter_shown() { grep -c 'Prompt greeter with' /var/log/lightdm/lightdm.log || true; }
# greeter_of_this_boot: at least once, and the log is not what an earlier boot has left.
greeter_of_this_boot() { [ /var/log/lightdm/lightdm.log -nt /proc/1 ] && greeter_shown_more 1; }
greeter_shown_more() { [ "$(greeter_shown)" -ge "$1" ]; }

# console_says TEXT: on the virtual terminal 2.
console_says() { grep -aqF -- "$1" /dev/vcs2; }
