# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# What somebody's key approves at the station, through the true daemons with a virtual badge and keys: a role for a
# while, a temporary badge, what was reported lost and found, and a recovery by two; and each refusal is one sentence
# that changes nothing. Runs in `world`.

say=$B/tests/integration/pty_say
people() {
        printf 'leads:x:2012:dora,edda,fritz\n' >>/etc/group
        printf '%s\n' 'dora:x:2004:2012:Dora Lind,,,:/nonexistent:/bin/sh' 'edda:x:2005:2012:Edda Moll,,,:/nonexistent:/bin/sh' \
                'fritz:x:2006:2012:Fritz Noll,,,:/nonexistent:/bin/sh' >>/etc/passwd
        sed -i 's/^SessionCap=14h$/SessionCap=14h\nElevateMax=4h/' /etc/wardtap/wardtap.conf
        cat >>/etc/wardtap/wardtap.conf <<-'R'
		[Role lead]
		Groups=leads
		SignIn=badge+key+verify
		Approves=elevate temporary-badge recover
		[Role night-lead]
		Groups=nobody-at-all
		SignIn=badge+key+verify
		ElevateMax=2h
		R
}

# run NAME WANTED-EXIT COMMAND...
run() {
        local name=$1 wanted=$2 got=0
        shift 2
        "$@" >"$name.out" 2>&1 || got=$?
        is "$name: exit code $wanted" "$wanted" "$got"
        [ "$wanted" = "$got" ] || sed 's/^/  | /' "$name.out"
}
# with_key NAME WANTED-EXIT KEY PIN COMMAND...: with that key plugged in, and its owner at the keyboard.
with_key() {
        local name=$1 wanted=$2 key=$3 pin=$4
        shift 4
        key_in "$key"
        run "$name" "$wanted" "$say" --timeout 40 "PIN of=$pin" -- "$@"
        key_out "$key"
}
# begin NAME PTY_SAY-ARGUMENTS...: in the background, on a terminal.
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
        [ "$2" = "$got" ] || sed 's/^/  | /' "$1.out"
}
# tap_twice NAME NUMBER
tap_twice() {
        await "$1.out" "Hold your badge"
        badge_in one "$2"
        await "$1.out" "once more"
        badge_out one
        badge_in one "$2"
        tail --pid="${unit_pid[$1]}" -f /dev/null
        badge_out one
}
last() { records "WARDTAP_EVENT=$1" -n 1 | jq -r ".WARDTAP_$2 // \"\""; }
count() { records "WARDTAP_EVENT=$1" | grep -c . || true; }
store_version() { wardtap store check --json | jq -r .version; }
# refused NAME REASON COMMAND...: the command writes NAME.out; nothing is changed, it is one sentence and one record.
refused() {
        local name=$1 reason=$2 before refusals
        shift 2
        before=$(store_version) refusals=$(count approval-refused)
        "$@"
        is "$name: nothing was changed" "$before" "$(store_version)"
        is "$name: one sentence" 1 "$(grep -c '^wardtap: ' "$name.out")"
        is "$name: one record, with the reason" "$((refusals + 1)) $reason" "$(count approval-refused) $(last approval-refused REASON)"
}
failures_of() {
        python3 - "$1" <<-'P'
		import sqlite3, sys
		person, = sqlite3.connect("/var/lib/wardtap/people/people.db").execute("SELECT id FROM person WHERE user = ?", (sys.argv[1],)).fetchone()
		row = sqlite3.connect("/var/lib/wardtap/state/state.db").execute("SELECT failures FROM history WHERE person = ?", (person,)).fetchone()
		print(row[0] if row else 0)
		P
}
# tap_in NAME NUMBER [OPTIONS]: a tap at the greeter; prints what came of it.
tap_in() {
        local name=$1 number=$2
        shift 2
        sign_in "$name" --service lightdm "$@"
        await "$name.out" "Tap your badge" || return 1
        badge_in one "$number"
        if ! timeout 20 grep -q -m1 -E 'result:|screen \(error\)' < <(exec tail -n +1 -F --sleep-interval=0.05 "$name.out" 2>/dev/null); then
                sed 's/^/  | /' "$name.out"
        fi
        if grep -q 'screen (error)' "$name.out"; then turned_away "$name"; else
                wait "${unit_pid[$name]}" || true
                sed -n 's/^result: \([A-Z_]*\).*/\1/p' "$name.out"
        fi
        badge_out one
}
give=(--role night-lead --for 30min --reason "short of hands")
over() { # over TABLE: the time of what was approved is over
        python3 - "$1" <<-'P'
		import sqlite3, sys
		table = sys.argv[1]
		db = sqlite3.connect("/var/lib/wardtap/people/people.db")
		for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ? AND name LIKE '%fixed'", (table,)).fetchall():
		    db.execute("DROP TRIGGER " + name)
		if table == "badge":
		    db.execute("UPDATE badge SET not_after_usec = basis_usec + 1, version = version + 1 WHERE not_after_usec <> 0 AND ended_usec = 0")
		else:
		    db.execute("UPDATE elevation SET until_usec = added_usec + 1, version = version + 1 WHERE ended_usec = 0")
		db.commit()
		P
}

start_journald
start_dbus
start_pcscd
start_device
start_wardtapd
world_rules people
start_authd
enrol anna 04A1B2C3 2468 && enrol dora 04D1D2D3 1357 && enrol edda 04E1E2E3 9753 || { cat enrol-*.out; bad "enrolment"; finish; }

echo "== a role for a while"
with_key elevate 0 dora 1357 wardtap elevate anna "${give[@]}" --approver dora
expect "the screen names what is approved" "Anna Berg (anna) is to have the role 'night-lead' for 30 min: short of hands" elevate.out
expect "and by whom" "Dora Lind (dora), approve this with your key" elevate.out
expect "says what came of it" "Anna Berg (anna) has the role 'night-lead' until" elevate.out
is "the record has the approver" "dora key+verify night-lead anna" \
        "$(last elevate APPROVER) $(last elevate FACTORS) $(last elevate ROLE) $(last elevate USER)"
[ "$(last elevate UNTIL_USEC)" -gt "$(date +%s)000000" ] && ok "and its end" || bad "and its end"
run explain-role 0 wardtap policy explain --user anna --service lightdm --evidence badge
expect "whoever asks the rules is told" "Role 'night-lead' for a while, until " explain-role.out
is "it is listed" "anna night-lead dora" "$(wardtap elevate list anna --json | jq -r '.[0] | .user + " " + .role + " " + .approver')"
is "state.db stays the attempts' own" 901:901:600 "$(stat -c %u:%g:%a /var/lib/wardtap/state/state.db)"
key_in anna
is "she signs in" PAM_SUCCESS "$(tap_in elevated 04A1B2C3 --answer 2468)"
key_out anna
is "by that role, with who approved it and until when" "night-lead dora $(last elevate UNTIL_USEC)" \
        "$(last sign-in ROLE) $(last sign-in APPROVER) $(last sign-in UNTIL_USEC)"

echo "== each refusal is one sentence, and nothing is changed"
refused self approver-same run self 1 wardtap elevate dora "${give[@]}" --approver dora
expect "nobody approves for oneself" "Nobody approves anything for oneself" self.out
refused role approver-role run role 1 wardtap elevate dora "${give[@]}" --approver anna
expect "whose role may not" "Anna Berg (anna) cannot approve this (approver-role)" role.out
wardtap person add fritz --not-before 2020-01-01 --not-after 2020-01-02 >person.out 2>&1 || cat person.out
refused expired person-expired run expired 1 wardtap elevate anna "${give[@]}" --approver fritz
refused pin pin-wrong with_key pin 1 dora 0000 wardtap elevate anna "${give[@]}" --approver dora
expect "a wrong PIN is one try, not two" "the key allows 7 more" pin.out
is "and one failure of hers" 1 "$(failures_of dora)"
refused other-key key-not-yours with_key other-key 1 edda 9753 wardtap elevate anna "${give[@]}" --approver dora
expect "another's key is not asked for its PIN" "This is not the key of dora" other-key.out
expect_not "nor shown one" "PIN of the key" other-key.out
is "and is no failure of hers" 1 "$(failures_of dora)"
key_in dora --touch signal
pulled() {
        begin pulled "PIN of=1357" -- wardtap elevate anna "${give[@]}" --approver dora
        await key-dora.out touch-wanted
        key_out dora
        ended pulled 1
}
refused pulled key-removed pulled
key_in dora
cancelled() { run cancelled 7 "$say" --timeout 30 "PIN of=^C" -- wardtap elevate anna "${give[@]}" --approver dora; }
refused cancelled timed-out cancelled
key_out dora
for fault in wrong-signature uv-clear counter-back; do
        key_in dora --fault "$fault"
        case $fault in wrong-signature) want=key-forged ;; uv-clear) want=key-no-verification ;; *) want=key-counter ;; esac
        before=$(store_version)
        run "bad-$fault" 1 "$say" --timeout 30 "PIN of=1357" -- wardtap elevate anna "${give[@]}" --approver dora
        is "$fault: nothing was changed" "$before" "$(store_version)"
        expect "$fault: one sentence" "wardtap: " "bad-$fault.out"
        got=$(last approval-refused REASON)
        [ "$got" = "$want" ] || [ "$got" = key-forged ] && ok "$fault is recorded as $got" || bad "$fault is recorded as '$got'"
        key_out dora
done
for user in anna dora edda fritz; do # without a key in the port: who may is asked for it
        "$say" --timeout 30 -- wardtap elevate anna "${give[@]}" --approver $user --timeout 5 >may.out 2>&1 && bad "$user approved without a key" || true
        grep -q "cannot approve this" may.out && may=no || may=yes
        case " $(wardtap policy who-can elevate --json | jq -r '[.[].user] | join(" ")') " in *" $user "*) said=yes ;; *) said=no ;; esac
        is "who-can says of $user what an approval does" "$may" "$said"
done
key_token=$(wardtap key list edda --json | jq -r '.[0].token')
wardtap key suspend "$key_token" --reason "for a test" >suspend.out 2>&1 || cat suspend.out
is "and whose key is suspended has none" "dora true edda false" \
        "$(wardtap policy who-can elevate --json | jq -r '[.[] | .user + " " + (.has_key | tostring)] | join(" ")')"
wardtap key resume "$key_token" --reason "for a test" >resume.out 2>&1 || cat resume.out
run no-role 3 wardtap elevate anna --role captain --for 30min --reason x --approver dora
run too-long 2 wardtap elevate anna --role night-lead --for 9h --reason x --approver dora
run over-the-rules 2 wardtap elevate anna --role night-lead --for 3h --reason x --approver dora
expect "for how long the rules give it" "for at most 2 h at a time" over-the-rules.out
run no-approver 2 wardtap elevate anna --role night-lead --for 1h --reason x
run two-approvers 2 wardtap elevate anna "${give[@]}" --approver dora --approver edda
run nobody 3 wardtap elevate anna "${give[@]}" --approver nobody-here
with_key right 0 dora 1357 wardtap elevate anna "${give[@]}" --approver dora
is "a right PIN sets the failures back" 0 "$(failures_of dora)"

echo "== it ends"
run end 0 wardtap elevate end anna --reason "shift is over"
is "recorded" "anna shift is over" "$(last elevate-end USER) $(last elevate-end DETAIL)"
run end-again 3 wardtap elevate end anna
key_in anna
is "she signs in by her own role" "PAM_SUCCESS nurse" "$(tap_in own 04A1B2C3 --answer 2468) $(last sign-in ROLE)"
is "which nobody approved" "" "$(last sign-in APPROVER)"
key_out anna
with_key short 0 dora 1357 wardtap elevate anna "${give[@]}" --approver dora
over elevation
key_in anna
is "when its time is over she has her own role by itself" "PAM_SUCCESS nurse" "$(tap_in over 04A1B2C3 --answer 2468) $(last sign-in ROLE)"
key_out anna
is "and not listed" "[]" "$(wardtap elevate list anna --json)"
is "but known" 3 "$(wardtap elevate list --all --json | jq length)"

echo "== a temporary badge"
lend=(--for 8h --reason "left it at home")
key_in dora
begin lend "PIN of=1357" -- wardtap badge lend anna "${lend[@]}" --approver dora
tap_twice lend 04F00001
ended lend 0
key_out dora
expect "the screen names it" "Anna Berg (anna) is to have a temporary badge for 8 h: left it at home" lend.out
token=$(wardtap badge list anna --json | jq -r '.[] | select(.not_after != null) | .token')
expect "says until when" "Anna Berg (anna) has the temporary badge $token until" lend.out
run lent-list 0 wardtap badge list anna
expect "the list marks it, and her own" "$token anna" <(sed 's/  */ /g' lent-list.out)
is "as what they are" "lent put-aside" "$(awk -v t="$token" 'NR > 1 {print $1 == t ? "lent" : "own", $0}' lent-list.out |
        awk '$1 == "lent" {lent = / lent  *until 20..-..-.. ..:..:..: left it at home$/} $1 == "own" {own = / put aside /} END {print lent ? "lent" : "-", own ? "put-aside" : "-"}')"
is "in JSON too" "aside lent" "$(wardtap badge list anna --json | jq -r '[.[].state] | sort | join(" ")')"
is "recorded" "anna $token dora temporary-badge" \
        "$(last badge-lend USER) $(last badge-lend BADGE) $(last badge-lend APPROVER) $(last badge-lend LOWERED)"
is "it opens alone, with no session before" PAM_SUCCESS "$(tap_in lent 04F00001)"
expect_not "and no key is asked for" "key" lent.out
is "recorded as what it is" "temporary-badge dora none 0 $(last badge-lend UNTIL_USEC)" \
        "$(last sign-in LOWERED) $(last sign-in APPROVER) $(last sign-in FACTORS) $(last sign-in AAL) $(last sign-in UNTIL_USEC)"
run explain-lent 0 wardtap policy explain --user anna --service lightdm --evidence badge --json
is "whoever asks the rules is told" "allow temporary-badge" "$(jq -r '.verdict + " " + .lowered' explain-lent.out)"
expect "by whom and until when" "dora lent the temporary badge until" explain-lent.out
run explain-own 0 wardtap policy explain --user anna --service lightdm --evidence own-badge
expect "and about the own one" "So: Refused as nurse (badge-aside): You have a temporary badge. Use that one, or give it back." explain-own.out
is "her own is put aside" "waits on" "$(tap_in aside 04A1B2C3)"
expect "with what to do" "You have a temporary badge. Use that one, or give it back." aside.out
run lend-again 4 wardtap badge lend anna "${lend[@]}" --approver dora
expect "one at a time" "has a temporary badge until" lend-again.out
key_in dora
begin lend-held "PIN of=1357" -- wardtap badge lend edda "${lend[@]}" --approver dora
await lend-held.out "Hold your badge"
badge_in one 04F00001
ended lend-held 4
badge_out one
key_out dora
expect "one that somebody has is not lent again" "belongs to Anna Berg (anna)" lend-held.out
refused lend-self approver-same run lend-self 1 wardtap badge lend dora "${lend[@]}" --approver dora
refused lend-role approver-role run lend-role 1 wardtap badge lend edda "${lend[@]}" --approver anna
run lend-long 2 wardtap badge lend edda --for 15h --reason x --approver dora
run return 0 wardtap badge return "$token"
is "recorded" "anna $token returned" "$(last badge-end USER) $(last badge-end BADGE) $(last badge-end DETAIL)"
run return-again 3 wardtap badge return "$token"
run return-own 3 wardtap badge return "$(wardtap badge list anna --json | jq -r '.[0].token')"
is "what is one's own is not returned" 1 "$(wardtap badge list anna --json | jq length)"
is "given back it opens nothing" "waits on" "$(tap_in returned 04F00001)"
key_in anna
is "and her own is back" PAM_SUCCESS "$(tap_in back 04A1B2C3 --answer 2468)"
key_out anna
key_in dora
begin lend2 "PIN of=1357" -- wardtap badge lend anna "${lend[@]}" --approver dora
tap_twice lend2 04F00001
ended lend2 0
key_out dora
over badge
is "when its time is over it opens nothing" "waits on" "$(tap_in too-late 04F00001)"
expect "with what to do" "This temporary badge has run out" too-late.out
is "recorded so" badge-lend-over "$(last denied REASON)"
key_in anna
is "and her own is back by itself" PAM_SUCCESS "$(tap_in back2 04A1B2C3 --answer 2468)"
key_out anna
key_in dora
begin lend3 "PIN of=1357" -- wardtap badge lend edda "${lend[@]}" --approver dora
tap_twice lend3 04F00001
ended lend3 0
key_out dora
is "the badge goes to the next one" edda "$(last badge-lend USER)"

echo "== lost and found"
run report 0 wardtap badge report anna --reason "lost on the bus"
is "recorded, with who said so" "anna badge root lost on the bus" \
        "$(last lost-report USER) $(last lost-report REASON) $(last lost-report REQUESTOR) $(last lost-report DETAIL)"
is "the list says so" "reported-lost reported: lost on the bus" "$(wardtap badge list anna --json | jq -r '.[0].state + " " + .[0].suspend_reason')"
run reported-list 0 wardtap badge list anna
expect "in words" "reported lost" reported-list.out
is "it lets nobody in" "waits on" "$(tap_in lost 04A1B2C3)"
expect "with what to do" "This badge is suspended. Ask the help desk." lost.out
run report-again 3 wardtap badge report anna --reason x
refused not-hers key-not-yours with_key not-hers 1 edda 9753 wardtap badge found anna
with_key found 0 anna 2468 wardtap badge found anna
is "recorded" "anna anna key+verify" "$(last lost-found USER) $(last lost-found APPROVER) $(last lost-found FACTORS)"
run found-again 3 wardtap badge found anna
key_in anna
is "found, it lets her in" PAM_SUCCESS "$(tap_in found-badge 04A1B2C3 --answer 2468)"
run key-report 0 wardtap key report anna --reason "in the laundry"
is "a reported key lets nobody in" "waits on" "$(tap_in lost-key 04A1B2C3 --answer 2468)"
is "with that reason" key-suspended "$(last denied REASON)"
key_out anna
with_key key-found 0 anna 2468 wardtap key found anna
key_in anna
is "found, it does again" PAM_SUCCESS "$(tap_in found-key 04A1B2C3 --answer 2468)"
key_out anna

echo "== a recovery"
recover=(--approver dora --approver edda --identified "staff card, and her ward lead on the phone")
twice() { run twice 1 wardtap recover anna --approver dora --approver dora --identified x; }
refused twice approver-twice twice
expect "the same approver twice" "That takes two different people" twice.out
refused recover-self approver-same run recover-self 1 wardtap recover dora "${recover[@]}"
refused recover-role approver-role run recover-role 1 wardtap recover edda --approver dora --approver anna --identified x
run recover-one 2 wardtap recover anna --approver dora --identified x
expect "two are needed" "needs --approver USER twice" recover-one.out
is "nothing of that began one" 0 "$(count recovery-begin)"

old_badge=$(wardtap badge list anna --json | jq -r '.[0].token') old_key=$(wardtap key list anna --json | jq -r '.[0].token')
key_in dora && key_in edda
begin half "PIN of=1357" "PIN of=^C" -- wardtap recover anna "${recover[@]}"
before=$(store_version)
ended half 7
is "a recovery that one approver leaves changes nothing" "$before" "$(store_version)"
is "and is recorded as not completed" "4 not-completed" "$(last recovery-done OUTCOME) $(last recovery-done REASON)"
begin recover "PIN of=1357" "PIN of=9753" "New PIN=Kolibri-2468" "same PIN=Kolibri-2468" -- wardtap recover anna "${recover[@]}"
await recover.out "Hold your badge"
key_out dora && key_out edda && key_in anew
tap_twice recover 04A9A9A9
ended recover 0
key_out anew
expect "the screen names what and whom" "Anna Berg (anna) is to get a new badge and a new key, identified by: staff card" recover.out
expect "says what came of it" "Anna Berg (anna) is enrolled anew, approved by dora and edda." recover.out
expect_not "no PIN on the screen" Kolibri recover.out
is "the old ones have ended" "0 0" \
        "$(wardtap badge list anna --json | jq "[.[] | select(.token == \"$old_badge\")] | length") $(wardtap key list anna --json | jq "[.[] | select(.token == \"$old_key\")] | length")"
is "one of each is in use" "1 1" "$(wardtap badge list anna --json | jq length) $(wardtap key list anna --json | jq length)"
review=$(last recovery-done REVIEW)
is "its records are one set" "recovery-begin recovery-approve recovery-approve recovery-done" \
        "$(records "WARDTAP_REVIEW=$review" | jq -r .WARDTAP_EVENT | xargs)"
is "with both approvers, and how she was identified" "dora edda staff card, and her ward lead on the phone" \
        "$(last recovery-done APPROVER) $(last recovery-done IDENTIFIED)"
key_in anew
is "she signs in with the new ones" PAM_SUCCESS "$(tap_in anew-in 04A9A9A9 --answer Kolibri-2468)"
key_out anew
is "and not with the old badge" "waits on" "$(tap_in old 04A1B2C3)"

echo "== where the rules have Recovery=strict"
sed -i 's/^RelyingParty=.*/&\nRecovery=strict/' /etc/wardtap/wardtap.conf
run strict 0 wardtap policy apply --reason strict
run strict-badge 4 wardtap badge enrol anna
expect "a further badge takes a recovery" "wardtap recover anna --approver A --approver B" strict-badge.out
run strict-key 4 wardtap key enrol anna
begin first-ben -- wardtap badge enrol carl
ended first-ben 3
wardtap person add ben >person.out 2>&1 || cat person.out
begin first -- wardtap badge enrol ben
tap_twice first 04B1B2B3
ended first 0

said=$(journalctl --sync; python3 "$T/integration/check-chain" 2>&1) && ok "the $said" || bad "the chain: $said"
run verify 0 wardtap audit verify
records >all.json
for secret in 04A1B2C3 04F00001 Kolibri 1357 2468; do expect_not "no record holds $secret" "\"$secret\"" all.json; done
grep -hE "ERROR: AddressSanitizer|runtime error" ./*.err ./*.out && bad "a sanitizer complains" || ok "no complaint of the sanitizers"
finish
