# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# What tests/bench/soak does, run inside tests/integration/world.
# shellcheck source=tests/integration/stage.bash
. "$T/integration/stage.bash"

# How long taps pour in.
: "${TAP_SECONDS:=60}"
# No common divisor: the same badge is back at the same reader as late as can be.
handoffs=$1 people=61 readers=16 samples=10

crew() {
        local i
        for ((i = 0; i < people; i++)); do
                echo "nurse$i:x:$((3000 + i)):2000:Nurse $i,,,:/nonexistent:/bin/sh" >>/etc/passwd
        done
        sed -i "s/^nurses:.*/nurses:x:2000:$(seq -s, -f 'nurse%g' 0 $((people - 1)))/" /etc/group
        sed -i "s/^SignIn=badge+key+verify/SignIn=badge/; s/^Tags=ward3.*/&\nMaxSessions=64/" /etc/wardtap/wardtap.conf
}
number() { printf '04ab%04x' "$1"; }
# memory: anonymous memory of wardtapd and the listener of wardtap-authd, in kB.
memory() { echo "$(anon wardtapd) $(anon authd)"; }
descriptors() { find "/proc/$(main_pid wardtapd)/fd" -mindepth 1 | wc -l; }

mkdir -p /etc/systemd/journald.conf.d
printf '[Journal]\nRuntimeMaxUse=3G\nSyncIntervalSec=1s\n' >/etc/systemd/journald.conf.d/soak.conf
start_stage crew
for ((i = 2; i <= readers; i++)); do taps reader "Reader_$i"; done
echo "enrolling $people people"
for ((i = 0; i < people; i++)); do
        enrol_tapping "nurse$i" "$(number $i)" || { bad "enrolment of nurse$i"; finish; }
done
mark_seat
seat greeter
await_seat "say Tap your badge"

# what_came: the end of the records and of what the seat was asked for.
what_came() {
        journalctl -q -n 40 -o cat _SYSTEMD_UNIT=wardtapd.service | sed 's/^/  journal | /'
        tail -n 20 station.log | sed 's/^/  seat | /'
        busctl introspect org.wardtap.Station1 /org/wardtap/Station1 2>&1 | grep property | sed 's/^/  station | /'
        df -h /run /var/log/journal /var/lib/wardtap 2>/dev/null | sed 's/^/  space | /'
        ps -eo pid,stat,etimes,rss,args | grep -E '[w]ardtap|[j]ournald' | sed 's/^/  process | /' | head -n 30
}

# shift_of FROM TO: people tap in turn, each on the next reader, as soon as the one before is on the screen.
missed=0
shift_of() {
        local i who line
        for ((i = $1; i < $2; i++)); do
                who=$((i % people))
                taps tap "Reader_$((i % readers + 1))" "$(number $who)"
                while IFS= read -rt 5 line <&"$follow"; do
                        case $line in *" active "*" $((3000 + who)) user") continue 2 ;; esac
                done
                missed=$((missed + 1))
                [ $missed -le 20 ] || { bad "more than 20 taps brought nobody to the screen"; what_came; finish; }
        done
}
exec {follow}< <(exec tail -n 0 -F --sleep-interval=0.005 station.log 2>/dev/null)

echo "everybody once, so that their sessions are there"
shift_of 0 $people
before=$(event_count handoff)
echo "handoffs  per second   wardtapd kB   wardtap-authd kB   descriptors of wardtapd"
read -r first_memory _ < <(memory)
done_so_far=0 start=$EPOCHREALTIME
for ((k = 1; k <= samples; k++)); do
        shift_of $((people + done_so_far)) $((people + handoffs * k / samples))
        done_so_far=$((handoffs * k / samples))
        read -r wardtapd_kb authd_kb < <(memory)
        [ $k -ne 2 ] || first_memory=$wardtapd_kb # what it takes once, it has taken
        awk -v n=$done_so_far -v a="$start" -v b="$EPOCHREALTIME" -v w="$wardtapd_kb" -v x="$authd_kb" -v d="$(descriptors)" \
                'BEGIN { printf "%8d  %10.1f   %11d   %16d   %d\n", n, n / (b - a), w, x, d }'
done
count=$(($(event_count handoff) - before))
is "no badge was taken for one that lies near a reader" 0 "$(event_count nearby-badge)"
is "no guard-alert" 0 "$(event_count guard-alert)"
echo "$count handoffs recorded of $handoffs; $missed taps brought nobody to the screen"
is "every handoff that was seen is a record" "$((handoffs - missed))" "$count"
if [ $((wardtapd_kb - first_memory)) -le 256 ]; then ok "the memory of wardtapd is flat ($first_memory to $wardtapd_kb kB)"; else
        bad "the memory of wardtapd grew from $first_memory to $wardtapd_kb kB"
fi
echo "50 taps a second for $TAP_SECONDS s, of two people on one reader"
seat greeter
taps burst $((50 * TAP_SECONDS / 2)) 50 Reader_1 "$(number 0)" "$(number 1)"
middle=$(anon wardtapd)
taps burst $((50 * TAP_SECONDS / 2)) 50 Reader_1 "$(number 0)" "$(number 1)"
after=$(anon wardtapd)
if [ $((after - middle)) -le 256 ]; then ok "the memory of wardtapd is flat ($middle to $after kB)"; else
        bad "the memory of wardtapd grew from $middle to $after kB"
fi
is "which is a badge that lies near the reader" 1 "$([ "$(event_count nearby-badge)" -gt 0 ] && echo 1)"

echo "wardtapd is started anew with $people sessions, of which one is on the screen"
restart_unit wardtapd
await_bus
parked=$(grep -l "^UID=$((3000 + people / 2))\$" /run/systemd/sessions/* | head -n 1 | sed 's|.*/||')
mark_seat
printf '0 intrude %s\n' "$parked" >>station.log
seat activate "$parked"
await_seat 'active .* greeter' 5 || true
await_event guard-alert 1 "a parked session that is shown is an alert"
mark_seat
taps tap Reader_2 "$(number $((people / 2)))"
await_seat "active $parked $((3000 + people / 2)) user" || true
shows "its owner finds it" "$((3000 + people / 2)) user"
chain_whole
no_trespass
finish
