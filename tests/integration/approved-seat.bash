# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# Whoever is at the seat by what somebody's key approved is judged again when that ends, early or by itself, also over a
# restart of wardtapd; and what is reported lost parks its owner's session at once. On a seat without a VM. Run by `world`.
# shellcheck source=tests/integration/stage.bash
. "$T/integration/stage.bash"

say=$B/tests/integration/pty_say
CARL=04c1b2c5 DORA=04d1b2c6
people() {
        printf 'leads:x:2012:dora\n' >>/etc/group
        echo 'dora:x:2004:2012:Dora Lind,,,:/nonexistent:/bin/sh' >>/etc/passwd
        cat >>/etc/wardtap/wardtap.conf <<-'R'
		[Role lead]
		Groups=leads
		SignIn=badge+key+verify
		Approves=elevate
		[Role runner]
		Groups=nobody-at-all
		SignIn=badge
		R
}
shows() { is "$1" "$2" "$(on_screen)"; }
# comes UID NUMBER: a tap, and the session is there.
comes() {
        mark_seat
        taps tap "$R1" "$2"
        await_seat "active [^ ]+ $1 user" || true
}
# elevated TIME: carl has a role for so long.
elevated() {
        key_in dora
        "$say" --timeout 30 "PIN of=1357" -- wardtap elevate carl --role runner --for "$1" --reason "a hand is missing" \
                --approver dora >elevate.out 2>&1 || { cat elevate.out; bad "elevate"; }
        key_out dora
}

start_stage people
enrol_tapping carl $CARL || { bad "enrolment of carl"; finish; }
enrol_tapping dora $DORA 1357 || { bad "enrolment of dora"; finish; }
seat greeter # or it is there already: a tap more than the enrolment wanted brings one
await_seat "say Tap your badge"

echo "== without a role he is refused; with one for a while he is let in"
mark_seat
taps tap "$R1" $CARL
await_seat "say You have no role here" || true
elevated 30min
read -rt 3.2 <> <(:) || true # the same badge counts again
comes 2003 $CARL
shows "carl is there" "2003 user"
is "by the role for a while" "runner dora" "$(last_of sign-in ROLE) $(last_of sign-in APPROVER)"

echo "== it is ended early"
mark_seat
wardtap elevate end carl >end.out 2>&1 || { cat end.out; bad "elevate end"; }
await_seat 'active .* greeter' 10 || true
shows "his session is parked at once" "910 greeter"
is "with the reason" no-role "$(last_of lock REASON)"

echo "== it ends by itself"
elevated 1min
until=$(last_of elevate UNTIL_USEC)
read -rt 3.2 <> <(:) || true
comes 2003 $CARL
shows "carl is back" "2003 user"
restart_unit wardtapd
await_bus
shows "and stays over a restart" "2003 user"
mark_seat
await_seat 'active .* greeter' 90 || true
shows "when its time is over his session is parked" "910 greeter"
is "with the reason" no-role "$(last_of lock REASON)"
late=$(($(last_of lock TIME_USEC) - until))
[ $late -ge 0 ] && ok "not before its end" || bad "before its end, by $late us"

echo "== his badge is reported lost"
elevated 30min
read -rt 3.2 <> <(:) || true
comes 2003 $CARL
shows "carl is there" "2003 user"
mark_seat
wardtap badge report carl --reason "somebody else has it" >report.out 2>&1 || { cat report.out; bad "report"; }
await_seat 'active .* greeter' 10 || true
shows "his session is parked at once" "910 greeter"
is "with the reason" lost-report "$(last_of lock REASON)"
read -rt 3.2 <> <(:) || true
mark_seat
taps tap "$R1" $CARL
await_seat "say This badge is suspended" 10 || true
shows "and lets nobody in again" "910 greeter"

chain_whole
no_trespass
finish
