# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# wardtap-authd in a whole station: what lets in and what does not, what happens when something goes away, and what a
# user of the station, a lying device service or a killed process gains (nothing). Runs in `world`.

uid_anna=2001

# tap_in NAME WHO NUMBER OPTIONS: a sign-in at the greeter with that badge; the badge stays on the reader.
tap_in() {
        local name=$1 who=$2 number=$3
        shift 3
        sign_in "$name" --service lightdm "$@"
        await "$name.out" "Tap your badge" || return 1
        badge_in "$who" "$number"
}
# result NAME: the verdict of a sign-in that was started, once it has one.
result() { await "$1.out" result: 30 && sed -n 's/ in .*//; s/^result: //p' "$1.out"; }
took_ms() { await "$1.out" result: 30 && sed -n 's/^result: .* in //; s/\..*//p' "$1.out"; }
# last_record FIELD: of the newest record.
last_record() {
        records -n 1 | python3 -c 'import json, sys; print(json.loads(sys.stdin.read() or "{}").get(sys.argv[1], ""))' "$1"
}
# recorded NAME WANTED FIELD: waits until the newest record in the journal says so.
recorded() {
        local end=$((SECONDS + 5))
        until [ "$(last_record "WARDTAP_$3")" = "$2" ]; do
                [ $SECONDS -lt $end ] || break
        done
        is "$1" "$2" "$(last_record "WARDTAP_$3")"
}
attempts() { pgrep -P "$(main_pid authd)" || true; }
# until_gone PID...: until the processes have ended, at most 3 s.
until_gone() {
        local pid end=$((SECONDS + 3))
        for pid in "$@"; do
                while [ -e "/proc/$pid" ] && ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null; do
                        [ $SECONDS -lt $end ] || return 1
                done
        done
}
sql() { python3 -c 'import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone()[0])' "$@"; }

echo "== a station with two people"
start_station
enrol anna 04a1b2c3 123456 && enrol ben 04b1b2c3 654321 || {
        cat enrol-*.out
        bad "enrolment"
        finish
}

echo "== what lets in"
if python3 -c 'import ctypes, sys; b = ctypes.create_string_buffer(256); sys.exit(ctypes.CDLL(None).adjtimex(b) != 5)'; then
        records >early.json
        expect "a clock that nothing keeps in step is an alert" clock-not-synchronised early.json
fi
key_in anna
tap_in full anna 04a1b2c3 --answer 123456
is "badge, key and PIN" "PAM_SUCCESS user=anna" "$(result full)"
expect "what is wanted of whom" "Anna Berg, enter the PIN of your key to sign in" full.out
recorded "recorded" sign-in EVENT
recorded "the badge is no factor" key+verify FACTORS
is "with its code" 6 "$(last_record WARDTAP_CODE | tr -d '\n' | wc -c)"
badge_out anna

sign_in step --service sudo --user anna --answer 123456
is "sudo by the key" "PAM_SUCCESS user=anna" "$(result step)"
expect "the prompt names the service" "to approve sudo as Anna Berg" step.out

sign_in own --service sudo --user anna --answer 123456 --uid $uid_anna
is "a user for herself" "PAM_SUCCESS user=anna" "$(result own)"

echo "== grace"
mkfifo stay
"$B/tests/integration/pam_client" --service lightdm --session --answer 123456 <stay >stay.out 2>&1 &
unit_pid[stay]=$!
tail -f /dev/null >stay &
stay=$!
await stay.out "Tap your badge"
badge_in anna 04a1b2c3
await stay.out "session open: PAM_SUCCESS"
recorded "the session is recorded" session-open EVENT
expect "its environment names the attempt of that record" "attempt=$(last_record WARDTAP_ATTEMPT)" stay.out
badge_out anna
tap_in again anna 04a1b2c3 --resume
is "the badge alone resumes" "PAM_SUCCESS user=anna" "$(result again)"
recorded "recorded as that" resume EVENT
recorded "nothing was proven" none FACTORS
echo "tap to verdict under grace: $(last_record WARDTAP_TAP_TO_VERDICT_USEC) usec"
badge_out anna
echo "== grace resumes, and starts nothing"
tap_in start anna 04a1b2c3 --session
await start.out "session open:"
expect "no session is opened by a badge's number" "session open: PAM_SESSION_ERR" start.out
recorded "somebody is told" session-under-grace REASON
badge_out anna
tap_in once anna 04a1b2c3
is "and then the badge alone does not do any more" "PAM_AUTH_ERR user=" "$(result once)"
badge_out anna
kill $stay
await stay.out "session closed"
recorded "the end of the session is recorded" session-close EVENT
tap_in after anna 04a1b2c3
is "with the session its grace is gone" "PAM_AUTH_ERR user=" "$(result after)"
badge_out anna

echo "== what does not"
tap_in stranger zoe 04ffffff
is "an unknown badge" "waits on" "$(turned_away stranger)"
expect "with a code" "Code " stranger.out
recorded "recorded" unknown-badge EVENT
badge_out zoe

tap_in wrong anna 04a1b2c3 --answer 000000
is "a wrong PIN" "waits on" "$(turned_away wrong)"
expect "says how many are left" "PIN wrong. 7 tries left. Code " wrong.out
recorded "recorded" pin-wrong REASON
badge_out anna
tap_in short anna 04a1b2c3 --answer 123
is "a PIN that is none" "waits on" "$(turned_away short)"
recorded "never reached the key" pin-format REASON
badge_out anna

sign_in other --service sudo --user ben --uid $uid_anna --answer 654321
is "a user for somebody else" "PAM_AUTH_ERR user=ben" "$(result other)"
recorded "recorded" not-own REASON
expect "and told nothing" "This did not work." other.out

tap_in swap ben 04b1b2c3 --user anna
is "another's badge for a named user" "PAM_AUTH_ERR user=anna" "$(result swap)"
recorded "recorded" badge-of-another REASON
badge_out ben

tap_in nokey ben 04b1b2c3 --answer 123456
is "another's key" "waits on" "$(turned_away nokey)"
recorded "recorded" key-not-yours REASON
badge_out ben

counted=$(sql /var/lib/wardtap/state/state.db "select sum(failures) from history")
tap_in guess ben 04b1b2c3 --answer 000000
is "a PIN typed for ben with anna's key" "waits on" "$(turned_away guess)"
recorded "never reaches her key" key-not-yours REASON
is "and is nobody's failure" "$counted" "$(sql /var/lib/wardtap/state/state.db "select sum(failures) from history")"
badge_out ben
tap_in tries anna 04a1b2c3 --answer 999999
is "a wrong PIN of her own" "waits on" "$(turned_away tries)"
expect "which has all the tries it had" "PIN wrong. 6 tries left. Code " tries.out
badge_out anna

echo "== what is answered at once, and starts no attempt"
for case in "--user carl" "--user nobody-at-all" "--rhost far.example.org" "--user anna --rhost far.example.org"; do
        # shellcheck disable=SC2086
        sign_in quick --service lightdm $case
        is "UNAVAIL for $case" PAM_AUTHINFO_UNAVAIL "$(result quick | cut -d' ' -f1)"
        [ "$(took_ms quick)" -lt 2000 ] && ok "in $(took_ms quick) ms" || bad "took $(took_ms quick) ms"
done
mv /var/lib/wardtap/rules/current /var/lib/wardtap/rules/away
sign_in norules --service lightdm
is "without rules" PAM_AUTHINFO_UNAVAIL "$(result norules | cut -d' ' -f1)"
mv /var/lib/wardtap/rules/away /var/lib/wardtap/rules/current

echo "== the site's own way"
cp /etc/pam.d/lightdm lightdm.strict
sed -i '1s/required/sufficient/; 1aauth required pam_permit.so' /etc/pam.d/lightdm
fall_back() { # NAME: carl, who is not enrolled, is let in by what comes after Wardtap
        sign_in "$1" --service lightdm --user carl --session </dev/null
        await "$1.out" "session open:" && sed -n 's/^session open: \([A-Z_]*\).*/\1/p' "$1.out"
        wait "${unit_pid[$1]}" || true
}
is "lets in whom it lets in" PAM_SUCCESS "$(fall_back record)"
recorded "and that is a record" fallback EVENT
is "of who it was" carl "$(last_record WARDTAP_USER)"
sign_in gets-back --service lightdm --user carl --resume
is "who gets an open session back by it" "PAM_SUCCESS user=carl" "$(result gets-back)"
recorded "is a record as well" resumed REASON
sed -i 's/^\[Station\]/&\nFallback=deny/' /etc/wardtap/wardtap.conf
wardtap policy apply --reason "badges alone" >>apply.out 2>&1 || bad "rules without fallback"
is "Fallback=deny: no session" PAM_SESSION_ERR "$(fall_back deny)"
recorded "recorded" fallback EVENT
is "as a failure" 4 "$(last_record WARDTAP_OUTCOME)"
mkfifo four.in
"$B/tests/integration/crowd" 2003 4 0 <four.in >four.out 2>&1 &
tail -f /dev/null >four.in &
crowd=$!
await four.out "still held"
before_seq=$(last_record WARDTAP_SEQ)
(echo 2003 >/proc/self/loginuid && exec "$B/tests/integration/pam_client" --service lightdm --user carl --session) </dev/null >four-held.out 2>&1 || true
is "nor for somebody who holds all places that are hers" PAM_SESSION_ERR "$(sed -n 's/^session open: \([A-Z_]*\).*/\1/p' four-held.out)"
recorded "and that is a record, too" $((before_seq + 1)) SEQ
is "of that" fallback "$(last_record WARDTAP_EVENT)"
kill $crowd
stop_unit authd
is "nor while wardtap-authd is down" PAM_SESSION_ERR "$(fall_back deny-authd)"
start_authd
stop_unit wardtapd
is "nor while wardtapd is down" PAM_SESSION_ERR "$(fall_back deny-down)"
sed -i '/^Fallback=/d' /etc/wardtap/wardtap.conf
wardtap policy apply --reason "passwords again" >>apply.out 2>&1 || true # nobody records it: wardtapd is down
is "where they may be, people work without wardtapd" PAM_SUCCESS "$(fall_back down)"
start_wardtapd
cp lightdm.strict /etc/pam.d/lightdm

echo "== what goes away"
key_out anna
key_in anna --touch never
tap_in leaver anna 04a1b2c3 --answer 123456
await leaver.out "touch your key to sign in"
before=$(attempts)
[ -n "$before" ] || bad "an attempt is running"
kill -KILL "${unit_pid[leaver]}"
wait "${unit_pid[leaver]}" 2>/dev/null || true
# shellcheck disable=SC2086
timeout 1 bash -c "$(declare -f until_gone); until_gone $before" && ok "a hang-up ends the attempt within 1 s" || bad "the attempt goes on"
recorded "as cancelled" cancelled EVENT
badge_out anna
key_out anna
key_in anna
sign_in next --service lightdm --answer 123456
is "and leaves the key, and the tap, for the next" "PAM_SUCCESS user=anna" "$(result next)"

sign_in pulled --service lightdm --answer 123456
await pulled.out "Tap your badge"
restart_unit wardtapd
badge_in anna 04a1b2c3
is "wardtapd restarts while somebody waits" "PAM_SUCCESS user=anna" "$(result pulled)"
badge_out anna

sign_in ruled --service lightdm --answer 123456
await ruled.out "Tap your badge"
sed -i '/^Name=/d' /etc/wardtap/wardtap.conf
wardtap policy apply --reason "the station is called as its host is" >>apply.out 2>&1 || bad "new rules"
badge_in anna 04a1b2c3
is "new rules while somebody waits" "PAM_SUCCESS user=anna" "$(result ruled)"
badge_out anna

sign_in victim --service lightdm --answer 123456
await victim.out "Tap your badge"
kill -KILL "$(attempts | tail -n 1)"
badge_in anna 04a1b2c3
is "an attempt killed while it waits is followed by the next" "PAM_SUCCESS user=anna" "$(result victim)"
badge_out anna
key_out anna
key_in anna --touch signal
tap_in victim anna 04a1b2c3 --answer 123456 --answer 123456
await key-anna.out touch-wanted
: >key-anna.out
kill -KILL "$(attempts | tail -n 1)"
await victim.out "Sign-in was interrupted and begins again."
await key-anna.out touch-wanted
expect_not "killed at the touch it lets nobody in" result: victim.out
kill -USR1 "${unit_pid[key-anna]}"
is "and begins again with the same tap" "PAM_SUCCESS user=anna" "$(result victim)"
badge_out anna
key_out anna
key_in anna
sign_in victim --service lightdm --user anna
await victim.out "Tap your badge"
kill -KILL "$(attempts | tail -n 1)"
is "where somebody is named it ends" PAM_AUTHINFO_UNAVAIL "$(result victim | cut -d' ' -f1)"

echo "== one person's refusal, and the next"
sign_in patient --service lightdm --answer 000000 --answer 123456
await patient.out "Tap your badge"
badge_in zoe 04ffffff
await patient.out "screen (error): This badge is not known here."
badge_out zoe
badge_in anna 04a1b2c3
await patient.out "screen (error): PIN wrong."
badge_out anna
badge_in anna 04a1b2c3
is "an unknown badge, a wrong PIN, and the next tap is heard in the same call" "PAM_SUCCESS user=anna" "$(result patient)"
is "each is an attempt of its own" 3 "$(records | tail -n 3 | grep -o '"WARDTAP_ATTEMPT":"[^"]*"' | sort -u | wc -l)"
badge_out anna

sign_in locked --service lightdm --answer 123456
await locked.out "Tap your badge"
python3 - <<'P' >lock.out &
import sqlite3, sys, time
db = sqlite3.connect("/var/lib/wardtap/state/state.db", isolation_level=None)
db.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
time.sleep(30)
P
locker=$!
await lock.out locked
badge_in anna 04a1b2c3
is "state.db held by another writer" "waits on" "$(turned_away locked)"
recorded "recorded" store REASON
badge_out anna
kill $locker
wait $locker 2>/dev/null || true

echo "== a user who wants everything"
before=$(main_pid authd)
mkfifo crowd.in
"$B/tests/integration/crowd" $uid_anna 64 400 <crowd.in >crowd.out 2>&1 &
tail -f /dev/null >crowd.in &
crowd=$!
tap_in root anna 04a1b2c3 --answer 123456
is "64 held and 400 fast connections: root signs in" "PAM_SUCCESS user=anna" "$(result root)"
badge_out anna
await crowd.out "still held"
kill $crowd
cat crowd.out
mkfifo crowd2.in
"$B/tests/integration/crowd" --start $uid_anna 64 400 <crowd2.in >crowd2.out 2>&1 &
tail -f /dev/null >crowd2.in &
crowd=$!
await crowd2.out "still held"
tap_in root2 anna 04a1b2c3 --answer 123456
is "the same with attempts: root signs in" "PAM_SUCCESS user=anna" "$(result root2)"
badge_out anna
cat crowd2.out
kill $crowd
sign_in background --service lightdm --user anna --uid $uid_anna
is "a user's own program gets no tap" PAM_AUTHINFO_UNAVAIL "$(result background | cut -d' ' -f1)"
# A hundred su, of which each is root to the kernel: they count as the user who began the login.
(echo $uid_anna >/proc/self/loginuid && exec "$B/tests/integration/crowd" 0 64 400 <crowd2.in) >crowd3.out 2>&1 &
tail -f /dev/null >crowd2.in &
crowd=$!
await crowd3.out "still held"
cat crowd3.out
held=$(sed -n 's/.*still held: //p' crowd3.out)
[ "$held" -le 12 ] && ok "sudo in somebody's login is somebody's, and borrows a few places until it says what it is ($held)" || bad "a user's sudo holds $held places"
kill $crowd
before_records=$(records | wc -l)
for _ in {1..40}; do
        sign_in flood --service sudo --user ben --uid $uid_anna
        await flood.out result: 8
done
[ $(($(records | wc -l) - before_records)) -le 20 ] && ok "a flood of attempts is not a flood of records" || bad "$(($(records | wc -l) - before_records)) records of one user"
is "the listener is the same" "$before" "$(main_pid authd)"

echo "== one attempt against another"
sign_in watched --service lightdm
await watched.out "Tap your badge"
for pid in $(attempts | tail -n 1) $(main_pid authd); do
        "$B/tests/integration/peek" 901 901 "$pid" >peek.out || true
        is "its memory" "memory: Permission denied" "$(sed -n 1p peek.out)"
        is "its descriptors" "descriptors: Permission denied" "$(sed -n 2p peek.out)"
        is "tracing it" "trace: Operation not permitted" "$(sed -n 3p peek.out)"
        is "reading it directly" "reading: Operation not permitted" "$(sed -n 4p peek.out)"
done
is "its filter" 2 "$(sed -n 's/^Seccomp:\t//p' "/proc/$(attempts | tail -n 1)/status")"
kill "${unit_pid[watched]}"
wait "${unit_pid[watched]}" 2>/dev/null || true

echo "== a device service that lies"
real=/run/world/real.sock
mv /run/wardtap/device.sock $real
# lie MODE [ID]: puts a liar in its place.
lie() {
        : >liar.out
        "$B/tests/integration/fake_device" "$1" $real "${@:2}" >liar.out 2>>liar.err &
        liar=$!
        await liar.out listening
        restart_unit wardtapd # its watch goes through the liar as well
        recorded "wardtapd has its reader again ($1)" reader-attach EVENT
}
truth() {
        kill $liar
        wait $liar 2>/dev/null || true
}
credential() { sql /var/lib/wardtap/people/people.db "select hex(credential_id) from key k join person p on p.id = k.person where p.user = '$1'"; }

for mode in gone garbage huge; do
        lie $mode
        tap_in "lie-$mode" anna 04a1b2c3 --answer 123456
        is "$mode" "waits on" "$(turned_away "lie-$mode")"
        [ "$(last_record WARDTAP_OUTCOME)" = 4 ] && ok "$mode is recorded as $(last_record WARDTAP_REASON)" || bad "$mode: $(last_record WARDTAP_EVENT)"
        badge_out anna
        truth
done
lie silent
tap_in quiet anna 04a1b2c3 --answer 123456
await quiet.out "screen (error)" 60
is "nothing at all: ends by its own deadline" "waits on" "$(turned_away quiet)"
badge_out anna
truth
lie true
tap_in honest anna 04a1b2c3 --answer 123456
is "an honest go-between" "PAM_SUCCESS user=anna" "$(result honest)"
badge_out anna
truth
lie replay
tap_in replay anna 04a1b2c3 --answer 123456
is "an assertion of before" "waits on" "$(turned_away replay)"
recorded "is forged" key-forged REASON
badge_out anna
truth
key_out anna
key_in ben
for mode in other relabel; do
        lie $mode "$(credential ben)"
        tap_in "$mode" anna 04a1b2c3 --answer 654321
        is "ben's valid assertion for anna ($mode)" "waits on" "$(turned_away $mode)"
        recorded "is forged" key-forged REASON
        badge_out anna
        truth
done
mv $real /run/wardtap/device.sock
key_out ben

echo "== no reader"
sign_in waiting --service lightdm
await waiting.out "Tap your badge"
stop_pcscd
is "the last reader goes while somebody waits" PAM_AUTHINFO_UNAVAIL "$(result waiting | cut -d' ' -f1)"
sign_in noreader --service lightdm
is "no reader at all" PAM_AUTHINFO_UNAVAIL "$(result noreader | cut -d' ' -f1)"

echo "== no wardtapd"
stop_unit wardtapd
sign_in alone --service lightdm
is "without wardtapd" PAM_AUTHINFO_UNAVAIL "$(result alone | cut -d' ' -f1)"

grep -E "ERROR: AddressSanitizer|runtime error|ended by signal [^9]" authd.err && bad "the daemon's own words" || ok "no complaint of the sanitizers"
finish
