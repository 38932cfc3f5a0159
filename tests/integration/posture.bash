# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# The station's own state, by units of the site: what a check that fails or is not known takes away, and what not. On a
# seat without a VM. Run by `world`.
# shellcheck source=tests/integration/stage.bash
. "$T/integration/stage.bash"

CARL=04c1b2c5 DORA=04d1b2c6
site() {
        sed -i 's/^porters:.*/porters:x:2001:carl,dora/' /etc/group
        echo 'dora:x:2004:2001:Dora Lind,,,:/nonexistent:/bin/sh' >>/etc/passwd
        cat >>/etc/wardtap/wardtap.conf <<-'R'
		[Role porter]
		Groups=porters
		SignIn=badge
		TapOut=lock
		[Check disk]
		Unit=disk-encrypted.service
		Then=no-sign-in
		[Check scanner]
		Unit=scan.service
		MaxAge=1h
		Then=record
		[Check elsewhere]
		Unit=elsewhere.service
		Then=no-sign-in
		Tags=or
		R
}
shows() { is "$1" "$2" "$(on_screen)"; }
# comes UID NUMBER: a tap, and the session is there.
comes() {
        mark_seat
        taps tap "$R1" "$2"
        await_seat "active [^ ]+ $1 user" 10 || true
}
# knows TEXT: wardtapd has heard of it.
knows() { await wardtapd.err "$1" || true; }

start_stage site
enrol_tapping carl $CARL || { bad "enrolment of carl"; finish; }
enrol_tapping dora $DORA || { bad "enrolment of dora"; finish; }
seat greeter # or it is there already: a tap more than the enrolment wanted brings one
await_seat "say Tap your badge"

echo "== what nobody knows fails"
seat unit scan.service inactive
knows "The check scanner passes"
mark_seat
taps tap "$R1" $CARL
await_seat "say This station is not safe just now" 10 && ok "the screen says so" || bad "the screen says so"
is "the record has the reason" posture "$(last_of denied REASON)"
is "and the check that fails, and no other" disk "$(last_of denied POSTURE)"
fails_of() { journalctl --sync; journalctl -q -o json _UID=903 WARDTAP_EVENT=check-fail | grep -c "\"WARDTAP_POSTURE\":\"$1\"" || true; }
is "the check's own record says so, too" 1 "$(fails_of disk)"
is "and none is about a check for other stations" 0 "$(fails_of elsewhere)"
is "and that the other passes" scanner "$(last_of check-pass POSTURE)"
shows "nobody is there" "910 greeter"

echo "== it passes"
seat unit disk-encrypted.service active
knows "The check disk passes"
is "which is a record" "disk: disk-encrypted.service is active" "$(last_of check-pass POSTURE): $(last_of check-pass DETAIL)"
read -rt 3.2 <> <(:) || true
comes 2003 $CARL
shows "carl is there" "2003 user"
is "no check fails" "" "$(last_of sign-in POSTURE)"

echo "== one that is only recorded"
seat unit scan.service failed
knows "The check scanner fails: scan.service is failed."
is "which is a record" "scanner posture: scan.service is failed" "$(last_of check-fail POSTURE) $(last_of check-fail REASON): $(last_of check-fail DETAIL)"
read -rt 3.2 <> <(:) || true
mark_seat
taps tap "$R1" $CARL
await_seat 'active .* greeter' 10 || true
shows "his tap-out is nobody's to refuse" "910 greeter"
is "and says what fails" scanner "$(last_of tap-out POSTURE)"

echo "== it fails while somebody works"
read -rt 3.2 <> <(:) || true
comes 2004 $DORA
shows "dora is there" "2004 user"
is "the record says what failed" scanner "$(last_of sign-in POSTURE)"
seat unit disk-encrypted.service failed
knows "The check disk fails: disk-encrypted.service is failed."
wardtap person add anna >person.out 2>&1 || true # everybody is judged again
read -rt 1 <> <(:) || true
shows "whoever is at work stays" "2004 user"
read -rt 3.2 <> <(:) || true
mark_seat
taps tap "$R1" $DORA
await_seat 'active .* greeter' 10 || true
shows "and may leave" "910 greeter"
read -rt 3.2 <> <(:) || true
mark_seat
taps tap "$R1" $DORA
await_seat "say This station is not safe just now" 10 && ok "but not come back" || bad "but not come back"

echo "== systemd starts anew"
seat unit disk-encrypted.service active
knows "The check disk passes"
: >wardtapd.err
seat vanish systemd1
seat appear systemd1
seat unit disk-encrypted.service active
read -rt 3.2 <> <(:) || true
comes 2004 $DORA
shows "what is known is known again" "2004 user"
finish
