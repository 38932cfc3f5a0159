# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# The awkward cases of wardtapd(8) on a seat without a VM: who gets what by which tap when several come at once, who is
# asked for a PIN meanwhile, who has a session elsewhere or no account any more, whose key is left behind, and what people
# are called. Run by `world`.
# shellcheck source=tests/integration/stage.bash
. "$T/integration/stage.bash"

CARL=04c1b2c5 DORA=04d1b2c6 ERIN=04e1b2c7
DORAS=d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0 # her key, in its port
people() {
        sed -i 's/^nurses:.*/nurses:x:2000:anna,ben,dora,erin,fred,gina/' /etc/group
        cat >>/etc/passwd <<-'P'
		dora:x:2004:2000:Dora Lind,,,:/nonexistent:/bin/sh
		erin:x:2005:2000:Erin Wolf,,,:/nonexistent:/bin/sh
		fred:x:2006:2000:Fred Amari,,,:/nonexistent:/bin/sh
		gina:x:2007:2000:Gina Roth,,,:/nonexistent:/bin/sh
		P
        sed -i "s/^Tags=ward3.*/&\nMaxSessions=64/" /etc/wardtap/wardtap.conf
        cat >>/etc/wardtap/wardtap.conf <<-'R'
		[Role porter]
		Groups=porters
		SignIn=badge
		TapOut=lock
		R
}
# waits_for_authd: a tap at an open session waits until wardtap-authd, which is stopped, goes on.
waits_for_authd() {
        local end=$((SECONDS + 10))
        until [ "$(ss -xlH src /run/wardtap/auth.sock | awk '{print $3}')" != 0 ] || [ $SECONDS -ge $end ]; do
                read -rt 0.02 <> <(:) || true
        done
}
# of USER: how many records there are of that user.
of() {
        journalctl --sync
        journalctl -q -o cat --output-fields=WARDTAP_EVENT _UID=903 "WARDTAP_USER=$1" | grep -c . || true
}

start_stage people
for i in 2 3 4 5 6 7 8 9 10; do taps reader Reader_$i; done
for who in "anna $ANNA 1111" "ben $BEN 2222" "carl $CARL" "dora $DORA 4444" "erin $ERIN 5555"; do
        # shellcheck disable=SC2086
        enrol_tapping $who || { bad "enrolment of $who"; finish; }
done
seat greeter # or it is there already: a tap more than the enrolment wanted brings one
await_seat "say Tap your badge"
full_sign_in anna 2001 $ANNA 1111
shows "anna is in" "2001 user"
A=$(session_of 2001)
to_greeter
full_sign_in ben 2002 $BEN 2222
shows "ben is in" "2002 user"
BB=$(session_of 2002)

echo "== two taps at once, at an open session"
rest
mark_seat
kill -STOP "$(main_pid authd)"
tap $BEN
waits_for_authd
tap $ANNA
kill -CONT "$(main_pid authd)"
await_seat 'active .* greeter' || true
await_event tap-out 1 "the first counts: ben taps out"
mark_seat
rest
shows "the second is ignored" "910 greeter"
is "and nobody was let in by it" "" "$(seen | grep -F SwitchToUser || true)"
mark_seat
tap $BEN
await_seat "active $BB 2002 user" || true
rest
before=$(event_count handoff)
mark_seat
kill -STOP "$(main_pid authd)"
tap $ANNA
waits_for_authd
tap $CARL
kill -CONT "$(main_pid authd)"
await_seat "active $A 2001 user" || true
await_event handoff $((before + 1)) "two who come at once: the first is handed the seat"
read -rt 1 <> <(:) || true
shows "and stays there" "2001 user"
is "with one handoff" $((before + 1)) "$(event_count handoff)"
is "the second's session has not begun" "" "$(session_of 2003)"

echo "== a tap while the seat changes"
rest
before=$(event_count handoff)
mark_seat
tap $BEN &
await_seat "call 903 SwitchToUser ben" || true
wait $! || true
taps tap "$R2" $ANNA
await_seat "active $A 2001 user" || true
shows "it waits, and is judged against what has come to the screen" "2001 user"
await_event handoff $((before + 2)) "that is two handoffs"
is "the second from ben" ben "$(last_of handoff FROM_USER)"
is "to anna" anna "$(last_of handoff USER)"

echo "== a tap in the middle of a PIN entry"
to_greeter
await_seat "say Tap your badge" || true
key_in dora
taps key $DORAS
mark_seat
tap $DORA
await_seat "prompt " || true
before=$(of carl)
taps tap "$R2" $CARL
read -rt 0.5 <> <(:) || true
is "another's is ignored" "$before" "$(of carl)"
seat type 4444
await_seat "active [^ ]+ 2004 user" || true
shows "whoever typed it is in" "2004 user"
read -rt 1 <> <(:) || true
shows "and stays there" "2004 user"
is "of the other nothing is recorded afterwards either" "$before" "$(of carl)"

echo "== her key is left in the port: whoever comes next is told, also in a session that has just begun"
key_in erin
seat answer 5555
mark_seat
tap $ERIN
await_seat "active [^ ]+ 2005 user" || true
seat answer
shows "erin is at the seat" "2005 user"
setpriv --reuid=2005 --regid=2000 --clear-groups "$B/tests/integration/attend" "$(session_of 2005)" >notices.out 2>&1 &
unit_pid[attend]=$!
await notices.out "notice take-key 10 Dora Lind, take your key." && ok "take your key, when her program has started" ||
        bad "take your key, when her program has started"
key_out dora
taps unkey
key_out erin
kill "${unit_pid[attend]}"

echo "== an account is deleted: at the seat, and parked"
sed -i '/^erin:/d' /etc/passwd
mark_seat
wardtap person add fred >person.out 2>&1 || cat person.out # whatever changes of people has everybody judged
await_seat "removed [^ ]+ 2005 user" || true
await_seat 'active .* greeter' || true
shows "the session of one who is at the seat ends" "910 greeter"
is "with the reason" "erin no-account node" "$(last_of sign-out USER) $(last_of sign-out REASON) $(last_of sign-out REQUESTOR)"
mark_seat
rest
tap $ANNA
await_seat "active $A 2001 user" || true
sed -i '/^dora:/d' /etc/passwd
mark_seat
wardtap person add gina >person.out 2>&1 || cat person.out
await_seat "removed [^ ]+ 2004 user" || true
is "so does one that is parked" "dora no-account node" "$(last_of sign-out USER) $(last_of sign-out REASON) $(last_of sign-out REQUESTOR)"
shows "and nothing changes for anna" "2001 user"
mark_seat
tap $DORA
read -rt 2 <> <(:) || true
shows "the badge of a deleted account brings nothing" "2001 user"
is "with a record" "dora no-account" "$(last_of denied USER) $(last_of denied REASON)"
cat >>/etc/passwd <<-'P'
	dora:x:2004:2000:Dora Lind,,,:/nonexistent:/bin/sh
	erin:x:2005:2000:Erin Wolf,,,:/nonexistent:/bin/sh
P

echo "== whoever has a session on another seat"
seat add 2005 seat1 0 user
E1=$said
mark_seat
key_in erin
seat answer 5555
tap $ERIN
await_seat "active [^ ]+ 2005 user" || true
key_out erin
seat answer
shows "gets one of her own here, at somebody's open session" "2005 user"
seen >elsewhere.log
expect "by a full sign-in" " greeter" elsewhere.log
expect_not "the other one is left alone" "$E1 2005" elsewhere.log
is "a handoff from anna" "anna erin" "$(last_of handoff FROM_USER) $(last_of handoff USER)"
if [ "$(last_of handoff TO_SESSION)" != "$E1" ]; then ok "to the new one"; else bad "to the one on the other seat"; fi
rest
mark_seat
tap $ANNA
await_seat "active $A 2001 user" || true
seat remove "$E1"
# seats WHAT: OtherSeats= of the rules.
seats() {
        sed -i "/^OtherSeats=/d; s/^Name=ward3-bay2/&\nOtherSeats=$1/" /etc/wardtap/wardtap.conf
        wardtap policy apply --reason "$1" >apply.out 2>&1 || { cat apply.out; bad "policy apply"; }
}
seat add 2004 seat1 0 user
D1=$said
seats refuse
before=$(event_count denied)
rest
tap $DORA
await_event denied $((before + 1)) "she gets none of her own here"
is "by the rules she is refused" "dora other-seat" "$(last_of denied USER) $(last_of denied REASON)"
seats end
before=$(event_count sign-out WARDTAP_REASON=other-seat)
rest
mark_seat
key_in dora
seat answer 4444
tap $DORA
await_seat "removed $D1 2004 user" || true
key_out dora
seat answer
shows "or she gets one" "2004 user"
is "and the other one ends, once" $((before + 1)) "$(event_count sign-out WARDTAP_REASON=other-seat)"
is "with a record of that seat" "dora $D1 node seat1" "$(last_of sign-out USER) $(last_of sign-out FROM_SESSION) $(last_of sign-out REQUESTOR) $(last_of sign-out SEAT)"
seats keep

echo "== names as Linux permits them"
mkdir -p /etc/wardtap/event.d record
printf '#!/bin/sh\nprintf "%%s" "$WARDTAP_USER"\n' >/etc/wardtap/event.d/sign-in
chmod 0755 /etc/wardtap/event.d/sign-in
n=0
while IFS='|' read -r name full shown; do
        n=$((n + 1))
        uid=$((2100 + n)) number=$(printf '04f0%04x' $n) quoted=$(printf %q "$name")
        printf '%s:x:%d:2001:%s,,,:/nonexistent:/bin/sh\n' "$name" $uid "$full" >>/etc/passwd
        enrol_tapping "$name" "$number" >name.out 2>&1 || { bad "$quoted is enrolled"; cat name.out; continue; }
        to_greeter
        mark_seat
        tap "$number"
        await_seat "active [^ ]+ $uid user" 10 || true
        shows "$quoted signs in" "$uid user"
        seen >name.log
        expect "greeted as $shown" "say $shown, your session is opening" name.log
        is "and is recorded so" "$name" "$(last_of sign-in USER)"
        cp "$(find /run/wardtapd/hooks -name 'event-sign-in-*' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2-)" record/record
        is "so hooks are told" "$name" "$(CREDENTIALS_DIRECTORY=$PWD/record "$B/helper/wardtap-hook" event)"
done <<'N'
o'neil|Niall O'Neil|Niall O'Neil
mary jane|Mary Jane "MJ" Watson|Mary Jane "MJ" Watson
quo"te|Tab	Ulator|quo"te
zoë|Zoë Ångström-Łuk|Zoë Ångström-Łuk
back\slash|Back\slash $(id) `id` %s|Back\slash $(id) `id` %s
N
hour_ago=$(date -d '-1 hour' '+%F %H:%M')
wardtap audit list --since "$hour_ago" --user "mary jane" --reason "a test" >list.out 2>&1 || cat list.out
expect "audit list finds a name with a space" "mary jane" list.out
wardtap audit list --since "$hour_ago" --json >list.out 2>&1 || cat list.out
is "and all of the last hour, each name as it is" "o'neil mary jane quo\"te zoë back\\slash" \
        "$(python3 -c 'import json, sys
seen = [h.get("user", "") for h in json.load(sys.stdin)]
print(" ".join(n for n in ("o\x27neil", "mary jane", "quo\"te", "zoë", "back\\slash") if n in seen))' <list.out)"
wardtap audit list --since "$(date -d '+2 min' '+%F %H:%M')" >list.out 2>&1 || true
expect_not "and nothing from before --since" "mary jane" list.out
name=$(printf 'con\001trol')
printf '%s:x:2190:2001:Control,,,:/nonexistent:/bin/sh\n' "$name" >>/etc/passwd
if enrol_tapping "$name" 04f0ffff >name.out 2>&1; then bad "a control character in a name is taken"; else ok "a control character in a name is refused"; fi
expect_not "and is not shown either" "$(printf '\001')" name.out

echo "== in the end"
chain_whole
no_trespass
finish
