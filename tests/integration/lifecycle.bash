# SPDX-License-Identifier: Apache-2.0
# What happens to people, badges and keys between their beginning and their end, and bulk import and export: each change is
# one record, what must be refused is one sentence and changes nothing. Run by:
# tests/integration/world BUILD tests/integration/lifecycle.bash

for program in jq setpriv; do
        command -v "$program" >/dev/null || { echo "skipped: $program is not installed: see packaging/install-dependencies"; exit 77; }
done
say=$B/tests/integration/pty_say

# run NAME WANTED-EXIT COMMAND...: stdout and stderr to NAME.out.
run() {
        local name=$1 wanted=$2 got=0
        shift 2
        "$@" >"$name.out" 2>&1 || got=$?
        is "$name: exit code $wanted" "$wanted" "$got"
}
# refused NAME WANTED-EXIT WORDS COMMAND...: in one sentence with these words, and the store stays as it was.
refused() {
        local name=$1 wanted=$2 words=$3 before
        shift 3
        before=$(dump)
        run "$name" "$wanted" "$@"
        expect "$name: in words" "$words" "$name.out"
        is "$name: nothing is changed" "$before" "$(dump)"
}
dump() { wardtap store check --json | jq -r .version; }
events() { records | grep -c "\"WARDTAP_EVENT\":\"$1\"" || true; }
# last EVENT FIELD
last() { records | jq -r "select(.WARDTAP_EVENT == \"$1\") | .WARDTAP_$2 // \"\"" | tail -n 1; }
state_of() { wardtap person show "$1" --json | jq -r .state; }
begin() {
        local name=$1
        shift
        "$say" --timeout 60 "$@" >"$name.out" 2>&1 &
        unit_pid[$name]=$!
}
ended() {
        local got=0
        wait "${unit_pid[$1]}" || got=$?
        is "$1: exit code $2" "$2" "$got"
}
tap_twice() {
        await "$1.out" "Hold your badge"
        badge_in one "$2"
        await "$1.out" "once more"
        badge_out one
        badge_in one "$2"
        tail --pid="${unit_pid[$1]}" -f /dev/null
        badge_out one
}
token_of() { wardtap "$1" list "$2" --json | jq -r '.[0].token'; }

start_station
enrol anna 04A1B2C3 Kolibri-2468 || { bad "enrolment of anna"; finish; }
wardtap person add ben >/dev/null

echo "== people"
refused suspend-no-reason 2 "needs --reason" wardtap person suspend anna
refused suspend-control 2 "plain text" wardtap person suspend anna --reason $'a\033[2J'
refused suspend-nobody 3 "Nobody is enrolled as 'carl'" wardtap person suspend carl --reason leave
refused resume-active 4 "is not suspended" wardtap person resume anna --reason back
run suspend 0 wardtap person suspend anna --reason "on leave"
is "she is suspended" suspended "$(state_of anna)"
is "with a record and its reason" "on leave" "$(last person-suspend DETAIL)"
is "by somebody" root "$(last person-suspend REQUESTOR)"
refused suspend-twice 4 "is suspended already" wardtap person suspend anna --reason "on leave"
sign_in suspended --service lightdm
await suspended.out "Tap your badge"
badge_in one 04A1B2C3
is "a suspended person is not let in" "waits on" "$(turned_away suspended)"
badge_out one
expect "in words" "Your access is suspended" suspended.out
run resume 0 wardtap person resume anna --reason "is back" --json
is "JSON of the person" "anna active" "$(jq -r '.user + " " + .state' resume.out)"
is "a record" "is back" "$(last person-resume DETAIL)"

refused expire-nothing 2 "Say --not-before" wardtap person expire anna
refused expire-words 2 "does not understand" wardtap person expire anna --not-after soon
refused expire-order 2 "must be later" wardtap person expire anna --not-before 2027-01-02 --not-after 2027-01-01
run expire 0 wardtap person expire anna --not-before 2025-01-01 --not-after 2030-06-30
is "both limits" "2025-01-01T00:00:00 2030-06-30T23:59:59" \
        "$(wardtap person show anna --json | jq -r '.not_before[:19] + " " + .not_after[:19]')"
run expire-one 0 wardtap person expire anna --not-before never --json
is "one is taken away, the other stays" "null 2030-06-30T23:59:59" "$(jq -r '(.not_before | tostring) + " " + .not_after[:19]' expire-one.out)"
is "a record says both" "no beginning, not after 2030-06-30T23:59:59+00:00" "$(last person-expire DETAIL)"
run expire-never 0 wardtap person expire anna --not-after never

echo "== badges and keys"
badge=$(token_of badge anna) key=$(token_of key anna)
refused badge-resume-active 4 "is not suspended" wardtap badge resume "$badge" --reason x
refused badge-suspend-missing 3 "no badge in use" wardtap badge suspend NOTHERE --reason x
run badge-suspend 0 wardtap badge suspend "$badge" --reason "not in her locker"
is "a record names it" "$badge not in her locker" "$(last badge-suspend BADGE) $(last badge-suspend DETAIL)"
refused badge-suspend-twice 4 "is suspended already" wardtap badge suspend "$badge" --reason x
sign_in badge-out --service lightdm
await badge-out.out "Tap your badge"
badge_in one 04A1B2C3
is "a suspended badge lets nobody in" "waits on" "$(turned_away badge-out)"
badge_out one
expect "in words" "This badge is suspended. Ask the help desk." badge-out.out
is "the record says why" badge-suspended "$(last denied REASON)"
run badge-resume 0 wardtap badge resume "$badge" --reason "found" --json
is "JSON of the badge" null "$(jq -r .suspended badge-resume.out)"

run key-suspend 0 wardtap key suspend "$key" --reason "left at home"
refused key-suspend-twice 4 "is suspended already" wardtap key suspend "$key" --reason x
key_in anna
touches() { grep -c getAssertion /run/world/key-anna.log || true; }
before=$(wc -l </run/world/key-anna.log)
sign_in key-suspended --service lightdm
await key-suspended.out "Tap your badge"
badge_in one 04A1B2C3
is "a suspended key lets nobody in" "waits on" "$(turned_away key-suspended)"
badge_out one
expect "in words" "Your key is suspended. Ask the help desk." key-suspended.out
is "and is asked for nothing" "$before" "$(wc -l </run/world/key-anna.log)"
is "the record says why" key-suspended "$(last denied REASON)"
run key-explain 0 wardtap policy explain --user anna --service lightdm --evidence badge --json
is "and the rules say so too" key-suspended "$(jq -r .reason key-explain.out)"
run key-resume 0 wardtap key resume "$key" --reason "fetched it"
sign_in let-in --service lightdm --answer Kolibri-2468
await let-in.out "Tap your badge"
badge_in one 04A1B2C3
expect_in() { wait "${unit_pid[let-in]}" && ok "$1" || { bad "$1"; cat let-in.out; tail -n 5 /run/world/*.err; }; }
expect_in "it lets her in again"
badge_out one
key_out anna

echo "== replace"
refused replace-none 3 "holds no badge that could be replaced" wardtap badge replace ben --reason lost
refused replace-other 3 "holds no badge NOTHERE" wardtap badge replace anna NOTHERE --reason lost
begin replace-cancelled 'Hold your badge=^C' -- wardtap badge replace anna --reason lost
ended replace-cancelled 7
is "Ctrl-C changes nothing" "$badge" "$(token_of badge anna)"
begin replace-same -- wardtap badge replace anna --reason lost
await replace-same.out "Hold your badge"
badge_in one 04A1B2C3
await replace-same.out "wardtap:"
badge_out one
ended replace-same 4
begin replace -- wardtap badge replace anna --reason "lost on the bus"
tap_twice replace 04A1B2C4
ended replace 0
new=$(token_of badge anna)
is "one badge is in use" 1 "$(wardtap badge list anna --json | grep -c token)"
is "the old one has ended, and says why" "lost on the bus" \
        "$(wardtap badge list anna --all --json | jq -r ".[] | select(.token == \"$badge\") | .end_reason")"
is "one record for both" "$new in place of $badge: lost on the bus" "$(last badge-replace BADGE) $(last badge-replace DETAIL)"
begin second -- wardtap badge enrol anna
tap_twice second 04A1B2C5
ended second 0
refused replace-several 4 "holds 2 badges. Say which" wardtap badge replace anna --reason lost
run second-end 0 wardtap badge end "$(wardtap badge list anna --json | jq -r '.[1].token')" --reason "one is enough"

refused key-replace-missing 3 "holds no key" wardtap key replace anna 0011223344556677 --reason broken
key_in anna2
begin key-replace "PIN=Amsel-1357" "PIN=Amsel-1357" -- wardtap key replace anna "$key" --reason "fell into the sink"
ended key-replace 0
key_out anna2
is "one key is in use, another one" 1 "$(wardtap key list anna --json | grep -c '"token"')"
[ "$(token_of key anna)" != "$key" ] && ok "it is the new one" || bad "it is the new one"
is "one record for both" "in place of $key: fell into the sink" "$(last key-replace DETAIL)"
is "no end of its own beside it" 0 "$(events key-end)"

echo "== an agency account"
mount -t tmpfs -o mode=0755 tmpfs /home # this one is private
mkdir -p /home/agency1/deep/er /etc/skel
echo outside >outside
ln -s /run/world/outside /home/agency1/link
echo secret >/home/agency1/deep/er/notes
echo "# new" >/etc/skel/.profile
echo 'agency1:x:2020:2000:Agency 1,,,:/home/agency1:/bin/sh' >>/etc/passwd
chown -R 2020:2000 /home/agency1
run agency-add 0 wardtap person add agency1 --agency --json
is "JSON says its kind" agency "$(jq -r .kind agency-add.out)"
hour=$(date -d '+2 hours' '+%Y-%m-%d %H:%M')
lend() { wardtap lease "$1" --to "$2" --until "$3" --identified "passport, seen by Jo Vance" "${@:4}"; }
refused lease-permanent 4 "own account" lend anna "Jane Doe" "$hour"
refused lease-past 2 "later than now" lend agency1 "Jane Doe" "2020-01-01"
refused lease-long 2 "7 days at most" lend agency1 "Jane Doe" "$(date -d '+8 days' +%F)"
refused lease-control 2 "--to must have" lend agency1 $'Jane\nDoe' "$hour"
refused lease-end-none 4 "Nobody has 'agency1' now" wardtap lease end agency1 --reason x
refused wipe-permanent 4 "is no agency account" wardtap lease wipe anna
refused wipe-never 4 "was never lent" wardtap lease wipe agency1
run agency-unlent 0 wardtap policy explain --user agency1 --service lightdm --json
is "nobody gets in by it" not-leased "$(jq -r .reason agency-unlent.out)"
run lease 0 lend agency1 "Jane Doe" "$hour"
expect "says who has it" "Jane Doe has 'agency1' until" lease.out
is "a record names holder, account and how" "Jane Doe agency1 agency1 passport, seen by Jo Vance" \
        "$(last lease HOLDER) $(last lease ACCOUNT) $(last lease USER) $(last lease IDENTIFIED)"
is "and until when" "$(date -d "$hour" +%s)000000" "$(last lease UNTIL_USEC)"
jane=$(last lease PERSON)
[ "$jane" != "$(wardtap person show agency1 --json | jq -r .person)" ] && ok "the holder is another person than the account" || bad "the holder is another person than the account"
refused lease-twice 4 "Jane Doe has 'agency1' until" lend agency1 "John Roe" "$hour"
refused wipe-lent 4 "is not wiped before" wardtap lease wipe agency1
is "her files are untouched" secret "$(cat /home/agency1/deep/er/notes)"
run lease-list 0 wardtap lease list --json
is "the list says so too" "agency1 Jane Doe" "$(jq -r '.[0] | .account + " " + .holder' lease-list.out)"
begin agency-badge -- wardtap badge enrol agency1
tap_twice agency-badge 04C1C2C3
ended agency-badge 0
sed -i 's/SignIn=badge+key+verify/SignIn=badge/' /etc/wardtap/wardtap.conf
sed -i 's/^nurses:.*/nurses:x:2000:anna,ben,agency1/' /etc/group
wardtap policy apply --reason "badges do" >apply.out 2>&1 || cat apply.out
sign_in jane --service lightdm
await jane.out "Tap your badge"
badge_in one 04C1C2C3
verdict jane >/dev/null
badge_out one
is "her sign-in is a record about her" "$jane Jane Doe agency1 agency1" \
        "$(last sign-in PERSON) $(last sign-in HOLDER) $(last sign-in ACCOUNT) $(last sign-in USER)"
setpriv --reuid 2020 --regid 2000 --clear-groups sleep 1000 &
lease_sleep=$!
run lease-end 0 wardtap lease end agency1 --reason "shift is over"
is "a record" "shift is over" "$(last lease-end DETAIL)"
expect "systemd is not here, and that is said" "nobody gets the account before" lease-end.out
refused lease-unwiped 4 "was not wiped yet" lend agency1 "John Roe" "$hour"
sign_in jane-again --service lightdm
await jane-again.out "Tap your badge"
badge_in one 04C1C2C3
is "her badge lets nobody in any more" "waits on" "$(turned_away jane-again)"
badge_out one
expect "in words" "lent to nobody now" jane-again.out

mkdir -p /home/agency1/mounted
mount -t tmpfs tmpfs /home/agency1/mounted
echo kept >/home/agency1/mounted/file
run wipe-mounted 1 wardtap lease wipe agency1
expect "what is mounted in there stops it" "not all of it can be removed" wipe-mounted.out
is "what is on it is untouched" kept "$(cat /home/agency1/mounted/file)"
is "a record of the failure" 4 "$(last home-wipe OUTCOME)"
refused lease-still-unwiped 4 "was not wiped yet" lend agency1 "John Roe" "$hour"
umount /home/agency1/mounted
run wipe 0 wardtap lease wipe agency1
is "a record of it" "0 Jane Doe" "$(last home-wipe OUTCOME) $(last home-wipe HOLDER)"
is "the home is as new" "$(ls -A /etc/skel)" "$(ls -A /home/agency1)"
is "and the account's" "2020 700" "$(stat -c '%u %a' /home/agency1)"
is "what a link pointed to is untouched" outside "$(cat outside)"
wait $lease_sleep 2>/dev/null || true
kill -0 $lease_sleep 2>/dev/null && bad "her processes have ended" || ok "her processes have ended"
refused wipe-twice 4 "is wiped already" wardtap lease wipe agency1

run lease-short 0 lend agency1 "John Roe" "$(date -d '+3 seconds' '+%Y-%m-%d %H:%M:%S')"
end=$((SECONDS + 30))
until [ $SECONDS -ge $end ] || [ "$(date +%s)" -ge "$(jq -r '.[0].until' < <(wardtap lease list --json) | xargs -I{} date -d {} +%s)" ]; do read -rt 0.2 <> <(:) || true; done
run over 0 wardtap policy explain --user agency1 --service lightdm --json
is "its hour ends it, whoever sweeps" not-leased "$(jq -r .reason over.out)"
run sweep 0 wardtap lease sweep --json
is "the sweep ends it" "John Roe" "$(tail -n 1 sweep.out | jq -r '.[0].holder')"
is "by the station itself" "node its hour is over" "$(last lease-end REQUESTOR) $(last lease-end DETAIL)"
run sweep-again 0 wardtap lease sweep
is "once" 2 "$(events lease-end)"
run wipe-2 0 wardtap lease wipe agency1
run lease-list-all 0 wardtap lease list --all --json
is "who had it is kept" "Jane Doe,John Roe" "$(jq -r '[.[].holder] | join(",")' lease-list-all.out)"

echo "== import and export"
cat >bad.csv <<'F'
user,full_name,not_before,not_after,kind,badge_numbers
dora,"Dora Lind",,2030-01-01,,04D1D2D3
ben,Ben Okoro,,,,
eva,"Eva ""E"" Stone",,,agency,04e1e2e3 04e1e2e4
fay,Fay,soon,,,
gus,Gus,,,,04D1D2D3
hal,Hal,,,,08112233
ida,Ida,,,,04A1B2C4
jon,Jon
kim,,,,,
dora,Dora Again,,,,
lea,"Lea" x,,,,
F
refused import-bad 1 "Nothing was imported" wardtap import bad.csv
for mistake in "bad.csv:3: ben is enrolled here already." "bad.csv:5: 'soon' is no time for not_before" \
        "bad.csv:6: A badge of gus is also that of dora in line 2" "bad.csv:7: A number of 4 bytes that begins with 08" \
        "bad.csv:8: A badge of ida belongs to Anna Berg (anna) here" "bad.csv:9: This line has 2 fields, and the first one has 6" \
        "bad.csv:10: The full name of kim is missing" "bad.csv:11: dora stands in line 2 too" \
        "bad.csv:12: Something follows a quoted field"; do
        expect "names $mistake" "$mistake" import-bad.out
done
for number in 04D1D2D3 04A1B2C4 08112233; do expect_not "no number is repeated" "$number" import-bad.out; done
is "and no record says it happened" 0 "$(events import)"
printf 'user,full_name\nzed,"Z\001ed"\n' >control.csv
refused import-control 1 "-:2: The full name of zed" wardtap import - <control.csv
expect "which says what is wrong" "not fit for a screen" import-control.out
printf 'user,full_name,pin\n' >title.csv
refused import-title 1 "'pin' is no title" wardtap import title.csv
refused import-missing 3 "cannot be read" wardtap import none.csv
refused import-format 2 "csv or json" wardtap import bad.csv --format xml
refused import-user 5 "sudo" setpriv --reuid 2001 --regid 2000 --clear-groups wardtap import bad.csv
{
        echo 'user,full_name,badge_numbers'
        for i in $(seq 100); do echo "x y$i,Name,"; done
} >many.csv
refused import-many 1 "of which the last 50 are not shown" wardtap import many.csv
is "fifty are named" 50 "$(grep -c '^many.csv:' import-many.out)"

printf '\xef\xbb\xbfuser,full_name,not_before,not_after,kind,state,badge_numbers\r\ndora,"Lind, Dora",2026-01-01,2030-01-01,,suspended,04D1D2D3 04D1D2D4\r\neva,"Eva ""E"" Stone",,,agency,,04e1e2e3a4b5c6' >good.csv
refused import-check 0 "No mistakes: 2 people and 3 badges" wardtap import good.csv --check
run import 0 wardtap import good.csv
is "both are there" "Lind, Dora suspended agency" \
        "$(wardtap person show dora --json | jq -r '.full_name + " " + .state') $(wardtap person show eva --json | jq -r .kind)"
is "one record for all, with the file's hash" "1 2 people, 3 badges, SHA-256 $(sha256sum <good.csv | cut -d' ' -f1)" "$(events import) $(last import DETAIL)"
is "and none for each" 0 "$(records | jq -r 'select(.WARDTAP_EVENT == "person-add" and .WARDTAP_USER == "dora") | 1' | wc -l)"
refused import-again 1 "dora is enrolled here already" wardtap import good.csv
sign_in imported --service lightdm
await imported.out "Tap your badge"
badge_in one 04D1D2D4
is "an imported badge is known" "waits on" "$(turned_away imported)"
badge_out one
expect "as hers" "Your access is suspended" imported.out
cat >people.json <<'F'
[
 {"user": "fay", "full_name": "Fay Grün", "badge_numbers": ["04F1F2F3"], "not_after": "2031-05-01T12:00:00+02:00"},
 {"user": "gus", "full_name": "Gus"}
]
F
run import-json 0 wardtap import people.json --json
is "JSON in, JSON out" "true 2 1" "$(jq -r '[.imported, .people, .badges] | join(" ")' import-json.out)"
printf '[{"user":"hal","full_name":"Hal"},\n{"user":"ida","full_name":"Ida","badge":"04"}]' >typo.json
refused import-json-typo 1 "typo.json:2: 'badge' is nothing that a person has" wardtap import typo.json
printf '[{"user":"hal","full_name":"Hal"},\n{"user":"ida"' >cut.json
refused import-json-cut 1 "the file ends too early" wardtap import cut.json

run export 0 wardtap export
cp export.out all.csv
run export-json 0 wardtap export --format json
cp export-json.out all.json
is "everybody is in it" "agency1 anna ben dora eva fay gus" "$(jq -r '.[].user' all.json | sort | tr '\n' ' ' | sed 's/ $//')"
is "with the tokens of badges" "$(token_of badge anna)" "$(jq -r '.[] | select(.user == "anna") | .badge_tokens[0]' all.json)"
for number in 04D1D2D3 04d1d2d3 04e1e2e3 04A1B2C4; do expect_not "no number is in it" "$number" all.csv; done
is "each is a record" 2 "$(events export)"
run export-json-option 0 wardtap export --json
is "--json is --format json" "$(cat all.json)" "$(cat export-json-option.out)"
refused export-both 2 "cannot be had together" wardtap export --json --format csv
mv /var/lib/wardtap/people/people.db people.before
run export-check-csv 0 wardtap import all.csv --check
run export-check-json 0 wardtap import all.json --check
run export-import 0 wardtap import all.csv
run export-round 0 wardtap export --format json
is "what was written out comes in again" "$(jq -c '[.[] | {user, full_name, kind, state, not_before, not_after}] | sort_by(.user)' all.json)" \
        "$(jq -c '[.[] | {user, full_name, kind, state, not_before, not_after}] | sort_by(.user)' export-round.out)"
cp -a people.before /var/lib/wardtap/people/people.db

echo "== the end"
run offboard 0 wardtap person offboard anna --reason "has left"
is "she has ended" ended "$(state_of anna)"
is "her badge and her key too" "[] []" "$(wardtap badge list anna --json) $(wardtap key list anna --json)"
is "a record" "has left" "$(last person-offboard DETAIL)"
refused offboard-twice 4 "was offboarded already" wardtap person offboard anna --reason "has left"
refused suspend-ended 4 "was offboarded already" wardtap person suspend anna --reason x
refused expire-ended 4 "was offboarded already" wardtap person expire anna --not-after never
run add-again 0 wardtap person add anna
is "who comes back is another row" 2 "$(wardtap person list --json | grep -c '"user":"anna"')"

echo "== what cannot be recorded does not happen"
stop_unit wardtapd
refused not-running 6 "systemctl start wardtapd" wardtap person suspend ben --reason x
refused import-not-running 6 "systemctl start wardtapd" wardtap import people.json
start_wardtapd
records >all.records
for secret in 04A1B2C3 04a1b2c3 04D1D2D3 04d1d2d3 04e1e2e3 Kolibri Amsel; do expect_not "no record holds $secret" "$secret" all.records; done
python3 "$T/integration/check-chain" >chain.out 2>&1 && ok "the chain of records is whole" || { bad "the chain"; cat chain.out; }

echo "== a store from a newer version"
python3 - <<'P'
import sqlite3
db = sqlite3.connect("/var/lib/wardtap/people/people.db")
db.execute("PRAGMA user_version = 1000")
P
for command in "person suspend ben --reason x" "person offboard ben --reason x" "badge suspend $new --reason x" "lease list" "import people.json" export; do
        before=$(sha256sum </var/lib/wardtap/people/people.db)
        # shellcheck disable=SC2086
        run newer 1 wardtap $command
        expect "$command: in words" "was written by a newer Wardtap" newer.out
        is "$command: nothing is changed" "$before" "$(sha256sum </var/lib/wardtap/people/people.db)"
done
finish
