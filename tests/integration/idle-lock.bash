# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# What time and sleep bring about at an open session, from end to end on a seat without a VM: the lock before sleep, a
# program that puts the idle lock off, the countdown that a key ends, the session's own word for being idle, and the session
# cap. It waits for the timers themselves. Run by `world`.
# shellcheck source=tests/integration/stage.bash
. "$T/integration/stage.bash"

timers() {
        sed -i 's/^nurses:.*/nurses:x:2000:anna/' /etc/group
        sed -i 's/^SessionCap=.*/SessionCap=1min/' /etc/wardtap/wardtap.conf
        cat >>/etc/wardtap/wardtap.conf <<-'R'
		[Place ward]
		Tags=ward3
		IdleLock=30s
		IdleCountdown=10s
		Inhibitors=yes
		R
}
# passes SECONDS: nobody does anything.
passes() { read -rt "$1" <> <(:) || true; }
# on_bus TEXT SECONDS NAME: a signal of wardtapd that has come since the mark, or comes.
on_bus() {
        if timeout "$2" grep -q -m1 -F -- "$1" < <(exec tail -n +$((bus_mark + 1)) -F --sleep-interval=0.02 signals.log 2>/dev/null); then
                ok "$3"
        else
                bad "$3"
                tail -n +$((bus_mark + 1)) signals.log | sed 's/^/  | /'
        fi
}
mark_bus() { bus_mark=$(wc -l <signals.log); }

start_stage timers
for i in 2 3 4 5 6 7 8 9 10; do taps reader Reader_$i; done
enrol_tapping anna $ANNA 1111 || { bad "enrolment of anna"; finish; }
: >signals.log
busctl monitor --json=short --match="type='signal',interface='org.wardtap.Station1'" >signals.log 2>&1 &
unit_pid[monitor]=$!
await signals.log Monitoring
seat greeter # or it is there already: a tap more than the enrolment wanted brings one
await_seat "say Tap your badge"
full_sign_in anna 2001 $ANNA 1111
shows "anna is in" "2001 user"
A=$(session_of 2001)

echo "== sleep"
mark_seat
seat sleep 1
await_seat "released sleep delay Wardtap" 10 || true
shows "her session is parked" "910 greeter"
is "before the station may sleep" "parked released" "$(seen | awk -v id="$A" '
        $2 == "active" && $3 != id && !n++ { printf "parked " } $2 == "released" { printf "released" }')"
await_event lock 1 "with a record"
is "of why, and who asked" "suspend node anna" "$(last_of lock REASON) $(last_of lock REQUESTOR) $(last_of lock USER)"
mark_seat
seat sleep 0
await_seat "call 903 Inhibit" 10 && ok "when it wakes, the next sleep waits again" || bad "the next sleep waits again"
rest
mark_seat
tap $ANNA
await_seat "active $A 2001 user" || true
shows "her badge brings it back" "2001 user"

echo "== a program puts the idle lock off"
seat inhibit idle block
passes 33
shows "so it does not come" "2001 user"
is "nothing is recorded" 0 "$(event_count idle-lock)"
mark_bus
seat release
on_bus '"data":["'"$A"'",10]' 25 "once it no longer does, all of the time counts anew, and its end is counted down"
taps active
on_bus '"data":["'"$A"'",0]' 5 "any key ends the countdown"
shows "and nothing is locked" "2001 user"

echo "== what a session says of itself can only bring the lock forward"
seat idle "$A" 1
passes 15
taps active
shows "against input that was seen it counts for nothing" "2001 user"
passes 16
shows "also when it has said so for the whole time" "2001 user"
mark_seat
restart_unit wardtapd # which knows of no input of before
await_bus
await_seat 'active .* greeter' 10 || true
shows "of the time that was not seen it is believed" "910 greeter"
await_event idle-lock 1 "with a record of the timer"
is "which the station itself asked for" "idle node anna" \
        "$(last_of idle-lock REASON) $(last_of idle-lock REQUESTOR) $(last_of idle-lock USER)"
seat idle "$A" 0

echo "== the session cap is over"
await_seat "say Tap your badge" || true
key_in anna
mark_seat
tap $ANNA
await_seat "prompt " || true
is "a badge alone does not bring her session back" "910 greeter" "$(on_screen)"
seat type 1111
await_seat "active $A 2001 user" || true
key_out anna
shows "a full sign-in does: it has not ended" "2001 user"
is "the record says why it was asked for" "anna key+verify session-cap" \
        "$(last_of sign-in USER) $(last_of sign-in FACTORS) $(last_of sign-in DETAIL)"
rest
mark_seat
tap $ANNA
await_seat 'active .* greeter' || true
rest
before=$(event_count sign-in)
mark_seat
tap $ANNA
await_seat "active $A 2001 user" || true
shows "from then on her badge does again" "2001 user"
is "without another sign-in" "$before" "$(event_count sign-in)"

chain_whole
no_trespass
finish
