# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# What goes away and comes back while people work: readers, pcscd, our daemons, journald, the disk. No tap of before,
# no wrong session, no lost or doubled record, and the next tap works with nobody's help. Runs in `world`.

start_station
enrol anna 04A1B2C3 2468 || { cat enrol-anna.out; bad "enrolment"; finish; }
key_in anna

# tap NAME [OPTIONS]: a whole sign-in at the greeter; prints the result's code.
tap() {
        local name=$1
        shift
        sign_in "$name" --service lightdm --answer 2468 "$@"
        await "$name.out" "Tap your badge" || return 0
        badge_in "$name" 04A1B2C3
        await "$name.out" result: 40 || true
        badge_out "$name"
        sed -n 's/^result: \([A-Z_]*\).*/\1/p' "$name.out"
}
# numbers: the sequence numbers in the journal, in the order they stand there.
numbers() { records | sed -n 's/.*"WARDTAP_SEQ":"\([0-9]*\)".*/\1/p'; }
# settled: waits until the journal holds as many records as wardtapd has written.
settled() {
        local end=$((SECONDS + 20)) have=
        until [ "$have" = yes ]; do
                [ $SECONDS -lt $end ] || return 1
                wardtap status --json 2>/dev/null | grep -qE '"records_pending": ?0' && have=yes
        done
}
complete() {
        settled || bad "$1: records are still on their way"
        if [ "$(numbers | sort -n | uniq -d | wc -l)" = 0 ] && numbers | sort -n | awk 'NR > 1 && $1 != last + 1 {exit 1} {last = $1}'; then
                ok "$1: every number once, none missing ($(numbers | wc -l) records)"
        else bad "$1: numbers $(numbers | tr '\n' ' ')"; fi
}

is "a first sign-in" PAM_SUCCESS "$(tap first)"

echo "== the tap of an attempt that is gone goes to the next"
sign_in gone --service lightdm --answer 2468
await gone.out "Tap your badge"
: >key-anna.log
key_out anna
badge_in gone 04A1B2C3
await gone.out "plug in your key"
kill -KILL "${unit_pid[gone]}"
key_in anna
sign_in heir --service lightdm --answer 2468
await heir.out result:
is "the next attempt has it" PAM_SUCCESS "$(sed -n 's/^result: \([A-Z_]*\).*/\1/p' heir.out)"
badge_out gone

echo "== pcscd"
badge_in before 04A1B2C3
stop_pcscd
badge_out before 2>/dev/null || true
start_pcscd
await_readers() {
        local end=$((SECONDS + 20))
        until wardtap status --json 2>/dev/null | grep -q "Virtual PCD 00 00"; do [ $SECONDS -lt $end ] || return 1; done
}
await_readers && ok "the readers are back by themselves" || bad "the readers are not back"
sign_in stale --service lightdm --answer 2468
end=$((SECONDS + 10))
until wardtap status --json 2>/dev/null | grep -q '"waiting_attempts":1'; do [ $SECONDS -lt $end ] || break; done
is "the tap of before the break is nobody's" 0 "$(grep -c result: stale.out)"
badge_in fresh 04A1B2C3
await stale.out result:
is "a tap after the break" PAM_SUCCESS "$(sed -n 's/^result: \([A-Z_]*\).*/\1/p' stale.out)"
badge_out fresh

echo "== what waits goes on waiting"
waits() { # NAME COMMAND...: somebody waits for a tap, the command runs, and the tap comes after it
        local name=$1
        shift
        sign_in "$name" --service lightdm --answer 2468
        await "$name.out" "Tap your badge"
        "$@"
        await_readers
        badge_in "$name" 04A1B2C3
        await "$name.out" result:
        is "$name" PAM_SUCCESS "$(sed -n 's/^result: \([A-Z_]*\).*/\1/p' "$name.out")"
        badge_out "$name"
}
pcscd_restarts() { stop_pcscd; start_pcscd; }
waits "pcscd restarts" pcscd_restarts
waits "wardtap-device restarts" restart_unit device
waits "wardtapd restarts" restart_unit wardtapd

echo "== our daemons, killed one at a time"
for name in device wardtapd authd; do
        : >"$name.out"
        kill -KILL "$(main_pid $name)"
        await "$name.out" ready
        is "$name killed: the next tap works" PAM_SUCCESS "$(tap "after-$name")"
done
complete "after three kills"

echo "== an open session outlives an update of wardtapd"
mkfifo hold
exec 9<>hold
sign_in held --service lightdm --session --answer 2468 <hold 9>&-
await held.out "Tap your badge"
badge_in held 04A1B2C3
await held.out "session open"
badge_out held
restart_unit wardtapd
await_readers
key_out anna
is "her badge still resumes it" PAM_SUCCESS "$(tap resume1 --resume)"
main=$(main_pid wardtapd)
: >wardtapd.out
kill -KILL "$main"
await wardtapd.out ready
await_readers
is "and after a crash, too" PAM_SUCCESS "$(tap resume2 --resume)"
exec 9>&-
wait "${unit_pid[held]}" || true
key_in anna

echo "== journald"
kill -STOP "${unit_pid[journald]}"
is "stopped: people sign in" PAM_SUCCESS "$(tap stopped)"
kill -CONT "${unit_pid[journald]}"
complete "after the stop"
kill -KILL "${unit_pid[journald]}"
wait "${unit_pid[journald]}" 2>/dev/null || true
rm -f /run/systemd/journal/socket
is "gone: people sign in" PAM_SUCCESS "$(tap nojournal)"
setsid /lib/systemd/systemd-journald 2>>journald.err &
unit_pid[journald]=$!
await_path /run/systemd/journal/socket
complete "after its return"

grep -hE "ERROR: AddressSanitizer|runtime error" ./*.err && bad "a sanitizer complains" || ok "no complaint of the sanitizers"
finish
