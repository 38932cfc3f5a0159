# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# Tickets, as people meet them: a new nurse enrols at the greeter with a code; one who has no key, no PIN or no badge with
# her is let in by one, lowered, until its end; and every code that is wrong, used, over, withdrawn or somebody else's is
# one plain sentence and no change. Run by: tests/integration/world BUILD tests/integration/ticket.bash

for program in jq setpriv; do
        command -v "$program" >/dev/null || { echo "skipped: $program is not installed: see packaging/install-dependencies"; exit 77; }
done
people=/var/lib/wardtap/people/people.db

# begin NAME NUMBER OPTIONS: a sign-in at the greeter with that badge; the badge stays on the reader.
begin() {
        local name=$1 number=$2
        shift 2
        sign_in "$name" --service lightdm "$@"
        await "$name.out" "Tap your badge" || return 1
        badge_in one "$number"
}
# result NAME: the verdict, once there is one; then the badge is taken away.
result() {
        await "$1.out" result: 90 || return 1
        sed -n 's/ in .*//; s/^result: //p' "$1.out"
        badge_out one
}
# refused NAME NUMBER CODE TEXT: a sign-in with that code is turned away with these words.
refused() {
        begin "$1" "$2" --answer "$3"
        is "$1: nobody is let in" "waits on" "$(turned_away "$1")"
        badge_out one
        expect "$1: says so" "$4" "$1.out"
}
sql() { python3 -c 'import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone()[0])' "$@"; }
issue() { wardtap ticket issue --identified "staff card shown" --json "$@" >issued.out && jq -r .code issued.out; }
# last EVENT FIELD: of the newest record of that event.
last() {
        records | python3 -c '
import json, sys
r = [json.loads(line) for line in sys.stdin]
r = [x for x in r if x.get("WARDTAP_EVENT") == sys.argv[1]]
print(r[-1].get("WARDTAP_" + sys.argv[2], "") if r else "no record")' "$@"
}
tickets_on() { sed -i 's/^RelyingParty.*/&\nTickets=yes/' /etc/wardtap/wardtap.conf; }

echo "== a station that takes tickets"
start_journald
start_dbus
start_pcscd
start_device
start_wardtapd
world_rules
start_authd
start_registrar
for user in anna ben carl; do wardtap person add $user >>add.out 2>&1 || bad "person add $user"; done

echo "== where the rules say nothing, no code is asked for"
begin silent 04ffffff --answer AAAA-AAAA-AAAA
is "an unknown badge" "waits on" "$(turned_away silent)"
badge_out one
expect_not "no code" "Enter your code" silent.out
world_rules tickets_on

echo "== issued once, shown once"
"$B/tests/integration/pty_say" --timeout 30 -- wardtap ticket issue --user anna --for 1h --identified "staff card shown" >shown.out 2>&1 ||
        bad "issue on a terminal"
expect "says what it is" "for Anna Berg (anna) is good until" shown.out
shown=$(grep -oE '[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}' shown.out)
is "a code of three groups" 14 "${#shown}"
got=0
wardtap ticket issue --user nobody --for 1h --identified x --json >nobody.out 2>&1 || got=$?
is "nobody has no ticket" 3 $got
got=0
wardtap ticket issue --user anna --for 15d --identified x --json >long.out 2>&1 || got=$?
is "two weeks are the most" 2 $got
got=0
setpriv --reuid 2001 --regid 2000 --clear-groups -- wardtap ticket issue --user anna --for 1h --identified x --json >user.out 2>&1 || got=$?
is "only root issues" 5 $got
is "recorded with its issuer" root "$(last ticket-issue ISSUER)"
is "and how she was identified" "staff card shown" "$(last ticket-issue IDENTIFIED)"
name=$(wardtap ticket list --json | jq -r '.[0].ticket')
is "listed" open "$(wardtap ticket list --json | jq -r '.[0].state')"
wardtap ticket revoke "$name" --reason "lost on the way" >revoke.out 2>&1 || bad "revoke"
is "recorded" "$name" "$(last ticket-revoke TICKET)"

echo "== codes that are good for nothing"
refused revoked 04a1b2c3 "$shown" "This code was withdrawn."
is "recorded with its name" "$name" "$(last ticket-refused TICKET)"
refused mistyped 04a1b2c3 "${shown%?}$([ "${shown: -1}" = 7 ] && echo 8 || echo 7)" "This code is mistyped."
begin nothing 04a1b2c3
await nothing.out "Enter your code"
await nothing.out "nobody answers"
is "who has no code is turned away" "PAM_AUTH_ERR user=" "$(result nothing)"
expect "as before" "This badge is not known here." nothing.out
is "recorded" unknown-badge "$(last unknown-badge REASON)"

echo "== a new nurse"
code=$(issue --user anna --for 1h --use enrol)
key_in anna
begin enrol 04a1b2c3 --answer "$code" --answer 246810 --answer 246810
is "is let in" "PAM_SUCCESS user=anna" "$(result enrol)"
key_out anna
expect "was asked for her code" "New badge? Enter your code" enrol.out
expect "for a PIN" "Anna Berg, choose a PIN for your key: at least 4 characters" enrol.out
expect "and to try it" "one trial sign-in" enrol.out
is "a full sign-in" key+verify "$(last sign-in FACTORS)"
is "that names the ticket" "$(jq -r .ticket issued.out)" "$(last sign-in TICKET)"
is "with nothing lowered" "" "$(last sign-in LOWERED)"
is "the badge is hers" anna "$(wardtap badge list --json | jq -r '.[0].user')"
is "the key too" anna "$(wardtap key list --json | jq -r '.[0].user')"
is "the records say whose attempt it was" "$(last sign-in ATTEMPT)" "$(last key-enrol ATTEMPT)"
is "the ticket is used" used "$(wardtap ticket list --all --json | jq -r '.[-1].state')"
key_in anna
begin next 04a1b2c3 --answer 246810
is "the next time it is hers alone" "PAM_SUCCESS user=anna" "$(result next)"
key_out anna

echo "== what was used, is over, or is somebody else's"
refused twice 04dddddd "$code" "This code has been used."
short=$(issue --user ben --for 1min)
python3 - "$people" <<-'P' # the clock of a test does not wait
	import sqlite3, sys
	db = sqlite3.connect(sys.argv[1])
	db.execute("DROP TRIGGER ticket_fixed")
	db.execute("UPDATE ticket SET not_after_usec = added_usec + 1, version = version + 1 WHERE ended_usec = 0")
	db.commit()
P
refused over 04dddddd "$short" "This code has run out."
bens=$(issue --user ben --for 1h)
begin other 04a1b2c3 --answer "" --answer "$bens"
key_in anna # so that a PIN is asked for
is "ben's code at anna's badge" "waits on" "$(turned_away other)"
badge_out one
key_out anna
expect "is not for her" "This code is not for you." other.out
is "recorded" ticket-of-another "$(last ticket-refused REASON)"

echo "== the same code at once"
bens=$(issue --user ben --for 1h --use sign-in)
for name in first second; do
        sign_in $name --service lightdm --answer "$bens"
        await $name.out "Tap your badge"
done
badge_in one 04e1e1e1
badge_in two 04e2e2e2 --port 35964
for name in first second; do
        timeout 60 grep -q -m1 -E 'result:|screen .error' < <(exec tail -n +1 -F --sleep-interval=0.05 $name.out 2>/dev/null) ||
                bad "$name has no end"
done
is "one of them wins" 1 "$(cat first.out second.out | grep -c "PAM_SUCCESS user=ben")"
is "and one is told" 1 "$(cat first.out second.out | grep -c "This code has been used.")"
for name in first second; do
        kill "${unit_pid[$name]}" 2>/dev/null || true
        wait "${unit_pid[$name]}" 2>/dev/null || true
done
badge_out one
badge_out two
is "lowered" ticket "$(last sign-in LOWERED)"
is "no level is claimed" 0 "$(last sign-in AAL)"
is "nothing was proven" none "$(last sign-in FACTORS)"
is "on whose word" root "$(last sign-in ISSUER)"
is "until its end" "$(last ticket-use UNTIL_USEC)" "$(last sign-in UNTIL_USEC)"
is "no badge came of it" 1 "$(sql $people "select count(*) from badge")"
is "no grace either" 1 "$(sql /var/lib/wardtap/state/state.db "select count(*) from history where strong_usec <> 0")" # anna's

echo "== a key that was left at home: the same badge once more"
nokey=$(issue --user anna --for 1h --use sign-in)
wardtap policy explain --user anna --service lightdm --evidence badge,ticket >explain.out 2>&1 || bad "policy explain"
expect "whoever asks the rules is told" "Ticket $(jq -r .ticket issued.out), issued by root, is good until " explain.out
expect "what it stands for" "So: Allowed as nurse by a ticket, which stands in for the factors and proves none: lowered, until it ends." explain.out
begin home 04a1b2c3 --answer "$nokey"
await home.out "plug in your key"
badge_out one
badge_in one 04a1b2c3
is "lets her in" "PAM_SUCCESS user=anna" "$(result home)"
expect "after she was asked" "no key? Enter your code" home.out
is "lowered" ticket "$(last sign-in LOWERED)"
refused spent 04a1b2c4 "$nokey" "This code has been used."

echo "== a forgotten PIN"
pin=$(issue --user anna --for 1h --use sign-in)
key_in anna
begin forgot 04a1b2c3 --answer "" --answer "$pin"
is "lets her in" "PAM_SUCCESS user=anna" "$(result forgot)"
key_out anna


wardtap policy explain --user carl --service lightdm --evidence ticket >explain.out 2>&1 && bad "a ticket that is not there"
expect "nobody has none explained" "has no ticket that is good then." explain.out

echo "== what a colleague reported lost, and its owner has in her hand again"
state_of() { sql $people "select count(*) from $1 where suspended_usec <> 0"; }
early=$(issue --user anna --for 1h --use sign-in)
wardtap badge report anna --reason "not in the locker" >report.out 2>&1 || bad "badge report"
refused early 04a1b2c3 "$early" "This badge is suspended."
expect "it was asked for the code, without a name" "Badge found again? Enter your code" early.out
is "a code of before the report lifts nothing" 1 "$(state_of badge)"
is "and is recorded" badge-suspended "$(last denied REASON)"
found=$(issue --user anna --for 1h --use sign-in)
begin found 04a1b2c3 --answer "$found"
is "one of after it lets her in" "PAM_SUCCESS user=anna" "$(result found)"
is "lowered" ticket "$(last sign-in LOWERED)"
is "and her badge is in use again" 0 "$(state_of badge)"
is "with a record" badge "$(last lost-found REASON)"
is "that names the ticket" "$(jq -r .ticket issued.out)" "$(last lost-found TICKET)"
is "and the badge" "$(wardtap badge list anna --json | jq -r '.[0].token')" "$(last lost-found BADGE)"
wardtap badge report anna --reason "gone again" >report.out 2>&1 || bad "badge report"
refused again2 04a1b2c3 "$found" "This badge is suspended."
is "the same code lifts nothing twice" 1 "$(state_of badge)"
wardtap key report anna --reason "gone as well" >report.out 2>&1 || bad "key report"
both=$(issue --user anna --for 1h --use enrol)
key_in anna
begin both 04a1b2c3 --answer "$both" --answer 246810
is "a found key signs, and is as good as a new one" "PAM_SUCCESS user=anna" "$(result both)"
key_out anna
is "both are in use again" "0 0" "$(state_of badge) $(state_of key)"
is "there is no second key" 1 "$(wardtap key list anna --json | jq length)"
is "it was a full sign-in" key+verify "$(last sign-in FACTORS)"
is "each has its record" 3 "$(records | grep -c '"WARDTAP_EVENT":"lost-found"')"
wardtap badge suspend "$(wardtap badge list anna --json | jq -r '.[0].token')" --reason "left the ward" >suspend.out 2>&1 || bad "badge suspend"
sign_in admin --service lightdm --answer "$both"
await admin.out "Tap your badge"
badge_in one 04a1b2c3
is "what an administrator suspended asks for no code" "waits on" "$(turned_away admin)"
badge_out one
expect_not "and is not lifted by one" "Enter your code" admin.out
wardtap badge resume "$(wardtap badge list anna --json | jq -r '.[0].token')" --reason "back" >resume.out 2>&1 || bad "badge resume"

echo "== any, and no key comes: in, and nothing enrolled"
any=$(issue --user ben --for 1h)
begin late 04dddddd --answer "$any"
await late.out "plug in your new key"
is "lets him in" "PAM_SUCCESS user=ben" "$(result late)"
is "no badge came of it" 1 "$(sql $people "select count(*) from badge")"

echo "== the registrar dies on the way: nothing is half done"
code=$(issue --user ben --for 1h --use enrol)
before=$(sql $people "select version from store")
begin killed 04b1b2c3 --answer "$code" --answer 135790 --answer 135790
await killed.out "plug in your new key"
registrar=$(main_pid registrar)
kill -STOP "$registrar" "$(main_pid wardtapd)"
key_in ben
await killed.out "one trial sign-in"
kill -CONT "$registrar" # it waits for its records now, inside its transaction
await_path "$people-journal"
kill -KILL "$registrar"
kill -CONT "$(main_pid wardtapd)"
is "nobody is let in" "waits on" "$(turned_away killed)"
badge_out one
expect "and told so" "Codes do not work just now." killed.out
is "nothing was written" "$before" "$(sql $people "select version from store")"
is "no key of his" 0 "$(wardtap key list ben --json | jq -s 'flatten | length')"
begin again 04b1b2c3 --answer "$code" --answer 135790
is "the ticket is still good" "PAM_SUCCESS user=ben" "$(result again)"
is "badge and key are his" "1 1" "$(wardtap badge list ben --json | jq length) $(wardtap key list ben --json | jq length)"
key_out ben

echo "== wrong codes pause the station, over a restart"
guess() { # N: a code that nobody was given
        python3 - "$1" <<-'P'
		import sys
		d = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
		code, c = "ZZZZZZZZZZ" + d[int(sys.argv[1])], 0
		for x in code + "\0":
		    c <<= 1
		    c = c ^ 37 if c & 32 else c
		    c ^= d.index(x) if x in d else 0
		print(code + d[c])
	P
}
for n in 1 2 3 4 5; do
        sign_in guess$n --service lightdm --answer "$(guess $n)"
        await guess$n.out "Tap your badge"
        badge_in two 04e9e9e9 --port 35964
        is "guess $n" "waits on" "$(turned_away guess$n)"
        badge_out two
        expect "is told so" "This code is not valid." guess$n.out
        [ $n != 3 ] || restart_unit registrar
done
code=$(issue --user anna --for 1h --use sign-in)
restart_unit registrar
refused paused 04dddddd "$code" "Too many wrong codes here."
is "recorded" ticket-paused "$(last ticket-refused REASON)"
is "each guess, too (the registrar's record, and the attempt's)" 10 "$(records | grep -c '"WARDTAP_REASON":"ticket-wrong"')"

echo "== no code is anywhere"
journalctl --sync
journalctl -o json >everything.json
found=0
for secret in $shown $code $nokey $pin $bens $any; do
        for form in "$secret" "${secret//-/}"; do
                grep -q -F "$form" everything.json && found=1
                grep -rq -a -F "$form" /var/lib/wardtap && found=1
        done
done
is "in no record, log or store" 0 $found
finish
