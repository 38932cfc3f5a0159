# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# Whoever is signed in is judged again when something of that changes, and who may ask what of wardtapd on the bus. On a
# seat without a VM. Run by `world`.
# shellcheck source=tests/integration/stage.bash
. "$T/integration/stage.bash"

CARL=04c1b2c5 DORA=04d1b2c6 EVA=04e1b2c7 FAY=04f1b2c8 HANA=04f2b2c8 GUS=04c1b2c9 R3=Reader_3
people() {
        sed -i 's/^nurses:.*/nurses:x:2000:anna,ben/' /etc/group
        printf 'porters2:x:2011:dora,eva,fay\n' >>/etc/group
        echo 'eva:x:2005:2011:Eva Stone,,,:/nonexistent:/bin/sh' >>/etc/passwd
        echo 'fay:x:2006:2011:Agency 1,,,:/nonexistent:/bin/sh' >>/etc/passwd
        echo 'hana:x:2007:2011:Agency 2,,,:/nonexistent:/bin/sh' >>/etc/passwd
        echo 'dora:x:2004:2011:Dora Lind,,,:/nonexistent:/bin/sh' >>/etc/passwd
        echo 'gus:x:2008:2099:Gus Baer,,,:/nonexistent:/bin/sh' >>/etc/passwd
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
        sed -i 's/^RelyingParty=.*/&\nRecheck=1min/' /etc/wardtap/wardtap.conf
}
shows() { is "$1" "$2" "$(on_screen)"; }
# comes UID NUMBER: a tap, and her session is there. Each on the next reader: one reader takes a badge that comes often
# for one that lies there.
next_reader=0
comes() {
        next_reader=$(((next_reader + 1) % 7))
        mark_seat
        taps tap "Reader_$((4 + next_reader))" "$2"
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
for i in 2 3 4 5 6 7 8 9 10; do taps reader Reader_$i; done
enrol_tapping carl $CARL || { bad "enrolment of carl"; finish; }
enrol_tapping dora $DORA || { bad "enrolment of dora"; finish; }
enrol_tapping gus $GUS || { bad "enrolment of gus"; finish; }
enrol_tapping anna $ANNA 1111 || { bad "enrolment of anna"; finish; }
enrol_tapping ben $BEN 2222 || { bad "enrolment of ben"; finish; }
seat greeter # or it is there already: a tap more than the enrolment wanted brings one
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

echo "== an attempt that is held up"
# hold_up: wardtap-authd is stopped, and a tap waits for it. The attempt that it begins then hears nothing of wardtapd, and
# ends; afterwards wardtap-authd is stopped again.
hold_up() {
        local authd wardtapd
        authd=$(main_pid authd) wardtapd=$(main_pid wardtapd)
        until [ "$(ss -xlH src /run/wardtap/auth.sock | awk '{print $3}')" != 0 ]; do read -rt 0.02 <> <(:) || true; done
        kill -STOP "$wardtapd"
        kill -CONT "$authd"
        until [ -n "$(cat "/proc/$authd/task/$authd/children")" ]; do read -rt 0.02 <> <(:) || true; done
        while [ -n "$(cat "/proc/$authd/task/$authd/children")" ]; do read -rt 0.02 <> <(:) || true; done
        kill -STOP "$authd"
        kill -CONT "$wardtapd"
}
go_on() { kill -CONT "$(main_pid authd)"; }
read -rt 3.2 <> <(:) || true
mark_seat
kill -STOP "$(main_pid authd)"
taps tap "$R1" $CARL
hold_up
go_on
await_seat 'active .* greeter' 10 || true
shows "its tap is judged anew: a tap-out" "910 greeter"
is "and nothing is to be told of" 0 "$(event_count alert WARDTAP_REASON=tap-not-judged)"
read -rt 3.2 <> <(:) || true
comes 2003 $CARL
read -rt 3.2 <> <(:) || true
kill -STOP "$(main_pid authd)"
taps tap "$R2" $CARL
hold_up
hold_up
hold_up
go_on
await notices.out "notice refused 6 This did not work. Tap again." && ok "after three times it is given up, in words" ||
        bad "after three times it is given up, in words"
is "and with an alert" 1 "$(event_count alert WARDTAP_REASON=tap-not-judged)"
shows "he stays where he is" "2003 user"

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
echo 'erin:x:2005:2000:Erin Wolf,,,:/nonexistent:/bin/sh' >>/etc/passwd
touch_people erin # whatever changes of people has everybody judged
await_seat 'active .* greeter' 10 || true
shows "his session is parked" "910 greeter"
is "with the reason" no-role "$(last_of lock REASON)"
sed -i 's/^porters:.*/porters:x:2009:carl/' /etc/group

echo "== a person is suspended"
printf 'user,full_name,kind,badge_numbers\neva,Eva Stone,,%s\nfay,Agency 1,agency,%s\nhana,Agency 2,agency,%s\n' $EVA $FAY $HANA >people.csv
wardtap import people.csv >import.out 2>&1 || { cat import.out; bad "import"; }
comes 2005 $EVA
shows "eva is there" "2005 user"
mark_seat
wardtap person suspend eva --reason "on leave" >suspend.out 2>&1 || cat suspend.out
await_seat 'active .* greeter' 10 || true
shows "her session is parked at once" "910 greeter"
is "with the reason" person-suspended "$(last_of lock REASON)"
wardtap person resume eva --reason "is back" >resume.out 2>&1 || cat resume.out

echo "== a person is offboarded"
read -rt 3.2 <> <(:) || true
comes 2005 $EVA
shows "eva is back" "2005 user"
seat add 2005 seat1 0 user
other_seat=$said
seat add 2005 - 0 user
no_seat=$said
seat add 2004 seat1 0 user
doras=$said
before=$(event_count sign-out)
mark_seat
wardtap person offboard eva --reason "has left" >offboard.out 2>&1 || cat offboard.out
await_seat 'active .* greeter' 10 || true
shows "her session is gone from the screen" "910 greeter"
await_seat "removed $other_seat 2005 user" 10 && ok "so is the one at another seat" || bad "so is the one at another seat"
await_seat "removed $no_seat 2005 user" 10 && ok "and the one over the network" || bad "and the one over the network"
is "each was ended" $((before + 3)) "$(event_count sign-out)"
is "with the reason" "offboard eva node" "$(last_of sign-out REASON) $(last_of sign-out USER) $(last_of sign-out REQUESTOR)"
is "and its seat" "- seat0 seat1" "$(journalctl -q -o json _UID=903 WARDTAP_EVENT=sign-out WARDTAP_USER=eva | python3 -c 'import json, sys
print(" ".join(sorted(json.loads(l).get("WARDTAP_SEAT", "-") for l in sys.stdin)))')"
[ -e "/run/systemd/sessions/$doras" ] && ok "nobody else's is" || bad "nobody else's is"
seat remove "$doras"
list_sessions 0 >list.out || cat list.out
expect_not "and is not parked either" '"eva"' list.out

echo "== a lease ends"
wardtap lease fay --to "Jane Doe" --until "$(date -d '+1 hour' '+%F %H:%M')" --identified passport >lease.out 2>&1 || cat lease.out
comes 2006 $FAY
shows "Jane is there" "2006 user"
mark_seat
seat greeter
await_seat 'active .* greeter' || true
before=$(event_count sign-out)
wardtap lease end fay --reason "shift is over" >lease-end.out 2>&1 || cat lease-end.out
is "her parked session was ended" "$((before + 1)) lease-end fay" \
        "$(event_count sign-out) $(last_of sign-out REASON) $(last_of sign-out USER)"
list_sessions 0 >list.out || cat list.out
expect_not "it is gone" '"fay"' list.out

echo "== the hour of a lease comes, and nobody sweeps"
hour=$(date -d '+12 seconds' '+%F %T')
wardtap lease hana --to "John Roe" --until "$hour" --identified passport >lease.out 2>&1 || cat lease.out
comes 2007 $HANA
shows "John is there" "2007 user"
seat add 2007 seat1 0 user
other_seat=$said
mark_seat
await_seat "removed $other_seat 2007 user" 30 && ok "the one at another seat ends too" || bad "the one at another seat ends too"
await_seat 'active .* greeter' 20 || true
[ "$(date +%s)" -ge "$(date -d "$hour" +%s)" ] && ok "not before its hour" || bad "not before its hour"
shows "his session is gone from the screen" "910 greeter"
is "with the reason" "not-leased hana node" "$(last_of sign-out REASON) $(last_of sign-out USER) $(last_of sign-out REQUESTOR)"

echo "== a badge is ended"
comes 2004 $DORA
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

echo "== a key is ended"
await_seat "say Tap your badge" 40 || true
full_sign_in anna 2001 $ANNA 1111
shows "anna is there" "2001 user"
A=$(session_of 2001)
mark_seat
wardtap key end "$(token_of key anna)" --reason lost >end.out 2>&1 || cat end.out
await_seat 'active .* greeter' 10 || true
shows "her session is parked at once" "910 greeter"
is "with the reason" "key-end node anna" "$(last_of lock REASON) $(last_of lock REQUESTOR) $(last_of lock USER)"
rest
await_seat "say Tap your badge" 40 || true
before=$(event_count resume)
mark_seat
tap $ANNA
read -rt 2 <> <(:) || true
shows "and her badge alone does not bring it back" "910 greeter"
is "nor is that a resume" "$before" "$(event_count resume)"

echo "== a person is suspended, and ended"
# person STATE: ben's, as an administrator's tool writes it.
person() {
        python3 -c 'import sqlite3, sys, time
db = sqlite3.connect("/var/lib/wardtap/people/people.db")
state = int(sys.argv[1])
db.execute("UPDATE person SET state = ?, ended_usec = ?, version = version + 1 WHERE user = ?",
           (state, int(time.time() * 1e6) if state == 2 else 0, "ben"))
db.commit()' "$1"
}
to_greeter
await_seat "say Tap your badge" 40 || true
full_sign_in ben 2002 $BEN 2222
shows "ben is there" "2002 user"
BB=$(session_of 2002)
mark_seat
person 1
await_seat 'active .* greeter' 10 || true
shows "suspended, his session is parked at once" "910 greeter"
is "with the reason" "person-suspended node ben" "$(last_of lock REASON) $(last_of lock REQUESTOR) $(last_of lock USER)"
is "and is still there" "$BB" "$(session_of 2002)"
mark_seat
person 2
await_seat "removed $BB 2002 user" 10 || true
is "ended, it ends, parked as it is" "person-ended node ben" "$(last_of sign-out REASON) $(last_of sign-out REQUESTOR) $(last_of sign-out USER)"

echo "== the hours of a role end"
[ "$(date +%S)" -lt 50 ] || read -rt 11 <> <(:) || true
sed -i "s/^Groups=porters\$/&\nHours=$(date -d '-2 hours' +%H:%M)-$(date -d '+1 min' +%H:%M)/" /etc/wardtap/wardtap.conf
end=$(date -d '+1 min' +%H:%M)
sed -i 's/^porters:.*/porters:x:2009:gus/' /etc/group
apply "an early end"
to_greeter
mark_seat
tap $GUS
await_seat "active [^ ]+ 2008 user" || true
shows "gus is there" "2008 user"
while [ "$(date +%H:%M)" != "$end" ]; do read -rt 0.5 <> <(:) || true; done
read -rt 1 <> <(:) || true
shows "nobody who works is thrown out by the clock" "2008 user"
mark_seat
tap $GUS
await_seat 'active .* greeter' || true
shows "whoever may not come in may still leave" "910 greeter"
rest
if [ "$(event_count alert WARDTAP_REASON=clock-not-synchronised)" = 0 ]; then
        before=$(event_count denied)
        tap $GUS
        await_event denied $((before + 1)) "his next tap is refused"
        is "by the hours" "gus not-this-hour" "$(last_of denied USER) $(last_of denied REASON)"
else
        ok "(this machine's clock is not synchronised, so hours are not judged: his next tap is not tried)"
fi

echo "== his group is taken away, and nobody says so"
sed -i '/^Hours=/d' /etc/wardtap/wardtap.conf
apply "all day"
mark_seat
tap $GUS
await_seat "active [^ ]+ 2008 user" || true
shows "he is there again" "2008 user"
mark_seat
sed -i 's/^porters:.*/porters:x:2009:/' /etc/group
await_seat 'active .* greeter' 70 || true
shows "every Recheck= that is seen: his session is parked" "910 greeter"
is "with the reason" "no-role node gus" "$(last_of lock REASON) $(last_of lock REQUESTOR) $(last_of lock USER)"

chain_whole
no_trespass
finish
