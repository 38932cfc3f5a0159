# shellcheck shell=bash disable=SC2119,SC2154
# SPDX-License-Identifier: Apache-2.0
# Anybody may write to wardtapd on the system bus as often as she likes. That makes nothing wait that matters: a parked
# session that root shows leaves the screen as soon as on a quiet bus.
# shellcheck source=tests/integration/stage.bash
. "$T/integration/stage.bash"

ANNA=04a1b2c3
as_ben() { setpriv --reuid=2002 --regid=2000 --clear-groups "$@"; }
# own_name: of the connection of wardtapd that has no name.
own_name() {
        local name public
        public=$(busctl call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus GetNameOwner s org.wardtap.Station1)
        while read -r name; do
                case $(busctl call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus GetConnectionUnixUser s "$name" 2>&1) in
                "u 903") [ "s \"$name\"" = "$public" ] || echo "$name" ;;
                esac
        done < <(busctl call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus ListNames | grep -o ':[0-9.]*')
}
flooders=()
# flood SENDERS ARGUMENTS OF bus_flood: returns once it pours in.
flood() {
        local i n=$1
        shift
        flooders=()
        for ((i = 0; i < n; i++)); do
                as_ben "$B/tests/integration/bus_flood" "$@" >"flood.$i" 2>&1 &
                flooders+=($!)
        done
        for ((i = 0; i < n; i++)); do await "flood.$i" begun 20 || bad "no flood"; done
}
end_flood() {
        local pid
        for pid in "${flooders[@]}"; do
                kill "$pid" 2>/dev/null || true
                wait "$pid" 2>/dev/null || true
        done
}
# intrude MS NAME: root shows anna's parked session; it is gone from the screen before MS. While a flood pours in the
# bus itself has much to do.
intrude() {
        local ms
        mark_seat
        seat activate "$A"
        await_seat 'active .* greeter' 60 || true
        ms=$(seen | awk -v id="$A" '$2 == "active" && $3 == id {at = $1} $2 == "active" && $3 != id && at {
                printf "%d\n", ($1 - at) / 1000; exit}')
        if [ "${ms:-60000}" -lt "$1" ]; then ok "$2: gone after $ms ms"; else bad "$2: on the screen for ${ms:-60000} ms"; fi
        end_flood
}

start_stage
taps reader "$R2"
enrol_tapping anna $ANNA 1111 || { bad "enrolment of anna"; finish; }
seat greeter # or it is there already: a tap more than the enrolment wanted brings one
await_seat "say Tap your badge"
key_in anna
seat answer 1111
mark_seat
taps tap "$R2" $ANNA
await_seat "active [^ ]+ 2001 user" || true
key_out anna
seat answer
A=$(grep -l "^UID=2001\$" /run/systemd/sessions/* | head -n 1 | sed 's|.*/||')
mark_seat
seat greeter
await_seat 'active .* greeter' || true

own=$(own_name)
is "wardtapd has one connection beside the one with the name" 1 "$(printf '%s\n' "$own" | grep -c '^:')"
denied=$(as_ben busctl --timeout=5 call "$own" /org/wardtap/Station1 org.freedesktop.DBus.Peer Ping 2>&1 || true)
case $denied in *denied* | *rejected*) ok "the bus lets nobody call it" ;; *) bad "a call to it: $denied" ;; esac
busctl monitor --json=short >refused.log 2>refused.txt &
monitor=$!
await refused.txt "Monitoring bus" || true
as_ben "$B/tests/integration/bus_flood" signal 1 "$own" >/dev/null
if await refused.log "Rejected receive message" 10; then ok "nor send it a signal"; else bad "nobody refuses a signal to it"; fi
kill $monitor
wait $monitor 2>/dev/null || true
intrude 1000 "on a quiet bus"
flood 1 call 30000
await flood.0 sent 60
intrude 1000 "after 30,000 questions of another user"
flood 3 call 100000
intrude 3000 "while three programs ask 100,000 times each"

flood 3 signal 100000 "$own"
intrude 3000 "while three programs send it 100,000 signals each"

is "and each was an alert" 4 "$(event_count guard-alert)"
end=$((SECONDS + 90)) # the bus may have made wardtapd's connection anew
until said=$(busctl --timeout=30 get-property org.wardtap.Station1 /org/wardtap/Station1 org.wardtap.Station1 Watching 2>&1) || [ $SECONDS -ge $end ]; do
        read -rt 0.5 <> <(:) || true
done
case $said in
"b true") ok "who asks is answered in the end" ;;
*) bad "no answer ($said)" ;;
esac
finish
