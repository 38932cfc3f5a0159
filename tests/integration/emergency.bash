# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# Emergency access on a seat without a VM: with a badge in hand, with a kit, with a witness; who does not get it; what
# does not stop it; how it ends; and how its review is closed. Run by `world`.
# shellcheck source=tests/integration/stage.bash
. "$T/integration/stage.bash"

ANNA=04a1b2c3 BEN=04b1b2c4 CARL=04c1b2c5 KIT=04e1b2c7 DORA=04d1b2c6
people() {
        sed -i 's/^nurses:.*/nurses:x:2000:anna,ben/' /etc/group
        printf 'security:x:2012:dora\nemergency:x:2020:\n' >>/etc/group
        cat >>/etc/passwd <<-'P'
		dora:x:2004:2012:Dora Lind,,,:/nonexistent:/bin/sh
		emergency1:x:2020:2020:Emergency 1,,,:/nonexistent:/bin/sh
		emergency2:x:2021:2020:Emergency 2,,,:/nonexistent:/bin/sh
		P
        sed -i 's/^SessionCap=14h/&\nApproves=review-clinical review-security/' /etc/wardtap/wardtap.conf
        cat >>/etc/wardtap/wardtap.conf <<-'R'
		[Role security]
		Groups=security
		Approves=review-security
		R
}
break_glass() {
        sed -i '/^\[BreakGlass\]/,$d' /etc/wardtap/wardtap.conf
        printf '[BreakGlass]\n' >>/etc/wardtap/wardtap.conf
        [ $# -eq 0 ] || printf '%s\n' "$@" >>/etc/wardtap/wardtap.conf
        apply "break-glass"
}
apply() { wardtap policy apply --reason "$1" >apply.out 2>&1 || { cat apply.out; bad "policy apply"; }; }
no_break_glass() { sed -i '/^\[BreakGlass\]/,$d' /etc/wardtap/wardtap.conf; apply "no break-glass"; }
# Each tap on another reader: one that is used often takes a badge for one that lies there.
next_reader=0
tap() {
        next_reader=$(((next_reader + 1) % 12))
        taps tap "Reader_$((3 + next_reader))" "$1"
}
# apart: a second tap is one that comes a second after the first.
apart() { read -rt 1.2 <> <(:) || true; }
# to_greeter: a new greeter, which waits for a badge; every badge was used long enough ago, and no tap of before is to be
# judged there: a tap is void when its reader goes.
to_greeter() {
        local i
        rest
        for i in $(seq 3 14); do
                taps unreader "Reader_$i"
                taps reader "Reader_$i"
        done
        mark_seat
        case $(on_screen) in
        *greeter) seat who && set -- $said && seat terminate "$1" ;;
        *) seat greeter ;;
        esac
        await_seat "say Tap your badge" 10 || true
        mark_seat
}
end_sessions() {
        local f
        for f in $(grep -l '^CLASS=user' /run/systemd/sessions/* 2>/dev/null); do
                mark_seat
                seat terminate "$(basename "$f")" || true
        done
}
# offered NUMBER: a first tap, until the screen offers the second.
offered() {
        tap "$1"
        await_seat "Emergency\? Tap your badge again" 10 || true
}
# emergency UID NUMBER CHOICE: both taps, and the reason.
emergency() {
        seat answer "$3"
        offered "$2"
        apart
        tap "$2"
        await_seat "active [^ ]+ $1 user" 20 || true
        seat answer
}
review_of() { last_of break-glass-start REVIEW; }
as_cli() { "$B/tests/integration/pty_say" --timeout 30 "PIN=$1" -- "${@:2}" 2>&1; }
# could NAME WANTED: who would have emergency access now, and how, as `who-can` says.
could() {
        is "$1" "$2" "$(wardtap policy who-can break-glass --json 2>&1 | python3 -c 'import json, sys
print(", ".join(r["user"] + " " + r["by"] for r in json.load(sys.stdin)))')"
}
bus_notices() { setpriv --reuid="$1" --regid=2000 --clear-groups "$B/tests/integration/attend" "$2"; }

start_stage people
for i in $(seq 2 14); do taps reader Reader_$i; done
enrol_tapping anna $ANNA 1111 || { bad "enrolment of anna"; finish; }
enrol_tapping ben $BEN 2222 || { bad "enrolment of ben"; finish; }
enrol_tapping carl $CARL 3333 || { bad "enrolment of carl"; finish; }
enrol_tapping dora $DORA 4444 || { bad "enrolment of dora"; finish; }

echo "== without the section there is none"
to_greeter
tap $ANNA
await_seat "Anna Berg, plug in your key" || true
seen >none.log
expect_not "the screen offers none" "Emergency" none.log
apart
tap $ANNA
read -rt 1 <> <(:) || true
is "a second tap is none" 0 "$(event_count break-glass-start)"
could "and who-can names nobody" ""
wardtap policy who-can break-glass >who-can.out 2>&1 || cat who-can.out
expect "but says why" "These rules have no emergency access" who-can.out
wardtap doctor >doctor.out 2>&1 || true
expect "doctor says so" "There is no emergency access at this station." doctor.out
wardtap emergency drill >drill.out 2>&1 && bad "nor is there a drill" || ok "nor is there a drill"

echo "== a badge in hand, and no key"
break_glass "Reasons=arrest \"no key\" broken other" "Uses=3" "Accounts=emergency1 emergency2" "Reviewers=clinical security"
could "who-can names those whose groups are in a role" "anna badge, ben badge, dora badge"
to_greeter
emergency 2001 $ANNA 2
shows "the second tap and a number open her session" "2001 user"
await_event break-glass-start 1 "it is recorded"
await_event review-open 1 "with a review item"
is "as lowered" emergency "$(last_of break-glass-start LOWERED)"
is "with no level reached" 0 "$(last_of break-glass-start AAL)"
is "and no factor" none "$(last_of break-glass-start FACTORS)"
last_of break-glass-start DETAIL >detail.out
expect "with the code of DICOM" "DICOM 110127" detail.out
expect "with the reason" "reason: no key" detail.out
is "at priority crit" 2 "$(journalctl -q -o json _UID=903 WARDTAP_EVENT=break-glass-start | sed -n 's/.*"PRIORITY":"\([0-9]\)".*/\1/p')"
seen >first.log
expect "the screen said what it is" "Emergency access, recorded and reviewed. Why? 1 arrest, 2 no key, 3 broken, 4 other" first.log
ITEM=$(review_of)
is "nothing was stored as a full sign-in" 0 "$(python3 -c 'import sqlite3
print(sqlite3.connect("file:/var/lib/wardtap/state/state.db?mode=ro", uri=True).execute("SELECT count(*) FROM history WHERE strong_usec <> 0").fetchone()[0])')"

echo "== the notice in her session"
A=$(seat who && set -- $said && echo "$1")
bus_notices 2001 "$A" >notices.out 2>&1 &
unit_pid[attend]=$!
await notices.out "notice emergency" && ok "her session is told as long as it lasts" || bad "her session is told as long as it lasts"
expect "until when" "EMERGENCY ACCESS until " notices.out

echo "== tap-out and back while it lasts"
rest
mark_seat
tap $ANNA
await_seat 'active .* greeter' || true
shows "a tap-out parks it" "910 greeter"
rest
mark_seat
offered $ANNA
apart
tap $ANNA
await_seat "active $A 2001 user" 20 || true
shows "the second tap gives it back without a question" "2001 user"
is "which is no second emergency" 1 "$(event_count break-glass-start)"
is "and recorded as lowered" emergency "$(last_of resume LOWERED)"

echo "== a full sign-in ends it early, and the session stays"
rest
mark_seat
tap $ANNA
await_seat 'active .* greeter' || true
rest
key_in anna
seat answer 1111
mark_seat
tap $ANNA
await_seat "active $A 2001 user" 20 || true
key_out anna
seat answer
await_event break-glass-stop 1 "the end is recorded"
is "because she signed in" signed-in "$(last_of break-glass-stop REASON)"
shows "she goes on" "2001 user"
await notices.out "notice emergency 0" && ok "the notice goes" || bad "the notice goes"
last_of break-glass-stop DETAIL >stop.out
expect "with the code of DICOM" "DICOM 110138" stop.out

echo "== another person's badge is no second tap"
no_break_glass
break_glass "Reasons=arrest \"no key\" broken other" "Uses=20" "Accounts=emergency1 emergency2" "Reviewers=clinical security"
end_sessions
to_greeter
before=$(event_count break-glass-start)
offered $BEN
apart
tap $CARL
read -rt 1.5 <> <(:) || true
is "carl's tap while ben is awaited begins nothing" "$before" "$(event_count break-glass-start)"
seat answer 1
tap $BEN
await_seat "active [^ ]+ 2002 user" 20 || true
seat answer
is "ben's own does" $((before + 1)) "$(event_count break-glass-start)"
is "as ben" ben "$(last_of break-glass-start USER)"

echo "== an enrolment that waits for a badge goes first"
end_sessions
to_greeter
before=$(event_count break-glass-start)
seat answer
offered $ANNA
: >enrol-anna.out
"$B/tests/integration/pty_say" --timeout 30 -- wardtap badge enrol ben >enrol-anna.out 2>&1 &
cli=$!
await enrol-anna.out "Hold your badge"
mark_seat
apart
tap $ANNA
wait $cli && bad "anna's badge is enrolled for ben"
expect "the tap was the enrolment's, which says whose badge it is" "This badge belongs to Anna Berg (anna)." enrol-anna.out
seen >enrol-seat.log
expect_not "and nobody is asked why" "Why?" enrol-seat.log
is "nor is it an emergency" "$before" "$(event_count break-glass-start)"

echo "== a code that is refused, and an emergency nevertheless"
sed -i 's/^RelyingParty=.*/&\nTickets=yes/' /etc/wardtap/wardtap.conf
apply "codes"
start_registrar
wardtap key report ben --reason "not in the locker" >report.out 2>&1 || bad "key report"
to_greeter
before=$(event_count break-glass-start)
tap $BEN
await_seat "no key\? Enter your code. Emergency\? Press Enter" 10 || bad "a code is asked for"
apart
tap $BEN
apart
tap $BEN
read -rt 1.5 <> <(:) || true
is "taps while a code is asked for begin nothing" "$before" "$(event_count break-glass-start)"
seat answer 0000-0000-0000
to_greeter
tap $BEN
await_seat "This code is not valid.*Emergency\? Tap your badge again" 10 || bad "it is refused, and the emergency offered"
seat answer 1
apart
tap $BEN
await_seat "active [^ ]+ 2002 user" 20 || true
seat answer
shows "the emergency opens the session" "2002 user"
is "and is recorded" $((before + 1)) "$(event_count break-glass-start)"
is "without a ticket" "" "$(last_of break-glass-start TICKET)"
wardtap key resume "$(wardtap key list ben --json | jq -r '.[0].token')" --reason "found" >resume.out 2>&1 || { cat resume.out; bad "key resume"; }
sed -i '/^Tickets=yes/d' /etc/wardtap/wardtap.conf
apply "no codes"

echo "== who does not get it"
end_sessions
wardtap person list >/dev/null
python3 - <<'PY'
import sqlite3
db = sqlite3.connect("/var/lib/wardtap/people/people.db")
db.execute("UPDATE person SET state = 1, version = version + 1 WHERE user = 'ben'")
db.commit()
PY
could "who-can leaves out who is suspended, and who has no role" "anna badge, dora badge"
to_greeter
tap $BEN
await_seat "Your access is suspended" || true
seen >suspended.log
expect_not "a suspended person is offered none" "Emergency?" suspended.log
python3 - <<'PY'
import sqlite3
db = sqlite3.connect("/var/lib/wardtap/people/people.db")
db.execute("UPDATE person SET state = 0, version = version + 1 WHERE user = 'ben'")
db.commit()
PY
to_greeter
tap $CARL
await_seat "You have no role here" || true
seen >norole.log
expect_not "nor is one whose groups are in no role" "Emergency?" norole.log
before=$(event_count break-glass-start)
printf '%s\n' "hello step-up 00112233445566778899aabbccddeeff sudo seat0" \
        "record break-glass-start 0 USER=ben UID=2002 LOWERED=emergency UNTIL_USEC=9999999999999999 REVIEW=001122334455" |
        setpriv --reuid=901 --regid=901 --groups=901 "$B/tests/integration/broker_probe" >lie.out 2>&1
expect "a step-up cannot say it did" "recorded -1 " lie.out
is "and nothing began" "$before" "$(event_count break-glass-start)"

echo "== too often within a day"
break_glass "Uses=1" "Accounts=emergency1 emergency2" "Reviewers=clinical security"
could "who-can leaves out whose badge has been used up" "dora badge"
to_greeter
tap $ANNA
await_seat "Anna Berg, plug in your key" || true
seen >used.log
expect_not "the badge alone has been used up" "Emergency?" used.log
break_glass "Badge=fresh" "Uses=20" "Accounts=emergency1 emergency2" "Reviewers=clinical security"
could "with Badge=fresh who-can names who has signed in fully of late" "anna badge"
to_greeter
tap $BEN
await_seat "Ben Okoro, plug in your key" 8 || true
seen >fresh.log
expect_not "Badge=fresh wants a full sign-in of late" "Emergency?" fresh.log
to_greeter
emergency 2001 $ANNA 1
shows "which anna has had" "2001 user"

echo "== a locked state.db does not stop it"
end_sessions
break_glass "Uses=20" "Accounts=emergency1 emergency2" "Reviewers=clinical security"
to_greeter
coproc LOCK { python3 -u - <<'PY'
import sqlite3, sys
db = sqlite3.connect("/var/lib/wardtap/state/state.db", isolation_level=None)
db.execute("BEGIN EXCLUSIVE")
print("locked")
sys.stdin = open("/run/world/unlock")
sys.stdin.readline()
PY
}
rm -f unlock && mkfifo unlock
IFS= read -r line <&"${LOCK[0]}" || true
before=$(event_count break-glass-start)
seat answer 3
tap $BEN
await_seat "Badges do not work just now.*Emergency\? Tap your badge again" 20 || true
apart
tap $BEN
await_seat "active [^ ]+ 2002 user" 30 || true
seat answer
shows "the session opens" "2002 user"
is "and is recorded" $((before + 1)) "$(event_count break-glass-start)"
LOCKED=$(review_of)
echo >unlock
wait "$LOCK_PID" 2>/dev/null || true
wardtap emergency list >list.out 2>&1 || cat list.out
expect "its review is owed all the same" "$LOCKED" list.out

echo "== nor does a full disk"
end_sessions
stop_unit wardtapd
mkdir -p audit-kept
cp -a /var/lib/wardtap/audit/. audit-kept/
mount -t tmpfs -o size=20m,mode=0700,uid=903,gid=903 tmpfs /var/lib/wardtap/audit
cp -a audit-kept/. /var/lib/wardtap/audit/
start_wardtapd --listen /run/wardtap/input.sock:0600:root:input
await_bus
for i in $(seq 2 14); do taps reader Reader_$i; done
sed -i 's/^RelyingParty=.*/&\nAuditRequired=yes/' /etc/wardtap/wardtap.conf
apply "records are required"
dd if=/dev/zero of=/var/lib/wardtap/audit/filler bs=64k 2>/dev/null || true
truncate -s 0 /run/world/wardtapd.err
to_greeter
before=$(event_count break-glass-start)
seat answer 4
offered $ANNA
apart
tap $ANNA
await_seat "active [^ ]+ 2001 user" 30 || true
seat answer
shows "the session opens, with AuditRequired=yes" "2001 user"
rm -f /var/lib/wardtap/audit/filler
await_event break-glass-start $((before + 1)) "and the record comes when there is room"

echo "== its time is over"
break_glass "Minutes=5" "Uses=20" "Accounts=emergency1 emergency2" "Reviewers=clinical security"
end_sessions
to_greeter
emergency 2002 $BEN 1
seat add 2002 seat1 0 user
OTHER=$said
stops=$(event_count break-glass-stop) outs=$(event_count sign-out)
stop_unit wardtapd
# An hour has passed, for all that wardtapd can tell: what it keeps says that the time is over.
python3 - <<'PY'
p = "/run/wardtapd/emergency"
b = bytearray(open(p, "rb").read())
at = len(b"WARDTAP-EMERGENCY1\n") + 8 + 1 + 4
for _ in range(5):
    n = int.from_bytes(b[at:at + 2], "big")
    at += 2 + n
b[at:at + 8] = (1).to_bytes(8, "big")
open(p, "wb").write(b)
PY
start_wardtapd --listen /run/wardtap/input.sock:0600:root:input
await_bus
for i in $(seq 2 14); do taps reader Reader_$i; done
await_event break-glass-stop $((stops + 1)) "it ends by itself, also while wardtapd was away"
is "by its time" time "$(last_of break-glass-stop REASON)"
shows "and the session is parked" "910 greeter"
await_event sign-out $((outs + 1)) "one at another seat, which nobody could lock, ends"
is "with a record" "ben $OTHER seat1 emergency-over" "$(last_of sign-out USER) $(last_of sign-out FROM_SESSION) $(last_of sign-out SEAT) $(last_of sign-out REASON)"
await_seat "call 903 StartUnit wardtap-wipe@emergency1.service" 10 && ok "what a restart may have left is wiped" ||
        bad "what a restart may have left is wiped"

echo "== a kit"
end_sessions
wardtap person add emergency1 --emergency >kit.out 2>&1 || { cat kit.out; bad "person add --emergency"; }
wardtap person add emergency2 --emergency >kit.out 2>&1 || { cat kit.out; bad "person add --emergency"; }
: >enrol-badge.out
"$B/tests/integration/pty_say" --timeout 30 -- wardtap badge enrol emergency1 >enrol-badge.out 2>&1 &
cli=$!
tap_until enrol-badge.out $KIT "Hold your badge" "once more" || bad "the kit's badge"
tap_until enrol-badge.out $KIT "once more" "now holds" || bad "the kit's badge"
wait $cli || cat enrol-badge.out
key_in emergency1
"$B/tests/integration/pty_say" --timeout 30 PIN=5555 PIN=5555 -- wardtap key enrol emergency1 >enrol-key.out 2>&1 || cat enrol-key.out
key_out emergency1
printf 'tty5\n' >/run/world/tty0-active
key_in emergency1
sign_in kit --service lightdm --tty tty5 --answer 1 --answer "Grace Hopper"
await kit.out "Tap your badge" 20 || true
tap $KIT
await kit.out "result:" 40 || true
key_out emergency1
expect "badge and a touch open its account" "PAM_SUCCESS user=emergency1" kit.out
is "with the name that was claimed" "Grace Hopper" "$(last_of break-glass-start CLAIMED)"
is "with the key as its factor" key "$(last_of break-glass-start FACTORS)"
expect_not "without a PIN" "PIN" kit.out
KIT_ITEM=$(review_of)
rest
starts=$(event_count break-glass-start)
key_in emergency1
sign_in kit-again --service lightdm --tty tty5 --answer 2 --answer "Ada Lovelace"
await kit-again.out "Tap your badge" 20 || true
tap $KIT
await kit-again.out "result:" 40 || true
key_out emergency1
expect "the kit opens it again while it lasts" "PAM_SUCCESS user=emergency1" kit-again.out
is "as the same emergency" "$starts" "$(event_count break-glass-start)"
is "with the name of who came back" "Ada Lovelace emergency" "$(last_of resume CLAIMED) $(last_of resume LOWERED)"
could "who-can names kit and witnesses" "anna badge witness, ben badge witness, dora badge witness, emergency1 kit"

echo "== a witness"
# witness NAME ANSWERS...: at a login prompt, for emergency2.
witness() {
        local name=$1
        shift
        local args=()
        for a in "$@"; do args+=(--answer "$a"); done
        sign_in "$name" --service lightdm --user emergency2 --tty tty5 "${args[@]}"
}
end_sessions
printf 'tty5\n' >/run/world/tty0-active
before=$(event_count break-glass-start)
key_in ben
witness self 1 "Ben Okoro" 2222
await self.out "Tap the badge of the emergency kit, or have a colleague tap hers." 20 || true
tap $BEN
await self.out "result:" 40 || true
expect "nobody is her own witness" "This badge cannot witness it. Ask another colleague." self.out
expect "and is refused" PAM_AUTH_ERR self.out
rest
witness touched 1 "Grace Hopper"
await touched.out "Tap the badge" 20 || true
tap $BEN
await touched.out "result:" 40 || true
expect "the witness reads who and what" "Emergency access for Grace Hopper, with Ben Okoro as witness. Ben Okoro, enter the PIN of your key to confirm that." touched.out
expect_not "a witness who is not verified is none" PAM_SUCCESS touched.out
is "nothing began so far" "$before" "$(event_count break-glass-start)"
rest
witness good 1 "Grace Hopper" 2222
await good.out "Tap the badge" 20 || true
tap $BEN
await good.out "result:" 40 || true
expect "with the PIN it opens" PAM_SUCCESS good.out
is "the emergency account" emergency2 "$(last_of break-glass-start USER)"
is "with the witness in the record" ben "$(last_of break-glass-start WITNESS)"
is "and the claimed name" "Grace Hopper" "$(last_of break-glass-start CLAIMED)"
key_out ben

echo "== a drill"
wardtap emergency drill >drill.out 2>&1 || cat drill.out
expect "it is announced" "within 10 minutes is a drill" drill.out
end_sessions
printf 'tty7\n' >/run/world/tty0-active
to_greeter
emergency 2002 $BEN 4
last_of break-glass-start DETAIL >detail.out
expect "the next emergency says so" "; drill" detail.out

echo "== the review"
rest
key_in anna
as_cli 1111 wardtap emergency explain "$ITEM" --words "Two keys were locked in the theatre." >explain.out || cat explain.out
expect "she explains it with her key" "has explained emergency $ITEM" explain.out
as_cli 1111 wardtap emergency close "$ITEM" --as clinical --reviewer anna --words fine >self.out && bad "closing one's own" || true
expect "nobody reviews her own" "own emergency: somebody else must review it" self.out
key_out anna
key_in dora
as_cli 4444 wardtap emergency close "$ITEM" --as clinical --reviewer dora --words fine >role.out && bad "without the role" || true
expect "nor without the role for it" "Dora Lind (dora) cannot approve this (approver-role)" role.out
expect "with what the rules want for it" "Approves=review-clinical" role.out
is "a refusal is a record" "approver-role dora review-clinical $ITEM" \
        "$(last_of approval-refused REASON) $(last_of approval-refused APPROVER) $(last_of approval-refused DETAIL) $(last_of approval-refused REVIEW)"
reviewers() { wardtap policy who-can "review-$1" --json | python3 -c 'import json, sys; print(" ".join(r["user"] for r in json.load(sys.stdin)))'; }
is "who-can says the same" "anna ben|anna ben dora" "$(reviewers clinical)|$(reviewers security)"
key_out dora
key_in ben
as_cli 2222 wardtap emergency close "$ITEM" --as clinical --reviewer ben --words "It was one." >close.out || cat close.out
expect "a clinician closes her part" "has closed the review of emergency $ITEM" close.out
wardtap emergency list --open --json >open.out 2>&1 || cat open.out
expect "which is not all" "\"$ITEM\"" open.out
as_cli 2222 wardtap emergency close "$ITEM" --as security --reviewer ben --words "Both?" >twice.out && bad "one person for both" || true
expect "nobody closes both parts" "has said something of it already" twice.out
as_cli 0000 wardtap emergency close "$KIT_ITEM" --as clinical --reviewer ben --words "Guessed." >guess.out && bad "a wrong PIN" || true
is "a wrong PIN is a refusal, and counts as the reviewer's own" "pin-wrong ben 1" \
        "$(last_of approval-refused REASON) $(last_of approval-refused APPROVER) $(python3 -c 'import sqlite3
db = sqlite3.connect("file:/var/lib/wardtap/state/state.db?mode=ro", uri=True)
db.execute("ATTACH DATABASE \x27file:/var/lib/wardtap/people/people.db?mode=ro\x27 AS p")
print(db.execute("SELECT failures FROM history WHERE person = (SELECT id FROM p.person WHERE user = \x27ben\x27)").fetchone()[0])')"
key_out ben
key_in dora
as_cli 4444 wardtap emergency close "$ITEM" --as security --reviewer dora --words "Looked at." >close2.out || cat close2.out
key_out dora
wardtap emergency list --open --json >open.out 2>&1 || cat open.out
expect_not "then it is closed" "\"$ITEM\"" open.out
is "with a record each" 2 "$(event_count review-close)"
is "of whose key it was" "dora dora key+verify security" \
        "$(last_of review-close USER) $(last_of review-close APPROVER) $(last_of review-close FACTORS) $(last_of review-close REASON)"
as_cli 2222 wardtap emergency explain "$KIT_ITEM" --words "Who?" >who.out && bad "an account explains nothing" || true
expect "a claimed name has to be somebody" "Say who explains it, with --user" who.out
wardtap status >status.out 2>&1 || true
expect "status says how many are open" "not reviewed to the end" status.out
wardtap emergency close nonsense0000 --as clinical --reviewer ben --words x >nonsense.out 2>&1 && bad "an item that is none" || true
expect "an item that is none" "There is no emergency 'nonsense0000'" nonsense.out

echo "== an emergency account is fresh for the next one"
mkdir -p /run/world/home1/.cache
echo "a chart" >/run/world/home1/notes
chown -R 2020:2020 /run/world/home1
sed -i 's|^\(emergency1:.*\):/nonexistent:|\1:/run/world/home1:|' /etc/passwd
seat add 2020 seat0 0 user
E=$said
wardtap lease wipe emergency1 >wipe.out 2>&1 && bad "not while somebody is in it" || true
expect "not while somebody is in it" "Somebody is in 'emergency1' now" wipe.out
[ -e /run/world/home1/notes ] && ok "nothing is touched" || bad "nothing is touched"
mark_seat
: >hold-wipes
seat remove "$E"
await_seat "call 903 StartUnit wardtap-wipe@emergency1.service" 10 && ok "wardtapd has it wiped when the last session is gone" ||
        bad "wardtapd has it wiped when the last session is gone"
key_in emergency1
sign_in early --service lightdm --tty tty5 --answer 1 --answer "Grace Hopper"
await early.out "Tap your badge" 20 || true
tap $KIT
await early.out "result:\|in use" 40 || true
key_out emergency1
expect_not "meanwhile nobody gets it" PAM_SUCCESS early.out
is "and that is a record" "emergency1 emergency-in-use" "$(last_of denied USER) $(last_of denied REASON)"
wardtap lease wipe emergency1 >wipe.out 2>&1 || cat wipe.out
expect "what the unit runs" "The home of 'emergency1' is wiped" wipe.out
[ -e /run/world/home1/notes ] && bad "what she left is gone" || ok "what she left is gone"
is "with a record" "0 emergency1 emergency1" "$(last_of home-wipe OUTCOME) $(last_of home-wipe USER) $(last_of home-wipe ACCOUNT)"
wardtap lease wipe anna >wipe.out 2>&1 && bad "never anybody's own" || true
expect "never anybody's own" "its home is never wiped" wipe.out

chain_whole
grep -hE "ERROR: AddressSanitizer|runtime error" ./*.err && bad "a sanitizer complains" || ok "no complaint of the sanitizers"
finish
