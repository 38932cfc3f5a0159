# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# What a reviewer must see and signs off, whether passwords can be switched off, and how sign-ins go, on a station where
# people have signed in. Run by `world`.

for program in jq python3 setpriv; do
        command -v "$program" >/dev/null || { echo "skipped: $program is not installed: see packaging/install-dependencies"; exit 77; }
done

# run NAME WANTED-EXIT COMMAND...: stdout and stderr to NAME.out.
run() {
        local name=$1 wanted=$2 got=0
        shift 2
        "$@" >"$name.out" 2>&1 || got=$?
        is "$name: exit code $wanted" "$wanted" "$got"
        sed 's/  */ /g' "$name.out" >"$name.words"
}
# findings KIND: who and what, one a line, of the last review.
findings() { jq -r --arg kind "$1" '.list.findings[] | select(.kind == $kind) | "\(.user // "-") \(.item) \(.detail // "-")"' list.out; }
review() { run list 0 wardtap review --json "$@"; }
as_member() { setpriv --reuid 2001 --regid 2000 --groups systemd-journal -- "$@"; }

run not-root 5 as_member wardtap review
run readiness-not-root 5 as_member wardtap readiness
start_station
run nobody 1 wardtap readiness
expect "with nobody enrolled nothing can be switched off" "cannot be switched off" nobody.out

# --- people: anna signs in, ben has a badge and a key, carl has nothing and no role, dora has no account any more
enrol anna 04a1b2c3 123456 && enrol ben 04b1b2c3 654321 || {
        cat enrol-*.out
        bad "enrolment"
        finish
}
wardtap person add carl --not-after "$(date -d '+10 days' +%F)" >/dev/null
echo 'dora:x:2004:2000:Dora Weiss,,,:/nonexistent:/bin/sh' >>/etc/passwd
wardtap person add dora >/dev/null
sed -i '/^dora:/d' /etc/passwd
printf 'root:*:19000:0:99999:7:::\nanna:$6$salt$%086d:19000:0:99999:7:::\nben:!$6$salt$%086d:19000:0:99999:7:::\ncarl::19000:0:99999:7:::\n' 0 0 >/etc/shadow
key_in anna
sign_in full --service lightdm --answer 123456
await full.out "Tap your badge" && badge_in anna 04a1b2c3
await full.out result: 30
expect "anna signs in" "PAM_SUCCESS user=anna" full.out
badge_out anna
key_out anna
ben_key=$(wardtap key list ben --json | jq -r '.[0].token')

# --- the list
review
is "who has no account" "dora person -" "$(findings orphan)"
is "who has no role" "carl person no-role" "$(findings no-role)"
is "who was never here" "ben person -
carl person -
dora person -" "$(findings never-used)"
is "whose time ends soon" "carl person -" "$(findings expiring)"
is "which accounts have a password" "anna account -
carl account no password is needed" "$(findings password-account)"
is "nothing is unused for long" "" "$(findings unused)"
printf 'auth [success=1 default=ignore] pam_unix.so nullok\nauth requisite pam_deny.so\n' >/etc/pam.d/sudo-i
review
is "a service beside the rules" "- sudo-i always" "$(findings password-service | grep sudo-i)"
rm /etc/pam.d/sudo-i
run table 0 wardtap review
expect "in words, with what to do" "anna account 2022-01-08 passwd --lock anna" table.words
expect "and how to go on" "wardtap review attest --statement TEXT" table.out

# What happened long ago: the clock of the store is set back, as a reviewer would find it next year.
python3 - <<'P'
import sqlite3
state = sqlite3.connect("/var/lib/wardtap/state/state.db")
state.execute("UPDATE history SET strong_usec = strong_usec - 100 * 86400 * 1000000")
state.execute("UPDATE badge_use SET used_usec = used_usec - 100 * 86400 * 1000000")
state.execute("DROP TRIGGER counter_grows")
state.execute("UPDATE counter SET used_usec = used_usec - 95 * 86400 * 1000000")
state.execute("INSERT INTO history (person, failures, last_failure_usec) VALUES ((SELECT max(person) FROM history) + 1048576, 9, 1)")
state.commit()
P
review
is "who was not here for 90 days: once, not with each badge" "anna person -" "$(findings unused)"
review --unused-for 97
is "the key was used later than the badge" "anna $(wardtap badge list anna --json | jq -r '.[0].token') badge" "$(findings unused)"
review --unused-for 365
is "another number of days" "" "$(findings unused)"
run bad-days 2 wardtap review --unused-for 0

# --- one key of two people, as after a store was copied by hand
python3 - <<'P'
import sqlite3
people = sqlite3.connect("/var/lib/wardtap/people/people.db")
key = people.execute("SELECT public_key FROM key ORDER BY id LIMIT 1").fetchone()[0]
people.execute("DROP TRIGGER key_fixed")
people.execute("UPDATE key SET public_key = ?, version = version + 1 WHERE id = (SELECT max(id) FROM key)", (key,))
people.commit()
P
review
is "both are named" "ben $ben_key" "$(findings shared-key | grep ^ben | cut -d' ' -f1,2)"
is "with each other" 2 "$(findings shared-key | grep -c 'the same as')"

# --- signing off
list_hash=$(jq -r .hash list.out)
is "the hash is that of the list" "$list_hash" "$(jq -cj .list list.out | sha256sum | cut -d' ' -f1)"
review
is "and stays as long as nothing changes" "$list_hash" "$(jq -r .hash list.out)"
run attest-no-hash 2 wardtap review attest --statement "all looked at" --hash 12ab
run attest-other 4 wardtap review attest --statement "all looked at" --hash "$(printf '%064d' 7)"
expect "says why" "Look through it again: wardtap review" attest-other.out
run attest-days 4 wardtap review attest --statement "all looked at" --unused-for 365 --hash "$list_hash"
run attest 0 wardtap review attest --statement "all looked at" --hash "$list_hash"
n=$(jq '.list.findings | length' list.out)
is "is a record with hash and number" "root|$n findings, $list_hash: all looked at" \
        "$(records WARDTAP_EVENT=review-attest | jq -r '.WARDTAP_REQUESTOR + "|" + .WARDTAP_DETAIL')"
kept=$(ls /var/lib/wardtap/reviews/*.json)
is "the list is root's alone" "700 600 root" "$(stat -c %a /var/lib/wardtap/reviews) $(stat -c '%a %U' "$kept")"
is "and is kept to the byte" "$list_hash" "$(jq -cj .list "$kept" | sha256sum | cut -d' ' -f1)"
run kept 0 wardtap review list
expect "who, how many, what" "root $n as it was all looked at" kept.words
run kept-json 0 wardtap review list --json
is "JSON" "true $list_hash" "$(jq -r '.[0] | "\(.intact) \(.hash)"' kept-json.out)"
wardtap badge end "$(wardtap badge list anna --json | jq -r '.[0].token')" --reason "left" >/dev/null
wardtap key end "$ben_key" --reason "of two people" >/dev/null
run attest-changed 4 wardtap review attest --statement "all looked at" --hash "$list_hash"
is "what is refused is no record" 1 "$(records WARDTAP_EVENT=review-attest | wc -l)"
cp "$kept" kept.copy
sed -i 's/"user":"dora"/"user":"emil"/' "$kept"
run kept-changed 1 wardtap review list
expect "a list that was changed is named" "CHANGED" kept-changed.out
head -c 100 kept.copy >"$kept"
run kept-torn 1 wardtap review list
expect "and one that is torn" "cannot be read" kept-torn.out
cp kept.copy "$kept"

# --- readiness
run readiness 1 wardtap readiness
expect "by role, with what is wanted" "Role nurse, which wants badge+key+verify: 0 of 2 are ready" readiness.out
expect "anna has no badge now, and one key" "anna Anna Berg 0 1 no yes badge, recovery" readiness.words
expect "ben has no key" "ben Ben Okoro 1 0 no yes key, recovery" readiness.words
expect "carl has no role, dora no account" "dora Dora Weiss 0 0 no no account, role, recovery, offline" readiness.words
expect "break-glass is said" "Break-glass: not configured" readiness.words
run readiness-json 1 wardtap readiness --json
is "JSON" "false nurse 2 0" "$(jq -r '"\(.ready) \(.roles[0].role) \(.roles[0].people) \(.roles[0].ready)"' readiness-json.out)"

# --- accounts that are nobody's own, what people have for a while, and emergency access
is "without a section there is no emergency access" "- station no emergency access in the rules" "$(findings break-glass)"
printf 'agency1:x:2020:2000:Agency 1,,,:/nonexistent:/bin/sh\nagency2:x:2021:2001:Agency 2,,,:/nonexistent:/bin/sh\nemergency1:x:2022:2001:Emergency 1,,,:/nonexistent:/bin/sh\n' >>/etc/passwd
for account in "agency1 --agency" "agency2 --agency" "emergency1 --emergency"; do
        # shellcheck disable=SC2086
        wardtap person add $account >add.out 2>&1 || { cat add.out; bad "person add $account"; }
done
sed -i 's/^RelyingParty=.*/&\nTickets=yes/' /etc/wardtap/wardtap.conf
printf '[BreakGlass]\nAccounts=emergency1 emergency2\nReviewers=clinical security\n' >>/etc/wardtap/wardtap.conf
wardtap policy apply --reason "break-glass" >apply.out 2>&1 || { cat apply.out; bad "policy apply"; }
wardtap lease agency1 --to "Jane Doe" --until "$(date -d '+1 hour' '+%F %H:%M')" --identified passport >lease.out 2>&1 || cat lease.out
wardtap ticket issue --user anna --for 8h --identified "staff card" --json >ticket.out 2>&1 || cat ticket.out
ticket=$(jq -r .ticket ticket.out)
wardtap person suspend ben --reason "on leave" >suspend.out 2>&1 || cat suspend.out
python3 - <<'P'
import sqlite3, time
db = sqlite3.connect("/var/lib/wardtap/people/people.db")
carl, = db.execute("SELECT id FROM person WHERE user = 'carl'").fetchone()
now = int(time.time() * 1e6)
db.execute("INSERT INTO elevation (person, role, until_usec, basis_boottime_usec, basis_boot_id, approver, reason, version, added_usec,"
           " ended_usec, end_reason) VALUES (?, 'nurse', ?, 1, '', 'anna', 'short of hands', 1, ?, 0, '')", (carl, now + 3600 * 10**6, now))
db.commit()
P
review
is "agency accounts are told apart: lent, and never lent" "agency2 person agency account" "$(findings never-used | grep agency)"
is "and one without a role" "agency2 person no-role, agency account" "$(findings no-role | grep agency)"
is "nobody comes to work by an emergency account" "" "$(jq -r '.list.findings[] | select(.user == "emergency1" and .kind != "break-glass") | .kind' list.out)"
is "who is suspended is" "ben person suspended" "$(findings never-used | grep ben)"
is "what people have for a while" "agency1 Jane Doe lease
anna $ticket ticket, issued by root
carl nurse role, approved by anna" "$(findings temporary)"
is "what emergency access lacks" "- station not tried in time
emergency1 account no badge and key
emergency2 account no such account" "$(findings break-glass)"
is "as doctor says it" 3 "$(wardtap doctor 2>&1 | grep -c '^warn *emergency')"
is "the keys of the site, and since when" "- badge-key missing|- ticket-key -" "$(findings site-key | paste -sd'|')"
touch -d '-3 years' /var/lib/wardtap/people/ticket-key
mkdir -p /etc/credstore && touch -d '-800 days' /etc/credstore/badge-key
review
is "which are too old, or not encrypted" "- badge-key older than two years, not encrypted|- ticket-key older than two years" \
        "$(findings site-key | paste -sd'|')"
run table2 0 wardtap review
expect "with what to do about a key" "when no ticket is open: rm /var/lib/wardtap/people/ticket-key" table2.words
expect "with what to do" "anna $ticket: ticket, issued by root $(date -d '+8 hours' +%F) wardtap ticket revoke $ticket --reason TEXT" table2.words
expect "of each" "wardtap lease end agency1 --reason TEXT" table2.words
expect "and all" "wardtap elevate end carl" table2.words
run ready-untried 1 wardtap readiness
expect "break-glass that was never tried is not covered" "Break-glass: not tried or renewed in time" ready-untried.words
expect_not "emergency accounts are nobody" emergency1 ready-untried.words
expect_not "nor is an agency's that is not lent" agency2 ready-untried.words
expect "one that is lent is somebody" "agency1 Agency 1 0 0 " ready-untried.words
# A drill, by a witness: there is no kit yet.
python3 - <<'P'
import sqlite3, time
person, = sqlite3.connect("/var/lib/wardtap/people/people.db").execute("SELECT id FROM person WHERE user = 'emergency1'").fetchone()
now = int(time.time() * 1e6)
db = sqlite3.connect("/var/lib/wardtap/state/state.db")
db.execute("INSERT INTO emergency (attempt, review, person, user, claimed, witness, how, reason, from_usec, until_usec, drill)"
           " VALUES (?, '0123456789ab', ?, 'emergency1', 'Grace Hopper', 0, 3, 'arrest', ?, ?, 1)",
           ("0" * 32, person, now - 10**6, now + 3600 * 10**6))
db.commit()
P
run ready-covered 1 wardtap readiness --json
is "with a drill, and a colleague who can witness, it is" covered "$(jq -r .break_glass ready-covered.out)"
review
is "the review of the drill is owed" "emergency1 0123456789ab review owed by clinical, security" "$(findings break-glass | grep review)"
is "and nothing else changes" "emergency1 account no badge and key
emergency2 account no such account" "$(findings break-glass | grep -v review)"
wardtap key suspend "$(wardtap key list anna --json | jq -r '.[0].token')" --reason "for a test" >suspend.out 2>&1 || cat suspend.out
run ready-alone 1 wardtap readiness --json
is "without a witness and a kit it is not" no-account "$(jq -r .break_glass ready-alone.out)"

# --- stats, from the journal of this station
run stats 0 wardtap stats
expect "what is of few is hidden" "Sign-ins <5" stats.words
expect "the number to watch comes first" "Sign-ins that needed a fallback:" <(head -n 1 stats.out)
is "nobody is named" 0 "$(grep -c -e anna -e ben -e carl stats.out)"
run stats-user 5 setpriv --reuid 2001 --regid 2000 --clear-groups -- wardtap stats
run stats-bad 2 wardtap stats --by nurse
run stats-span 2 wardtap stats --since 2026-11-20 --until 2026-11-19

# --- stats of known numbers
export TZ=UTC
"$T/integration/many-records" 6000 >many.export
run many 0 wardtap stats --file many.export --json
is "everything is counted" "2 6000 3000 120 256 0.5" \
        "$(jq -r '.all | "\(.fallback_percent) \(.sign_ins) \(.reentries) \(.fallbacks) \(.refusals) \(.reentries_per_strong)"' many.out | sed 's/^2\.0 /2 /')"
is "so is what happened beside sign-ins, drills apart from emergencies" "200 300 100 150 0 60 30 0" \
        "$(jq -r '.all | "\(.tickets) \(.temporary_badges) \(.recoveries) \(.approvals) \(.approvals_refused) \(.break_glass) \(.drills) \(.exceptions)"' many.out)"
run many-text 0 wardtap stats --file many.export
sed 's/  */ /g' many-text.out >many-text.words
for line in "Tickets 200 3.3" "By a temporary badge 300 5.0" "Recoveries 100 1.7" "Approvals 150 2.5" "Break-glass 60 1.0" "Break-glass, drills 30 0.5"; do
        expect "in words, per 100 sign-ins: $line" "$line" many-text.words
done
is "small counts are not, in no way" '{"unknown-badge":null,"pin-wrong":240,"key-counter":null}' "$(jq -c .all.reasons many.out)"
is "times" "101000 101000 2000000" "$(jq -r '.all.tap_to_session | "\(.p50_usec) \(.p90_usec) \(.p99_usec)"' many.out)"
run many-role 0 wardtap stats --file many.export --by role --json
is "by role" "doctor 600 nurse 5400" "$(jq -r '[.groups[] | select(.sign_ins > 0) | "\(.name) \(.sign_ins)"] | join(" ")' many-role.out)"
is "a fallback is of its person's role" "20 100" "$(jq -r '[.groups[] | select(.sign_ins > 0) | .fallbacks] | join(" ")' many-role.out)"
is "so is what was approved for somebody, whatever role it gave" "150 0" \
        "$(jq -r '"\([.groups[] | select(.name == "doctor" or .name == "nurse") | .approvals] | add) \([.groups[] | select(.name == "night-lead")] | length)"' many-role.out)"
run many-day 0 wardtap stats --file many.export --by day --json
is "by day" "30 200" "$(jq -r '"\(.groups | length) \(.groups[3].sign_ins)"' many-day.out)"
run many-two-days 0 wardtap stats --file many.export --since 2026-11-02 --until 2026-11-03 --json
is "between two days, both whole" 400 "$(jq .all.sign_ins many-two-days.out)"
run many-table 0 wardtap stats --file many.export --by station
is "lines fit a screen" 0 "$(awk 'length > 100' many-table.out many.out stats.out | grep -vc '^{')"
head -c -40 many.export >torn.export
run many-torn 8 wardtap stats --file torn.export
sed 's/^_UID=903/_UID=2001/; s/^_EXE=.*/_EXE=\/usr\/bin\/logger/' many.export >forged.export
run many-forged 0 wardtap stats --file forged.export
expect "only what wardtapd wrote counts" "There are no records of sign-ins in that time." many-forged.out
finish
