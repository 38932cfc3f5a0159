# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# Whoever is signed in is judged again when something of that changes, and who may ask what of wardtapd on the bus. On a
# seat without a VM. Run by `world`.
# shellcheck source=tests/integration/stage.bash
. "$T/integration/stage.bash"

CARL=04c1b2c5 DORA=04d1b2c6 EVA=04e1b2c7 FAY=04f1b2c8 R3=Reader_3
people() {
        sed -i 's/^nurses:.*/nurses:x:2000:anna,ben/' /etc/group
        printf 'porters2:x:2011:dora,eva,fay\n' >>/etc/group
        echo 'eva:x:2005:2011:Eva Stone,,,:/nonexistent:/bin/sh' >>/etc/passwd
        echo 'fay:x:2006:2011:Agency 1,,,:/nonexistent:/bin/sh' >>/etc/passwd
        echo 'dora:x:2004:2011:Dora Lind,,,:/nonexistent:/bin/sh' >>/etc/passwd
        cat >>/etc/wardtap/wardtap.conf <<-'R'
		[Role porter]
		Groups=porters
		SignIn=badge
		TapOut=lock
		[Role guest]
		Groups=porters2
		SignIn=badge
		TapOut=lock
		R
}
shows() { is "$1" "$2" "$(on_screen)"; }
# comes UID NUMBER [READER]: a tap, and her session is there.
comes() {
        mark_seat
        taps tap "${3-$R1}" "$2"
        await_seat "active [^ ]+ $1 user" || true
}
token_of() { wardtap "$1" list --json | python3 -c 'import json, sys
for line in json.load(sys.stdin):
    if line["user"] == sys.argv[1]: print(line["token"])' "$2"; }
apply() { wardtap policy apply --reason "$1" >apply.out 2>&1 || { cat apply.out; bad "policy apply"; }; }
as_user() { setpriv --reuid="$1" --regid=2000 --clear-groups "${@:2}"; }
attend() { as_user "$1" busctl call org.wardtap.Station1 /org/wardtap/Station1 org.wardtap.Station1 Attend s "$2" 2>&1; }
list_sessions() { as_user "$1" busctl call org.wardtap.Station1 /org/wardtap/Station1 org.wardtap.Station1 ListSessions 2>&1; }

start_stage people
taps reader $R2
enrol_tapping carl $CARL || { bad "enrolment of carl"; finish; }
enrol_tapping dora $DORA || { bad "enrolment of dora"; finish; }
mark_seat
seat greeter
await_seat "say Tap your badge"

echo "== who may ask"
comes 2003 $CARL
shows "carl is there" "2003 user"
C=$(seat who && set -- $said && echo "$1")
attend 2003 "$C" >attend.out && ok "he attends to his own session" || { cat attend.out; bad "he attends to his own session"; }
attend 2004 "$C" >attend.out && bad "nobody attends to another's" || ok "nobody attends to another's"
attend 2003 "no-such" >attend.out && bad "nor to one that is not there" || ok "nor to one that is not there"
list_sessions 0 >list.out || cat list.out
expect "root is told who is here" '"carl" true' list.out
list_sessions 2003 >list.out && bad "nobody else is" || ok "nobody else is"
expect_not "nor by what the refusal says" carl list.out
wardtap status >status.out || true
expect "and wardtap status says so to people" "At the screen:    carl since" status.out

echo "== what is said in a session is said to its own program alone"
as_user 2003 "$B/tests/integration/attend" "$C" >notices.out 2>&1 &
unit_pid[attend]=$!
await notices.out attends
as_user 2004 "$B/tests/integration/attend" "$C" >stranger.out 2>&1 || true
expect "another's program is refused" refused stranger.out
taps reader $R3
taps tap $R3 04f1f2f3
await notices.out "notice refused" && ok "a badge that nobody knows is a notice at the open session" ||
        bad "a badge that nobody knows is a notice at the open session"
expect "in words for people, for some seconds" "notice refused 6 This badge is not known here. Ask the help desk to add it. Code " notices.out
expect_not "and never with the badge's number" 04f1f2f3 notices.out
shows "he stays where he is" "2003 user"

echo "== a tap-out that nobody tapped"
# One who speaks as an attempt of wardtap-authd (uid 901) says whom it likes.
lie() {
        printf '%s\n' "hello seat 00112233445566778899aabbccddeeff lightdm seat0" "$@" |
                setpriv --reuid=901 --regid=901 --groups=901 "$B/tests/integration/broker_probe" 2>&1
}
lie "record tap-out 0 USER=dora UID=2004 REASON=lock SERVICE=lightdm" >lie.out
expect "of somebody who is not on the screen is refused as stale" "recorded -116" lie.out
lie "record tap-out 4 USER=carl UID=2003 REASON=lock SERVICE=lightdm" >lie.out
expect "one that failed is no tap-out" "recorded -1 " lie.out
lie "record tap-out 0 USER=carl REASON=lock SERVICE=lightdm" >lie.out
expect "one of nobody ends the conversation" gone lie.out
lie "record handoff 0 USER=dora UID=2004" >lie.out
expect "a handoff is nobody's to say" "recorded -1 " lie.out
shows "none of that moves him" "2003 user"

echo "== new rules: his role is taken away"
sed -i 's/^Groups=porters$/Groups=nobody-at-all/' /etc/wardtap/wardtap.conf
mark_seat
apply "no porters"
await_seat 'active .* greeter' 10 || true
shows "his session is parked at once" "910 greeter"
is "with the reason" no-role "$(last_of lock REASON)"
is "by the station itself" node "$(last_of lock REQUESTOR)"
sed -i 's/^Groups=nobody-at-all$/Groups=porters/' /etc/wardtap/wardtap.conf
apply "porters again"

echo "== his group is taken away: seen when whatever of the people is written"
read -rt 3.2 <> <(:) || true
comes 2003 $CARL
shows "he is back" "2003 user"
sed -i 's/^porters:.*/porters:x:2009:/' /etc/group
mark_seat
touch_people() { wardtap person add "$1" >person.out 2>&1 || { cat person.out; bad "person add"; }; }
touch_people anna # whatever changes of people has everybody judged
await_seat 'active .* greeter' 10 || true
shows "his session is parked" "910 greeter"
is "with the reason" no-role "$(last_of lock REASON)"
sed -i 's/^porters:.*/porters:x:2009:carl/' /etc/group

echo "== a person is suspended"
printf 'user,full_name,kind,badge_numbers\neva,Eva Stone,,%s\nfay,Agency 1,agency,%s\n' $EVA $FAY >people.csv
wardtap import people.csv >import.out 2>&1 || { cat import.out; bad "import"; }
comes 2005 $EVA $R2
shows "eva is there" "2005 user"
mark_seat
wardtap person suspend eva --reason "on leave" >suspend.out 2>&1 || cat suspend.out
await_seat 'active .* greeter' 10 || true
shows "her session is parked at once" "910 greeter"
is "with the reason" person-suspended "$(last_of lock REASON)"
wardtap person resume eva --reason "is back" >resume.out 2>&1 || cat resume.out

echo "== a person is offboarded"
read -rt 3.2 <> <(:) || true
comes 2005 $EVA $R2
shows "eva is back" "2005 user"
before=$(event_count sign-out)
mark_seat
wardtap person offboard eva --reason "has left" >offboard.out 2>&1 || cat offboard.out
await_seat 'active .* greeter' 10 || true
shows "her session is gone from the screen" "910 greeter"
is "it was ended" $((before + 1)) "$(event_count sign-out)"
is "with the reason" "offboard eva node" "$(last_of sign-out REASON) $(last_of sign-out USER) $(last_of sign-out REQUESTOR)"
list_sessions 0 >list.out || cat list.out
expect_not "and is not parked either" '"eva"' list.out

echo "== a lease ends"
wardtap lease fay --to "Jane Doe" --until "$(date -d '+1 hour' '+%F %H:%M')" --identified passport >lease.out 2>&1 || cat lease.out
comes 2006 $FAY $R2
shows "Jane is there" "2006 user"
comes 2003 $CARL
shows "carl has taken over" "2003 user"
before=$(event_count sign-out)
wardtap lease end fay --reason "shift is over" >lease-end.out 2>&1 || cat lease-end.out
is "her parked session was ended" "$((before + 1)) lease-end fay" \
        "$(event_count sign-out) $(last_of sign-out REASON) $(last_of sign-out USER)"
list_sessions 0 >list.out || cat list.out
expect_not "it is gone" '"fay"' list.out
shows "carl stays where he is" "2003 user"

echo "== a badge is ended"
comes 2004 $DORA $R2
shows "dora is there" "2004 user"
before=$(event_count lock)
wardtap badge end "$(token_of badge carl)" --reason "another's" >end.out 2>&1 || cat end.out
read -rt 1 <> <(:) || true
shows "another's changes nothing for her" "2004 user"
is "and is no lock" "$before" "$(event_count lock)"
mark_seat
wardtap badge end "$(token_of badge dora)" --reason lost >end.out 2>&1 || cat end.out
await_seat 'active .* greeter' 10 || true
shows "hers parks her session at once" "910 greeter"
is "with the reason" badge-end "$(last_of lock REASON)"
read -rt 3.2 <> <(:) || true
mark_seat
taps tap "$R2" $DORA
await_seat "say This badge is blocked" 10 || true
shows "and lets nobody in again" "910 greeter"

chain_whole
no_trespass
finish
