# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# Walking away on a seat without a VM: a badge that stays in its reader locks when it is taken out, and nothing else does.
# Run by `world`.
. "$T/integration/stage.bash"

CARL=04c1b2c5 DORA=04d1b2c6
people() {
        sed -i 's/^nurses:.*/nurses:x:2000:anna,ben/' /etc/group
        echo 'visitors:x:2010:dora' >>/etc/group
        echo 'dora:x:2004:2010:Dora Lind,,,:/nonexistent:/bin/sh' >>/etc/passwd
        cat >>/etc/wardtap/wardtap.conf <<-'R'
		[Role porter]
		Groups=porters
		SignIn=badge
		TapOut=lock
		[Role visitor]
		Groups=visitors
		SignIn=badge
		WalkAway=nothing
		R
}
shows() { is "$1" "$2" "$(on_screen)"; }
# works SECONDS: she does, and nothing else happens. What stays, and what is the same badge again, is said by the clock.
works() { read -rt "$1" <> <(:) || true; }
# comes UID NUMBER [READER]: her badge is laid on the reader, and her session comes.
comes() {
        mark_seat
        taps in "${3-$R1}" "$2"
        await_seat "active [^ ]+ $1 user" || true
}
to_greeter() {
        mark_seat
        seat greeter
        case $(on_screen) in *greeter) ;; *) await_seat 'active .* greeter' || true ;; esac
}

start_stage people
taps reader $R2
for who in "carl $CARL" "dora $DORA"; do
        # shellcheck disable=SC2086
        enrol_tapping $who || { bad "enrolment of $who"; finish; }
done
seat greeter # or it is there already: a tap more than the enrolment wanted brings one
await_seat "say Tap your badge"

echo "== a badge that stays and is taken out"
comes 2003 $CARL
works 6
shows "carl works, and his badge lies on the reader" "2003 user"
mark_seat
taps out $R1
await_seat 'active .* greeter' || true
shows "his session is locked when he takes it" "910 greeter"
is "with a record" 1 "$(event_count lock WARDTAP_REASON=badge-removed)"
is "by the station itself" node "$(last_of lock REQUESTOR)"
is "of carl" carl "$(last_of lock USER)"

echo "== a tap"
works 3.2
comes 2003 $CARL
taps out $R1
works 8
shows "is no walking away" "2003 user"
is "and no record" 1 "$(event_count lock)"

echo "== a badge that slips"
to_greeter
works 3.2
comes 2003 $CARL
works 6
before=$(event_count lock)
taps out $R1
taps in $R1 $CARL
works 2.5
shows "is no tap-out, and locks nothing" "2003 user"
is "no tap-out is recorded" 0 "$(event_count tap-out)"
is "no lock either" "$before" "$(event_count lock)"

echo "== a restart of wardtapd, with the badge on the reader"
restart_unit wardtapd
await_bus
works 6
shows "changes nothing" "2003 user"
mark_seat
taps out $R1
await_seat 'active .* greeter' || true
shows "and when it is taken, his session is locked" "910 greeter"
is "with a record" 2 "$(event_count lock WARDTAP_REASON=badge-removed)"

echo "== a reader that goes, and its badge with it"
works 3.2
comes 2003 $CARL
works 6
before=$(event_count lock)
taps lost
works 3
shows "nobody is locked out by what is broken" "2003 user"
is "and there is no record" "$before" "$(event_count lock)"
taps ready
taps reader $R1
works 5
shows "nor when the reader is back, with the badge on it" "2003 user"
mark_seat
taps out $R1
await_seat 'active .* greeter' || true
is "which locks when it is taken" 3 "$(event_count lock WARDTAP_REASON=badge-removed)"

echo "== where the rules say nothing"
works 3.2
comes 2004 $DORA
works 6
taps out $R1
works 3
shows "nothing happens" "2004 user"
no_trespass
chain_whole
finish
