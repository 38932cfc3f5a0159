# SPDX-License-Identifier: Apache-2.0
# Taps on real readers, from pcscd through wardtap-device and wardtapd to those who wait, and what the bus says of it.
# Run by `world`.

P=$B/tests/integration/broker_probe
A1=00000000000000000000000000000001 A2=00000000000000000000000000000002 A3=00000000000000000000000000000003
READER='Virtual PCD 00 00'

start_journald
start_dbus
start_pcscd
start_device
start_wardtapd

# client NAME USER: a client of wardtapd that is told what to do by `say`; its answers are in NAME.out.
declare -A say_fd
client() {
        local fd
        mkfifo "$1.in"
        setpriv --reuid="$2" --regid="$2" --clear-groups "$P" <"$1.in" >"$1.out" &
        unit_pid[$1]=$!
        exec {fd}>"$1.in"
        say_fd[$1]=$fd
}
say() { printf '%s\n' "${@:2}" >&"${say_fd[$1]}"; }
hang_up() {
        local fd=${say_fd[$1]}
        kill -KILL "${unit_pid[$1]}"
        wait "${unit_pid[$1]}" 2>/dev/null || true
        exec {fd}>&-
        rm -f "$1.in"
}
property() { busctl --json=short get-property org.wardtap.Station1 /org/wardtap/Station1 org.wardtap.Station1 "$1"; }
# await_property NAME TEXT: until the property, as JSON, is this.
await_property() {
        local end=$((SECONDS + 20)) got
        while got=$(property "$1" 2>&1); [ "$got" != "$2" ]; do
                [ $SECONDS -lt $end ] || { bad "$1 is $got, not $2"; return 0; }
                read -rt 0.05 <> <(:) || true
        done
        ok "$1 is $2"
}
await_entry() {
        if timeout 30 grep -q -m1 . < <(exec journalctl -q -f -n all -o cat --output-fields=WARDTAP_SEQ _UID=903 "$@"); then
                ok "a record came: $*"
        else
                bad "no record came: $*"
        fi
}

# watch_readers: a watch of our own, to know what pcscd has seen.
watch_readers() {
        "$B/tests/integration/device_probe" watch >watch.out 2>&1 &
        await watch.out 'Virtual PCD 00 01'
}
# await_count N WORD FILE: until so many lines begin with the word.
await_count() {
        local end=$((SECONDS + 20))
        until [ "$(grep -c "^$2 " "$3")" -ge "$1" ]; do
                [ $SECONDS -lt $end ] || { bad "not $1 times $2"; sed 's/^/  | /' "$3"; finish; }
                read -rt 0.02 <> <(:) || true
        done
}
# lift NAME: takes the badge away, until pcscd has seen that: it looks about every 0.4 s, and a badge that is back before
# that was never away.
lift() {
        local n
        n=$(grep -c '^removed ' watch.out || true)
        badge_out "$1"
        await_count $((n + 1)) removed watch.out
}

# --- readers
watch_readers
await_property Watching '{"type":"b","data":true}'
await_property Readers '{"type":"as","data":["Virtual PCD 00 00","Virtual PCD 00 01"]}'
await_entry WARDTAP_EVENT=reader-attach "WARDTAP_READER=$READER"

# --- a tap has one owner, and comes back at a hang-up
client one wardtap
say one "hello sign-in $A1 lightdm seat0" want-tap
await one.out "waiting 2"
client two wardtap
say two "hello sign-in $A2 sudo seat0" want-tap
await two.out "waiting 2"
await_property WaitingAttempts '{"type":"u","data":2}'
say one wait
badge_in first 04a1b2c3
await one.out "tap "
expect "the first who waits gets the tap" "tap 1 \"$READER\" 0" one.out
expect "without the number" " 1 -" one.out
await_property WaitingAttempts '{"type":"u","data":1}'
say two wait
hang_up one
await two.out "tap "
expect "a hang-up gives it to the next" "tap 1 \"$READER\" 0" two.out
say two "record denied 4 ATTEMPT=$A2 REASON=no-role SERVICE=sudo"
await two.out recorded
client three wardtap
say three "hello sign-in $A3 lightdm seat0" want-tap "ask-session 1"
await three.out "session 0"
expect_not "a verdict uses it up" "tap " three.out
lift first

# --- an enrolment goes first, and only with a new tap
client enrol root
say enrol "hello enrol" want-tap wait
await enrol.out "waiting 2"
badge_in again 04a1b2c3
await enrol.out "tap "
expect "an enrolment sees the number" " 1 04a1b2c3" enrol.out
lift again
say three "ask-session 1"
await three.out "session 0"
expect_not "a badge being enrolled signs nobody in" "tap " three.out
token1=$(awk '$1 == "tap" {print $(NF-3)}' two.out) token2=$(awk '$1 == "tap" {print $(NF-3)}' enrol.out)
is "the same badge has the same short name" "$token1" "$token2"
is "of 8 characters" 8 "${#token1}"
hang_up enrol
hang_up two

# --- no session is shown but of who was let in, and nobody is let in by a grant that nobody left
refused() { grep -c 'Dropped a client .*: Operation not permitted' wardtapd.err || true; }
client early wardtap
say early "hello sign-in $A2 lightdm seat0" "ask-grant 2001 anna lightdm.service"
await early.out "grant "
expect "there is no grant" "grant -2 -" early.out
before=$(refused)
say early "switch 2001 anna lightdm.service"
await early.out gone
is "who let nobody in is dropped for it" $((before + 1)) "$(refused)"
hang_up early
client other wardtap
say other "hello sign-in $A2 lightdm seat0" "record sign-in 0 USER=anna UID=2001 SERVICE=lightdm"
await other.out "recorded 0"
say other "switch 2002 ben lightdm.service"
await other.out gone
is "and who let in somebody else" $((before + 2)) "$(refused)"
hang_up other

# --- a badge that cannot be identified is a tap with its problem
say three wait
badge_in strange 04a1b2c3 --fault random
await three.out "tap "
expect "a random number is said" "\"$READER\" 1 - " three.out
lift strange
hang_up three

# --- no tap from before pcscd went counts
badge_in before 04a1b2c3
lift before
stop_pcscd
await_property Readers '{"type":"as","data":[]}'
await_entry WARDTAP_EVENT=reader-detach WARDTAP_REASON=pcsc-lost
client four wardtap
say four "hello sign-in $A1 lightdm seat0" want-tap
await four.out "waiting 0" 30 # readers that are lost may come back: helper/broker.h, BROKER_READERS_USEC
start_pcscd
await_property Readers '{"type":"as","data":["Virtual PCD 00 00","Virtual PCD 00 01"]}'
say four wait wait
await four.out "waiting 2"
expect_not "no tap from before the break" "tap " four.out
say four wait
badge_in after 04a1b2c3
await four.out "tap "
ok "a tap after it does"
lift after
hang_up four

# --- wardtap-device goes and comes back
restart_unit device
await_entry WARDTAP_EVENT=reader-detach WARDTAP_REASON=device-service-gone
await_property Readers '{"type":"as","data":["Virtual PCD 00 00","Virtual PCD 00 01"]}'

# --- unknown badges slow their reader
watch_readers
client many wardtap
say many "hello sign-in $A1 lightdm seat0"
for i in {1..10}; do
        say many want-tap wait
        await_count "$i" waiting many.out
        badge_in many "040000$((i + 10))"
        await_count "$i" tap many.out
        lift many
        say many "record unknown-badge 4 ATTEMPT=$A1 REASON=unknown-badge SERVICE=lightdm"
        await_count "$i" recorded many.out
done
await_entry WARDTAP_EVENT=reader-slowed "WARDTAP_READER=$READER"
await_property ReadersSlowed '{"type":"as","data":["Virtual PCD 00 00"]}'
hang_up many

# --- the bus: everybody reads, nobody else has the name, a bus that restarts is found again
busctl introspect org.wardtap.Station1 /org/wardtap/Station1 >introspect.txt
for name in Version Station Tags Readers ReadersSlowed WaitingAttempts OpenSessions RecordSequence RecordEpoch \
        RecordsPending JournalConnected PolicyHash Watching LastTapUSec ReaderChanged; do
        expect "introspection shows $name" ".$name " introspect.txt
done
setpriv --reuid=2001 --regid=2000 --clear-groups busctl get-property org.wardtap.Station1 /org/wardtap/Station1 \
        org.wardtap.Station1 Version >version.txt 2>&1
expect "anybody may read" 's "0' version.txt
setpriv --reuid=2001 --regid=2000 --clear-groups busctl call org.freedesktop.DBus /org/freedesktop/DBus \
        org.freedesktop.DBus RequestName su org.wardtap.Station1 4 >own.txt 2>&1 || true
expect "nobody else may have the name" "Access denied" own.txt
kill -TERM "${unit_pid[dbus]}"
wait "${unit_pid[dbus]}" 2>/dev/null || true
rm -f /run/dbus/system_bus_socket
start_dbus
await_property Watching '{"type":"b","data":true}'

# --- nobody there: no wake-ups
main=$(main_pid wardtapd)
switches() { awk '/ctxt_switches/ {n += $2} END {print n}' "/proc/$main/status"; }
await_property RecordsPending '{"type":"t","data":0}'
read -rt 3 <> <(:) || true
before=$(switches)
read -rt 10 <> <(:) || true
is "wake-ups in 10 quiet seconds" 0 $(($(switches) - before))

stop_unit wardtapd
finish
