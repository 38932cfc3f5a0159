# SPDX-License-Identifier: Apache-2.0
# What scripts in the world use: the station's services, virtual badges and keys, people, and words for tests.
# Sourced by `world`. Everything waits for events (a line, a socket), never for a time.

# --- waiting and reporting

# await FILE TEXT [SECONDS]: until a line of FILE contains TEXT.
await() {
        timeout "${3:-20}" grep -q -m1 -F -- "$2" < <(exec tail -n +1 -F --sleep-interval=0.05 "$1" 2>/dev/null) || {
                echo "waited ${3:-20} s for '$2' in $1, which says:"
                sed 's/^/  | /' "$1"
                return 1
        }
}
# await_path PATH [SECONDS]
await_path() {
        local end=$((SECONDS + ${2:-20}))
        while [ ! -e "$1" ]; do
                [ $SECONDS -lt $end ] || { echo "waited ${2:-20} s for $1"; return 1; }
                read -rt 0.02 <> <(:) || true
        done
}

failures=0
ok() { echo "ok: $1"; }
bad() {
        echo "NOT OK: $1"
        failures=$((failures + 1))
}
# expect NAME TEXT FILE: a line of FILE contains TEXT.
expect() {
        if grep -q -F -- "$2" "$3"; then ok "$1"; else
                bad "$1 (no '$2')"
                sed 's/^/  | /' "$3"
        fi
}
expect_not() {
        if grep -q -F -- "$2" "$3"; then
                bad "$1 (there is '$2')"
                sed 's/^/  | /' "$3"
        else ok "$1"; fi
}
# is NAME WANTED GOT
is() {
        if [ "$2" = "$3" ]; then ok "$1"; else bad "$1 (wanted '$2', got '$3')"; fi
}
finish() {
        local f
        if [ "$failures" -gt 0 ]; then
                for f in /run/world/*.err; do
                        [ -s "$f" ] && { echo "--- $f"; tail -n 40 "$f"; }
                done
                echo "$failures checks failed"
                exit 1
        fi
        exit 0
}

# --- people and places

world_users() {
        [ -s /etc/machine-id ] || tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id # a container may have none
        sed -i '/^\(wardtap\|wardtap-device\|wardtapd\|wardtap-idle\|wardtap-hook\|input\|nurses\|porters\|anna\|ben\|carl\):/d' /etc/passwd /etc/group
        cat >>/etc/group <<-'G'
		wardtap:x:901:
		wardtap-device:x:902:
		wardtapd:x:903:
		wardtap-idle:x:904:
		input:x:905:
		wardtap-hook:x:906:
		nurses:x:2000:anna,ben
		porters:x:2001:carl
		G
        cat >>/etc/passwd <<-'P'
		wardtap:x:901:901::/nonexistent:/usr/sbin/nologin
		wardtap-device:x:902:902::/nonexistent:/usr/sbin/nologin
		wardtapd:x:903:903::/nonexistent:/usr/sbin/nologin
		wardtap-idle:x:904:904::/nonexistent:/usr/sbin/nologin
		wardtap-hook:x:906:906::/nonexistent:/usr/sbin/nologin
		anna:x:2001:2000:Anna Berg,,,:/nonexistent:/bin/sh
		ben:x:2002:2000:Ben Okoro,,,:/nonexistent:/bin/sh
		carl:x:2003:2001:Carl Ruiz,,,:/nonexistent:/bin/sh
		P
        sed -i 's/^\(passwd\|group\|initgroups\|gshadow\|shadow\):.*/\1: files/' /etc/nsswitch.conf
        mkdir -p /etc/wardtap/wardtap.conf.d /var/lib/wardtap/rules /var/lib/wardtap/people /run/systemd/seats
        chown root:wardtap /var/lib/wardtap/people
        chmod 0750 /var/lib/wardtap/people
        local service
        for service in lightdm sudo other-service; do
                printf 'auth required %s/pam_module/pam_wardtap.so\naccount required pam_permit.so\nsession required %s/pam_module/pam_wardtap.so\n' \
                        "$B" "$B" >"/etc/pam.d/$service"
        done
        export PATH="$B/cli:$PATH"
}

# --- services

# run_unit NAME LAUNCH-OPTIONS -- PROGRAM: in the background, as a unit of that name; waits for "ready".
declare -A unit_pid
run_unit() {
        local name=$1
        shift
        : >"/run/world/$name.out"
        "$B/tests/virtual/launch" "$@" >"/run/world/$name.out" 2>>"/run/world/$name.err" &
        unit_pid[$name]=$!
        await "/run/world/$name.out" ready && return
        echo "$name did not start:"
        tail -n 20 "/run/world/$name.err" | sed 's/^/  | /'
        return 1
}
# stop_unit NAME: as `systemctl stop`.
stop_unit() {
        kill -TERM "${unit_pid[$1]}"
        wait "${unit_pid[$1]}" 2>/dev/null || true
}
# restart_unit NAME: the program ends by SIGTERM and is started again, the socket stays, as with a socket unit.
restart_unit() {
        : >"/run/world/$1.out"
        kill -HUP "${unit_pid[$1]}"
        await "/run/world/$1.out" ready
}
# main_pid NAME: of the program under the launcher.
main_pid() {
        cat "/proc/${unit_pid[$1]}/task/${unit_pid[$1]}/children" | tr -d ' '
}

start_journald() {
        mkdir -p "/run/log/journal/$(cat /etc/machine-id)" /etc/systemd/journald.conf.d
        printf '[Journal]\nStorage=volatile\nReadKMsg=no\nAudit=no\nRateLimitIntervalSec=0\nForwardToSyslog=no\n' \
                >/etc/systemd/journald.conf.d/world.conf
        chgrp -R systemd-journal /run/log/journal
        chmod -R g+rxs /run/log/journal
        cp "$T/../packaging/wardtap.catalog" /usr/lib/systemd/catalog/
        journalctl --update-catalog
        setsid /lib/systemd/systemd-journald 2>>/run/world/journald.err & # a stopped job in our group would end us all
        unit_pid[journald]=$!
        await_path /run/systemd/journal/socket
}
start_dbus() {
        cp "$T/../packaging/org.wardtap.Station1.conf" /etc/dbus-1/system.d/
        dbus-daemon --system --nofork --nopidfile 2>>/run/world/dbus.err &
        unit_pid[dbus]=$!
        await_path /run/dbus/system_bus_socket
}
# start_pcscd [READERS]: with so many pairs of virtual readers ("Virtual PCD 00 00" on port 35963, "00 01" on 35964).
start_pcscd() {
        mkdir -p /run/world/reader.conf.d
        printf 'FRIENDLYNAME "Virtual PCD"\nDEVICENAME /dev/null:0x8C7B\nLIBPATH /usr/lib/pcsc/drivers/serial/libifdvpcd.so\nCHANNELID 0x8C7B\n' \
                >/run/world/reader.conf.d/vpcd
        pcscd --foreground --config /run/world/reader.conf.d >>/run/world/pcscd.out 2>>/run/world/pcscd.err &
        unit_pid[pcscd]=$!
        await_path /run/pcscd/pcscd.comm
        chgrp wardtap-device /run/pcscd/pcscd.comm
        chmod 0660 /run/pcscd/pcscd.comm
}
stop_pcscd() {
        kill -TERM "${unit_pid[pcscd]}"
        wait "${unit_pid[pcscd]}" 2>/dev/null || true
        rm -f /run/pcscd/pcscd.comm /run/pcscd/pcscd.pid
}
start_device() {
        run_unit device --restart --user wardtap-device --groups wardtap-device --listen /run/wardtap/device.sock:0660:wardtap \
                --env "LD_PRELOAD=$B/tests/virtual/libvirtual-key-preload.so" "$@" -- "$B/devices/wardtap-device"
}
start_wardtapd() {
        [ -e /run/world/badge-key ] || head -c 32 /dev/urandom >/run/world/badge-key
        run_unit wardtapd --restart --user wardtapd --groups wardtapd,wardtap,systemd-journal \
                --listen /run/wardtap/broker.sock:0660:wardtap --state /var/lib/wardtap/audit:0700 --state /run/wardtapd:0700 \
                --credential badge-key=/run/world/badge-key "$@" -- "$B/helper/wardtapd"
}
start_authd() {
        run_unit authd --restart --user wardtap --groups wardtap --listen /run/wardtap/auth.sock:0666:root \
                --state /var/lib/wardtap/state:0700 "$@" -- "$B/pam_module/auth/wardtap-authd"
}
# start_registrar: as its unit does, as root without a capability.
start_registrar() {
        run_unit registrar --restart --groups wardtap --listen /run/wardtap/registrar.sock:0660:wardtap "$@" -- \
                /usr/bin/setpriv --bounding-set=-all --inh-caps=-all "$B/helper/registrar/wardtap-registrar"
}
# start_station: everything, with the rules below in force.
start_station() {
        start_journald
        start_dbus
        start_pcscd
        start_device
        start_wardtapd
        world_rules
        start_authd
}

world_rules() {
        cat >/etc/wardtap/wardtap.conf <<-'R'
		[Site]
		RelyingParty=wardtap.example.org
		[Station]
		Name=ward3-bay2
		Tags=ward3 acute
		[Role nurse]
		Groups=nurses
		SignIn=badge+key+verify
		Grace=12h
		GraceCap=14h
		TapOut=lock
		SessionCap=14h
		[Place or]
		Tags=or icu
		IdleLock=30min
		[Service lightdm]
		Use=sign-in
		[Service sudo]
		Use=step-up
		SignIn=key+verify
		R
        [ $# -eq 0 ] || "$@"
        wardtap policy apply --reason "first rules" >/run/world/apply.out 2>&1 || {
                cat /run/world/apply.out
                return 1
        }
}

# --- hardware

# badge_in NAME NUMBER [OPTIONS]: a badge is laid on the reader (the first one, or --port N), and pcscd has seen it.
declare -A badge_reader
badge_in() {
        local name=$1 number=$2
        shift 2
        : >"/run/world/badge-$name.out" # what it said last time is not what is waited for
        "$B/tests/virtual/badge" --number "$number" "$@" >"/run/world/badge-$name.out" 2>&1 &
        unit_pid[badge-$name]=$!
        case " $* " in *" 35964 "*) badge_reader[$name]="Virtual PCD 00 01" ;; *) badge_reader[$name]="Virtual PCD 00 00" ;; esac
        await "/run/world/badge-$name.out" inserted
}
# badge_out NAME: takes it away, until pcscd has seen that.
badge_out() {
        kill -TERM "${unit_pid[badge-$1]}" 2>/dev/null
        wait "${unit_pid[badge-$1]}" 2>/dev/null || true
        timeout 10 "$B/tests/integration/reader_empty" "${badge_reader[$1]}" || true
}
# key_in NAME [OPTIONS]: a key is plugged in; what it holds is in /run/world/key-NAME.state.
key_in() {
        local name=$1
        shift
        : >"/run/world/key-$name.out"
        "$B/tests/virtual/key" --name "$name" --state "/run/world/key-$name.state" --log "/run/world/key-$name.log" "$@" \
                >"/run/world/key-$name.out" 2>&1 &
        unit_pid[key-$name]=$!
        await "/run/world/key-$name.out" plugged
}
key_out() {
        kill -TERM "${unit_pid[key-$1]}"
        wait "${unit_pid[key-$1]}" 2>/dev/null || true
}

# enrol USER BADGE-NUMBER PIN: a person with a badge and a key named as the user, through the CLI.
enrol() {
        local user=$1 number=$2 pin=$3
        wardtap person add "$user" >>"/run/world/enrol-$user.out" 2>&1 || return 1
        "$B/tests/integration/pty_say" --timeout 30 -- wardtap badge enrol "$user" >>"/run/world/enrol-$user.out" 2>&1 &
        local cli=$!
        await "/run/world/enrol-$user.out" "Hold your badge"
        badge_in "$user" "$number"
        await "/run/world/enrol-$user.out" "once more"
        badge_out "$user"
        badge_in "$user" "$number"
        wait $cli || return 1
        badge_out "$user"
        key_in "$user"
        "$B/tests/integration/pty_say" --timeout 30 "PIN=$pin" "PIN=$pin" -- wardtap key enrol "$user" \
                >>"/run/world/enrol-$user.out" 2>&1 || return 1
        key_out "$user"
}

# sign_in NAME OPTIONS: starts a PAM application in the background; its words go to /run/world/NAME.out. When it has
# asked for a badge, the function returns.
sign_in() {
        local name=$1
        shift
        : >"/run/world/$name.out"
        "$B/tests/integration/pam_client" "$@" <&0 >"/run/world/$name.out" 2>&1 & # <&0: bash gives background jobs no input otherwise
        unit_pid[$name]=$!
}
# verdict NAME: waits for its end, prints the result line.
verdict() {
        wait "${unit_pid[$1]}" || true
        grep -F 'result:' "/run/world/$1.out" || cat "/run/world/$1.out"
}
# turned_away NAME: a sign-in that named nobody, once it has shown why one person is not let in: it says "waits on" and is
# ended.
turned_away() {
        await "$1.out" "screen (error)" 60 || return 1
        kill "${unit_pid[$1]}"
        wait "${unit_pid[$1]}" 2>/dev/null || true
        sed 's/ in .*//; s/^result: //' < <(grep result: "$1.out" || echo "waits on")
}
# records [MATCHES]: all records of wardtapd, one JSON object a line.
records() {
        journalctl --sync
        journalctl -o json SYSLOG_IDENTIFIER=wardtapd "$@"
}
