# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# What a ticket gives at a seat: a session until its end, and no longer; and what a question for a code takes from nobody.
# A seat without a VM (stage.bash). Run by: tests/integration/world BUILD tests/integration/ticket-seat.bash
# shellcheck source=tests/integration/stage.bash
. "$T/integration/stage.bash"

people=/var/lib/wardtap/people/people.db ANNA=04a1b2c3 BEN=04b1b2c4
tickets_on() { sed -i 's/^RelyingParty.*/&\nTickets=yes/' /etc/wardtap/wardtap.conf; }
issue() { wardtap ticket issue --identified "staff card shown" --json "$@" >issued.out && jq -r .code issued.out; }
# ends_in SECONDS: open tickets end then; the shortest that can be issued would keep the test waiting for a minute.
ends_in() {
        python3 - "$people" "$1" <<-'P'
		import sqlite3, sys, time
		db = sqlite3.connect(sys.argv[1])
		db.execute("DROP TRIGGER IF EXISTS ticket_fixed")
		db.execute("UPDATE ticket SET not_after_usec = ?, version = version + 1 WHERE ended_usec = 0",
		           (int((time.time() + float(sys.argv[2])) * 1e6),))
		db.commit()
	P
}
# tap NUMBER: each on the next reader, since each reader takes a badge that comes often for one that lies there.
next_reader=0
tap() {
        next_reader=$(((next_reader + 1) % 8))
        taps tap "Reader_$((3 + next_reader))" "$1"
}
# shows NAME WANTED: what is on the screen, "UID CLASS", or comes there soon.
shows() {
        local end=$((SECONDS + ${3:-10})) got
        while got=$(on_screen); [ "$got" != "$2" ] && [ $SECONDS -lt $end ]; do read -rt 0.1 <> <(:) || true; done
        is "$1" "$2" "$got"
}
sql() { python3 -c 'import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone()[0])' "$@"; }

start_stage tickets_on
start_registrar
for i in 2 3 4 5 6 7 8 9 10; do taps reader Reader_$i; done
enrol_tapping anna $ANNA 1111 && enrol_tapping ben $BEN 2222 || { bad "enrolment"; finish; }
seat greeter # or it is there already: a tap more than the enrolment wanted brings one
await_seat "say Tap your badge"

echo "== a forgotten badge: a session until the ticket's end"
code=$(issue --user anna --for 1h --use sign-in)
ends_in 12
seat answer "$code"
mark_seat
tap 04eeeeee
await_seat 'say New badge\? Enter your code'
await_seat "active [^ ]+ 2001 user"
is "her session is open, lowered" ticket "$(last_of sign-in LOWERED)"
until=$(last_of sign-in UNTIL_USEC)
seat answer
mark_seat
await_seat 'active .* greeter' 30
ok "at its end the seat is the greeter's again"
[ "$(last_of lock TIME_USEC)" -ge "$until" ] && ok "and not before" || bad "locked before the ticket's end"
is "locked for that" ticket-expired "$(last_of lock REASON)"
mark_seat
seat answer "$code"
tap 04eeeeee
await_seat 'say This code has run out'
seat answer
full_keys() { key_in anna; seat answer 1111; mark_seat; tap $ANNA; await_seat "active [^ ]+ 2001 user"; key_out anna; seat answer; }
full_keys
shows "a full sign-in brings it back" "2001 user"

echo "== revoked while it is in use; locked, it comes back by its code"
mark_seat
seat greeter
await_seat "say Tap your badge"
code=$(issue --user ben --for 1h --use sign-in)
name=$(jq -r .ticket issued.out)
seat answer "$code"
mark_seat
tap 04eeeeef
await_seat "active [^ ]+ 2002 user"
mark_seat
seat greeter
await_seat 'active .* greeter' || true
tap 04eeeef0
await_seat "active [^ ]+ 2002 user"
is "the same code gives his session back" resume "$(last_of resume EVENT)"
is "lowered" ticket "$(last_of resume LOWERED)"
is "and begins no second one" 1 "$(grep -l '^UID=2002$' /run/systemd/sessions/* | wc -l)"
mark_seat
wardtap ticket revoke "$name" --reason "not his" >revoke.out 2>&1 || bad "revoke"
await_seat 'active .* greeter'
is "revoked, it is locked at once" ticket-revoked "$(last_of lock REASON)"
tap 04eeeef1
await_seat 'say This code was withdrawn'
seat answer

echo "== a question for a code keeps nobody waiting"
mark_seat
tap 04eeeef2
await_seat 'prompt Code: '
mark_seat
key_in ben
tap $BEN
await_seat "say Ben Okoro" 20
ok "another person's tap is served"
seat answer 2222
key_out ben
chain_whole
no_trespass
finish
