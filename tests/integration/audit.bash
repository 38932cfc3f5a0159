# SPDX-License-Identifier: Apache-2.0
# What an auditor finds: the records of a real run are whole by `wardtap audit verify`, and whatever was done to them
# afterwards is named, with the two records between which it was done. Run by `world`.

for program in jq logger python3 setpriv; do
        command -v "$program" >/dev/null || { echo "skipped: $program is not installed: see packaging/install-dependencies"; exit 77; }
done
P=$B/tests/integration/broker_probe
A=00112233445566778899aabbccddeeff

# run NAME WANTED-EXIT COMMAND...: stdout and stderr to NAME.out.
run() {
        local name=$1 wanted=$2 got=0
        shift 2
        "$@" >"$name.out" 2>&1 || got=$?
        is "$name: exit code $wanted" "$wanted" "$got"
}
as_anna() { setpriv --reuid 2001 --regid 2000 --clear-groups -- "$@"; }
probe() {
        printf '%s\n' "$@" | setpriv --reuid=wardtap --regid=wardtap --clear-groups "$P" >probe.out
}
# recorded: the number of the last record that was asked for.
recorded() { awk '$1 == "recorded" {v = $3} END {print v}' probe.out; }
# latest: the number of the last record of all; the exit code says how the station does, which has no rules here.
latest() { wardtap status --json | jq .record_sequence || true; }
# in_journal SEQ: until the journal has it, and wardtapd has seen that.
in_journal() {
        timeout 60 grep -q -m1 . < <(exec journalctl -q -f -n all -o cat --output-fields=WARDTAP_SEQ _UID=903 WARDTAP_SEQ="$1") &&
                timeout 60 bash -c 'until [ "$(wardtap status --json | jq .records_pending)" = 0 ]; do :; done' || bad "record $1 did not come"
}

# --- before there is anything
run no-file 3 wardtap audit verify --file /nowhere
run both 2 wardtap audit verify --file a --directory b
run no-mark 2 wardtap audit verify --from now
run bad-since 2 wardtap audit list --since yesterday
expect "shows how a time is written" "2026-11-20" bad-since.out
start_journald
run no-bus 3 wardtap audit verify
expect "there are none" "There are no records of wardtapd in the journal." no-bus.out

# --- a real run
start_dbus
start_wardtapd
probe "hello sign-in $A lightdm seat0" \
        "record sign-in 0 ATTEMPT=$A CODE=7QF2M3 USER=anna UID=2001 ROLE=nurse FACTORS=badge+key+verify AAL=2 SERVICE=lightdm TAP_TO_VERDICT_USEC=812000" \
        "burst 40 denied 4 ATTEMPT=$A CODE=7QF2M3 REASON=pin-wrong USER=ben" \
        "record resume 0 ATTEMPT=$A CODE=7QF2M4 USER=anna UID=2001 ROLE=nurse FACTORS=none AAL=0 GRACE=7500s SERVICE=lightdm TAP_TO_VERDICT_USEC=8100"
last=$(recorded)
in_journal "$last"
run whole 0 wardtap audit verify
expect "says from where to where" "records 1 to $last" whole.out
expect "and that they are whole" "$last records are whole." whole.out
expect_not "nothing is left open" "note" whole.out
mark=$(sed -n 's/^--from //p' whole.out)
run noted 0 wardtap audit verify --from "$mark"
run as-user 5 as_anna wardtap audit verify
expect "says how to become somebody who may" "systemd-journal" as-user.out

# --- who was at the station
run list 0 wardtap audit list
expect "one line for a sign-in" "sign-in  -     anna  badge+key+verify  2    -          812 ms" list.out
expect "and for a resume within grace" "resume   -     anna  -                 -    2 h 5 min  8 ms" list.out
is "what is no presence is not there" 0 "$(grep -c denied list.out)"
run list-all 0 wardtap audit list --all --user ben --reason "complaint 17"
is "unless it is asked for" 40 "$(grep -c 'denied.*pin-wrong' list-all.out)"
run list-nobody 0 wardtap audit list --user carl --reason "complaint 17"
expect "nobody" "There are none since" list-nobody.out

# --- a question about one person
run query-without-reason 2 wardtap audit list --user ben
expect "says what is missing" "add --reason TEXT" query-without-reason.out
run query-as-user 5 setpriv --reuid 2001 --regid 2000 --groups systemd-journal -- wardtap audit list --user ben --reason curious
expect "a member of systemd-journal reads what must be done" "only root can have done. Try it with sudo, or leave --user out." query-as-user.out
run list-as-user 0 setpriv --reuid 2001 --regid 2000 --groups systemd-journal -- wardtap audit list
expect "and may still look at everybody" "sign-in  -     anna" list-as-user.out
run reason-alone 2 wardtap audit list --reason curious
run query-secret 0 wardtap audit list --user hunter2 --reason "complaint 18" --since 00:00
queries() { records WARDTAP_EVENT=audit-query | jq -r '[.WARDTAP_REQUESTOR, .WARDTAP_USER // "-", .WARDTAP_DETAIL] | join("|")'; }
is "each question is a record, with who, about whom and why" "root|ben|complaint 17 (since" "$(queries | sed -n 1p | cut -c1-28)"
is "a name that nobody has is in no record" "root|-|complaint 18 (since $(date +%F) 00:00:00)" "$(queries | tail -n 1)"
is "what was refused is none" 3 "$(queries | wc -l)"
last=$(latest)
in_journal "$last"
run list-json 0 wardtap audit list --json
is "JSON" "anna badge+key+verify 812000" "$(jq -r '.[0] | .to + " " + .factors + " " + .tap_to_verdict_usec' list-json.out)"

# --- what the journal does by itself is no finding
kill -STOP "${unit_pid[journald]}"
probe "hello sign-in $A lightdm seat0" "burst 20 denied 4 ATTEMPT=$A REASON=pin-wrong USER=ben"
kill -KILL "${unit_pid[journald]}"
wait "${unit_pid[journald]}" 2>/dev/null || true
rm -f /run/systemd/journal/socket
start_journald
in_journal "$(recorded)"
restart_unit wardtapd
probe "hello sign-in $A lightdm seat0" "record denied 4 ATTEMPT=$A REASON=pin-wrong USER=ben"
last=$(recorded)
in_journal "$last"
run again 0 wardtap audit verify --from "$mark"
expect "nothing is missing after a killed journald and a restart" "$last records are whole." again.out

# --- the export that an auditor is given
journalctl --sync
journalctl -o export | "$T/integration/tamper" unit >given.export
run given 0 wardtap audit verify --file given.export --to "$last"
expect "whole there, too" "$last records are whole." given.out
run given-json 0 wardtap audit verify --file given.export --json
is "JSON" "true $last" "$(jq -r '"\(.ok) \(.records)"' given-json.out)"
head_mark=$(sed -n 's/^--from //p' given.out)
journalctl -o json >given.json
run json-refused 8 wardtap audit verify --file given.json
expect "says what to write instead" "journalctl -o export" json-refused.out
head -c -40 given.export >torn.export
run torn 8 wardtap audit verify --file torn.export

# What only a seat with sessions records, as it would be: the list does not check the chain.
"$T/integration/tamper" change 10 WARDTAP_EVENT handoff change 10 WARDTAP_FROM_USER anna change 10 WARDTAP_FACTORS badge+key \
        change 10 WARDTAP_AAL 2 change 10 WARDTAP_TAP_TO_SESSION_USEC 12400000 change 10 WARDTAP_REASON '' \
        change 11 WARDTAP_EVENT guard-alert change 11 WARDTAP_REASON session-shown change 11 WARDTAP_DETAIL "The session c4 came to the screen." \
        change 12 WARDTAP_EVENT idle-lock change 12 WARDTAP_REASON idle change 13 WARDTAP_EVENT fallback change 13 WARDTAP_REASON '' \
        change 14 WARDTAP_EVENT lock change 14 WARDTAP_USER $'anna\033[2J' forge 12 /usr/bin/logger 2001 repeat 12 30 \
        change 40 WARDTAP_EVENT sign-in change 40 WARDTAP_STATION bay3 <given.export >seat.export
run seat 0 wardtap audit list --file seat.export
sed -n '/handoff/,$p' seat.out >seat.rows
expect "a handoff: who left and who came" "  anna  ben   badge+key         2    -          -        12 s    -" seat.rows
expect "a guard-alert in a sentence" "  The session c4 came to the screen." seat.rows
expect "a fallback that the rules forbid" "  not allowed by the rules" seat.rows
is "who was idle, once: neither again nor from another" 1 "$(grep -c 'idle-lock .* ben   - .* idle$' seat.rows)"
expect_not "nothing that could move the cursor" $'\033' seat.out
is "a station where there are several" 1 "$(grep -c 'sign-in .* bay3 ' seat.out)"
run seat-user 0 wardtap audit list --file seat.export --user anna --reason "complaint 19"
asked=$(latest)
in_journal "$asked"
is "both ends of a handoff are its people" 1 "$(grep -c handoff seat-user.out)"

# tampered NAME SENTENCE WORDS-OF-TAMPER...: it is found and said so, and what was done is the only difference.
tampered() {
        local name=$1 sentence=$2
        shift 2
        "$T/integration/tamper" "$@" <given.export >"$name.export"
        run "$name" 1 wardtap audit verify --file "$name.export"
        sed 's/([0-9-]* *[0-9:]\{8\}[^)]*)/()/g' "$name.out" >"$name.plain"
        expect "$name: $sentence" "bad   $sentence" "$name.plain"
        is "$name: and nothing else" 1 "$(grep -c '^bad   [A-Z][a-z ]*:' "$name.out")"
}
ones=1111111111111111111111111111111111111111111111111111111111111111
tampered removed "Removed: record 10, between 9 () and 11 ()." remove 10 10
tampered removed-many "Removed: records 10 to 12, between 9 () and 13 ()." remove 10 12
tampered changed "Changed: record 10 (), between 9 () and 11 ()." change 10 WARDTAP_USER anna
tampered changed-link "Changed: record 10 (), perhaps 9 too, between 8 () and 11 ()." change 10 WARDTAP_PREV $ones
tampered changed-two "Changed: record 11 (), perhaps 10 too, between 9 () and 12 ()." change 10 WARDTAP_USER anna change 11 WARDTAP_USER anna
tampered changed-kind "Changed: record 10 (), between 9 () and 11 ()." change 10 MESSAGE_ID 59c0ce3c5fc74f0b8054c0021a580d5a
tampered changed-time "Changed: record 10 (), between 9 () and 11 ()." change 10 WARDTAP_TIME_USEC 1795190745007445
tampered changed-first "Changed: record 1 (), before 2 ()." change 1 WARDTAP_PREV $ones
tampered changed-near-end "Changed: record $((last - 1)) () or record $last (); they do not fit together." \
        change $((last - 1)) WARDTAP_USER anna
tampered field-added "Changed: record 10 (), between 9 () and 11 ()." add 10 WARDTAP_NEW x
tampered field-twice "Changed: record 10 (), between 9 () and 11 ()." add 10 WARDTAP_USER anna
tampered field-taken "Changed: record 10 (), between 9 () and 11 ()." change 10 WARDTAP_REASON ""
tampered newline "Changed: record 10 (), between 9 () and 11 ()." change 10 WARDTAP_USER $'ben\nWARDTAP_WITNESS=anna'
tampered inserted "Inserted: record 10 (), between 9 () and 10 ()." insert 10 WARDTAP_USER anna
tampered inserted-before "Inserted: record 10 (), between 9 () and 11 ()." repeat 10 30 change 10 WARDTAP_USER anna
tampered moved "Moved: record 10 () stands after 20 ()." move 10 20
tampered moved-up "Moved: record 30 () stands before 11 () to 29." move 30 10
tampered forged "Forged: record 10 (), written by /usr/bin/logger (user 2001, process 4711), between 10 () and 11 ()." \
        forge 10 /usr/bin/logger 2001
tampered second-process "Forged: record 10 (), written by /usr/libexec/wardtap/wardtapd (user 903, process 4711), between 10 () and 11 ()." \
        second 10
tampered renumbered "Changed: records 9 to $((last - 1)), or some of them, after 8 ()." remove 10 10 renumber 11
tampered rechained "Changed: record 9 (), between 8 () and 10 ()." remove 10 10 renumber 11 rechain 10
tampered nobody "Removed: record 10, between 9 () and 11 ()." gone 10
expect "a record of an unknown program is not believed" "Without word of which program wrote them" nobody.out

# What root can do all anew shows by what was noted elsewhere.
"$T/integration/tamper" change 10 WARDTAP_USER anna rechain 10 <given.export >anew.export
run anew-unnoted 0 wardtap audit verify --file anew.export
run anew 1 wardtap audit verify --file anew.export --from "$mark"
expect "written anew" "is not the one that was noted" anew.out
# Both ends.
"$T/integration/tamper" cut 30 <given.export >cut.export
run cut-unnoted 0 wardtap audit verify --file cut.export
expect "an end that nobody vouches for is said to be so" "Whether there were records after 30 cannot be told" cut-unnoted.out
run cut 1 wardtap audit verify --file cut.export --to "$last"
"$T/integration/tamper" change "$last" WARDTAP_USER anna <given.export >head.export
run head 1 wardtap audit verify --file head.export --to "$head_mark"
"$T/integration/tamper" behead 10 <given.export >beheaded.export
run beheaded 0 wardtap audit verify --file beheaded.export
expect "a beginning that is gone is said to be" "Records 1 to 9 are no longer there" beheaded.out
run beheaded-from 1 wardtap audit verify --file beheaded.export --from 1
run beheaded-noted 0 wardtap audit verify --file beheaded.export --from "$mark"
# What wardtapd does, and is none of these.
for words in "repeat 10 30" "late 10 20"; do
        # shellcheck disable=SC2086
        "$T/integration/tamper" $words <given.export >fine.export
        run "fine: $words" 0 wardtap audit verify --file fine.export
done

# --- forged, in the real journal
printf 'MESSAGE=x\nSYSLOG_IDENTIFIER=wardtapd\nMESSAGE_ID=59c0ce3c5fc74f0b8054c0021a580d5a\nWARDTAP_EVENT=sign-in\nWARDTAP_OUTCOME=0\nWARDTAP_USER=carl\n' |
        as_anna logger --journald
journalctl --sync
run forged-here 1 wardtap audit verify
expect "names the user" "(user 2001, process" forged-here.out
expect "and where it stands" "after $asked" forged-here.out
wardtap audit list >list-forged.out
expect_not "the list does not believe it" carl list-forged.out

# --- the end of the real journal
stop_unit wardtapd
run query-down 6 wardtap audit list --user ben --reason "complaint 20"
expect_not "what cannot be recorded is not shown" denied query-down.out
run down 1 wardtap audit verify
expect "says that the end is not known" "wardtapd does not answer" down.out
mv /var/lib/wardtap/audit/log /var/lib/wardtap/audit/released /run/world/
start_wardtapd
probe "hello sign-in $A lightdm seat0" "record denied 4 ATTEMPT=$A REASON=pin-wrong USER=ben"
in_journal "$(recorded)"
run epoch 1 wardtap audit verify
expect "a new epoch is named" "A new epoch begins there" epoch.out
is "and is no finding by itself" 1 "$(grep -c '^bad   [A-Z]' epoch.out)"
stop_unit wardtapd
kill -TERM "${unit_pid[journald]}"
wait "${unit_pid[journald]}" 2>/dev/null || true
rm -rf /run/log/journal/*/* /run/systemd/journal/socket
start_journald
start_wardtapd
probe "hello sign-in $A lightdm seat0" "record denied 4 ATTEMPT=$A REASON=pin-wrong USER=ben"
in_journal "$(recorded)"
run vacuumed 0 wardtap audit verify
expect "a journal that begins late says from where on it was verified" "It could be verified from" vacuumed.out
kill -KILL "${unit_pid[journald]}"
wait "${unit_pid[journald]}" 2>/dev/null || true
rm -rf /run/log/journal/*/* /run/systemd/journal/socket
start_journald
run emptied 1 wardtap audit verify
expect "an emptied journal is found out by wardtapd's word" "Cut off: wardtapd has written" emptied.out

stop_unit wardtapd
finish
