# SPDX-License-Identifier: Apache-2.0
# The program of administrators, as they meet it: two people are enrolled with virtual badges and keys, everything that
# must be refused is refused with one plain sentence and its exit code, and what cannot be recorded does not happen.
# Run by: tests/integration/world BUILD tests/integration/cli.bash

for program in jq logger setpriv; do
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
as_anna() { setpriv --reuid 2001 --regid 2000 --clear-groups -- "$@"; }
# begin NAME PTY_SAY-ARGUMENTS...: in the background, on a terminal.
begin() {
        local name=$1
        shift
        "$say" --timeout 60 "$@" >"$name.out" 2>&1 &
        unit_pid[$name]=$!
}
# ended NAME WANTED-EXIT
ended() {
        local got=0
        wait "${unit_pid[$1]}" || got=$?
        is "$1: exit code $2" "$2" "$got"
}
# tap NAME TEXT NUMBER [OPTIONS]: a badge is held to the reader until NAME has said TEXT.
tap() {
        local name=$1 text=$2
        shift 2
        badge_in one "$@"
        await "$name.out" "$text"
        badge_out one
}
# tap_twice NAME NUMBER: through a whole `wardtap badge enrol` that was begun as NAME.
tap_twice() {
        await "$1.out" "Hold your badge"
        tap "$1" "once more" "$2"
        badge_in one "$2"
        tail --pid="${unit_pid[$1]}" -f /dev/null
        badge_out one
}
# status_of FIELD: of `wardtap status --json`, whose exit code says only whether all is well.
status_of() { { wardtap status --json || true; } | jq -r ".$1"; }
people() { wardtap person list --json | grep -c '"user"' || true; }
events() { records | grep -c "\"WARDTAP_EVENT\":\"$1\"" || true; }

# --- mistakes in the arguments
run no-command 2 wardtap
expect "says what to do" "wardtap --help" no-command.out
run near-command 2 wardtap badge enroll anna
expect "did you mean" "Did you mean: wardtap badge enrol" near-command.out
run bad-option 2 wardtap person list --nothing
expect "names the option" "has no option '--nothing'" bad-option.out
run no-value 2 wardtap badge end X --reason
expect "names the option that lacks a value" "'--reason' needs a value" no-value.out
run twice 2 wardtap status --json --json
run too-many 2 wardtap status now
run no-reason 2 wardtap badge end X
run bad-time 2 wardtap person add anna --not-before tomorrow
expect "shows how a time is written" "2026-11-20" bad-time.out
run hostile 2 wardtap $'a\033[2Jb'
expect_not "no escape reaches the screen" $'\033' hostile.out
is "version" "wardtap" "$(wardtap --version | cut -d' ' -f1)"
for command in "person add" "person list" "person show" "badge enrol" "badge end" "badge list" "key enrol" "key end" \
        "person suspend" "person resume" "person expire" "person offboard" "badge replace" "badge suspend" "badge resume" \
        "key replace" "key suspend" "key resume" "lease" "lease end" "lease list" "lease sweep" "lease wipe" import export \
        "key list" "ticket issue" "ticket list" "ticket revoke" "policy check" "policy apply" "policy explain" "audit verify" "audit list" status why; do
        # shellcheck disable=SC2086
        wardtap $command --help >help.out 2>&1 && grep -q "^Usage: wardtap $command" help.out || bad "help of $command"
done

# What changes people has --json, and an example in the manual.
for command in "person add" "person suspend" "person resume" "person expire" "person offboard" "person list" "badge enrol" "badge end" \
        "badge replace" "badge suspend" "badge resume" "badge list" "badge lend" "badge return" "badge report" "badge found" \
        "key enrol" "key end" "key replace" "key suspend" "key resume" "key list" "key report" "key found" \
        elevate "elevate end" "elevate list" recover lease "lease end" "lease list" "lease sweep" "lease wipe" import export \
        "ticket issue" "ticket list" "ticket revoke" "emergency list" "emergency explain" "emergency close" "emergency drill"; do
        # shellcheck disable=SC2086
        wardtap $command --help | grep -q -- "--json" || bad "$command has no --json"
        grep -q "^	*\$ sudo wardtap $command\( \|+\|$\)" "$T/../man/wardtap.1.scd" || bad "wardtap(1) has no example of $command"
        grep -q "^\*wardtap $command\*\|, \*wardtap $command\*" "$T/../man/wardtap.1.scd" || bad "wardtap(1) does not describe $command"
done

# --- before anything runs
start_journald
start_dbus
run not-running 6 wardtap person add anna
expect "says how to start it" "systemctl start wardtapd" not-running.out
run nobody-yet 3 wardtap person list
run status-down 1 wardtap status
expect "status says who does not answer" "wardtapd does not answer" status-down.out
run needs-root 5 as_anna wardtap person add anna
expect "says how to become root" "sudo" needs-root.out
printf '[Site]\nRelyingParty=wardtap.example.org\n[Statoin]\n' >/etc/wardtap/wardtap.conf
run check-bad 1 wardtap policy check
expect "file and line of the mistake" "/etc/wardtap/wardtap.conf:3: " check-bad.out
run check-missing 3 wardtap policy check /etc/wardtap/none.conf
world_rules
expect "the first rules need no wardtapd" "has no record of this" apply.out
run check-good 0 wardtap policy check

# --- a station
start_device
start_wardtapd
run no-account 3 wardtap person add nobody-here
run add-anna 0 wardtap person add anna
expect "the name is the account's" "Anna Berg (anna) is enrolled" add-anna.out
run add-anna-again 4 wardtap person add anna
run add-ben 0 wardtap person add ben --name "Ben Ökoro" --not-after 2030-12-31 --json
is "JSON of a person" "Ben Ökoro 2030-12-31T23:59:59" "$(jq -r '.full_name + " " + .not_after[:19]' add-ben.out)"
is "both are listed" 2 "$(people)"
run show-missing 3 wardtap person show carl
expect "says how to enrol" "wardtap person add carl" show-missing.out
run read-as-user 5 as_anna wardtap person list

"$say" --timeout 30 -- wardtap badge enrol anna >no-reader.out 2>&1 && bad "enrolment without a reader"
expect "no reader" "No badge reader is connected. Plug one in and try again." no-reader.out

start_pcscd
timeout 20 bash -c 'until wardtap status --json | jq -e ".readers | length > 0" >/dev/null; do :; done' || bad "no reader came"

# --- badges
begin first -- wardtap badge enrol anna
tap_twice first 04A1B2C3
ended first 0
expect "shows the number as the card sends it" "04 A1 B2 C3  (decimal 77705923)" first.out
expect "and turned round" "C3 B2 A1 04  (decimal 3283263748)" first.out
token=$(wardtap badge list anna --json | jq -r '.[0].token')
expect "says the token" "holds badge $token" first.out

begin same -- wardtap badge enrol anna
await same.out "Hold your badge"
tap same "wardtap:" 04A1B2C3
ended same 4
expect "she holds it already" "holds this badge already" same.out
begin another -- wardtap badge enrol ben
await another.out "Hold your badge"
tap another "wardtap:" 04A1B2C3
ended another 4
expect "names the holder" "belongs to Anna Berg (anna)" another.out
is "both refusals are records" 2 "$(events badge-refused)"

begin random -- wardtap badge enrol ben
await random.out "Hold your badge"
for n in 1 2 3; do
        badge_in one 08112233 --fault random
        timeout 20 bash -c "until [ \$(grep -c 'another number each time' random.out) = $n ]; do read -rt 0.05 <> <(:) || true; done" || bad "tap $n"
        badge_out one
done
ended random 1
expect "a random number is refused in words" "shows another number each time" random.out

begin swapped -- wardtap badge enrol ben
await swapped.out "Hold your badge"
tap swapped "once more" 04D1E2F3
tap swapped "wardtap:" 04D1E2F4
ended swapped 1
expect "another badge at the second tap" "not the same badge" swapped.out

begin interrupted 'Hold your badge=^C' -- wardtap badge enrol ben
ended interrupted 7
expect "cancelled" "Cancelled. Nothing was enrolled." interrupted.out
run timeout 7 "$say" --timeout 30 -- wardtap badge enrol ben --timeout 5
is "ben holds nothing after all that" "[]" "$(wardtap badge list ben --json)"

begin piped -- sh -c 'wardtap badge enrol ben --json >piped.json'
tap_twice piped 04D1E2F3A4B5C6
ended piped 0
is "JSON of a badge" "ben 7" "$(jq -r '.user + " " + (.number_bytes | tostring)' piped.json)"
expect "the number is on the terminal" "04 D1 E2 F3 A4 B5 C6" piped.out
expect_not "and not in what a script reads" "D1 E2" piped.json

# --- what cannot be recorded does not happen
begin gone -- wardtap badge enrol ben
await gone.out "Hold your badge"
tap gone "once more" 04EEEEEE
stop_unit wardtapd
ended gone 6
start_wardtapd
is "no badge came of it" 1 "$(wardtap badge list ben --json | grep -c token)"

# --- keys
key_in anna
begin key "New PIN=Kolibri-2468" "same PIN=Kolibri-2469" "New PIN=Kolibri-2468" "same PIN=Kolibri-2468" -- wardtap key enrol anna
ended key 0
expect "two PINs that differ are asked for again" "The two were not the same" key.out
expect "ends with a trial" "one trial sign-in" key.out
expect_not "no PIN on the screen" Kolibri key.out
key_token=$(wardtap key list anna --json | jq -r '.[0].token')
expect "says the token" "holds key $key_token" key.out
begin key-again "PIN of=Kolibri-2468" -- wardtap key enrol anna
ended key-again 4
begin key-wrong "PIN of=9999" -- wardtap key enrol ben
ended key-wrong 1
expect "how many tries are left" "the key allows 7 more" key-wrong.out
begin key-interrupted "PIN of=^C" -- wardtap key enrol ben
ended key-interrupted 7
run key-without-terminal 1 setsid -w wardtap key enrol ben
expect "a PIN needs a terminal" "read from a terminal only" key-without-terminal.out
key_out anna
key_in lazy --touch never --touch-timeout 1000 --timeout-error 2f
begin key-untouched "New PIN=Amsel-1357" "same PIN=Amsel-1357" -- wardtap key enrol ben
ended key-untouched 7
expect "nobody touched it" "not touched in time" key-untouched.out
key_out lazy
key_in slow --touch never --pin Amsel-1357
begin key-pulled "PIN of=Amsel-1357" -- wardtap key enrol ben
await key-pulled.out "Touch your key"
key_out slow
ended key-pulled 1
expect "the key is gone" "The key was taken out too early." key-pulled.out
key_in slow --touch never
begin key-late "PIN of=Amsel-1357" -- wardtap key enrol ben --timeout 5
ended key-late 7
begin key-cancelled "PIN of=Amsel-1357" "Touch your key=^C" -- wardtap key enrol ben
ended key-cancelled 7
key_out slow
for fault in wrong-signature uv-clear up-clear wrong-rp wrong-credential-id counter-back truncated-cbor; do
        key_in "$fault" --fault "$fault" --pin Amsel-1357
        begin "bad-$fault" "PIN of=Amsel-1357" -- wardtap key enrol ben --timeout 20
        ended "bad-$fault" 1
        expect "one sentence for $fault" "wardtap: " "bad-$fault.out"
        key_out "$fault"
done
is "ben holds no key after all that" "[]" "$(wardtap key list ben --json)"

# --- rules
hash=$(status_of rules)
cp /etc/wardtap/wardtap.conf good.conf
echo "SignIn=nothing" >>/etc/wardtap/wardtap.conf
run apply-bad 1 wardtap policy apply --reason "a typo"
expect "the mistake is named" "/etc/wardtap/wardtap.conf:" apply-bad.out
is "an alert" 1 "$(events policy-refused)"
is "the rules before stay" "$hash" "$(status_of rules)"
cp good.conf /etc/wardtap/wardtap.conf
sed -i 's/ward3-bay2/ward3-bay3/' /etc/wardtap/wardtap.conf
run apply-good 0 wardtap policy apply --reason "bay 3" --author carol --json
is "a record with author and reason" 1 "$(records | grep -c 'author carol: bay 3')"
is "what wardtapd knows is what is in force" "$(jq -r .hash apply-good.out)" "$(status_of rules)"

run explain-nothing 0 wardtap policy explain --user anna --service lightdm
expect "the role and by which group" "Role 'nurse' by the group 'nurses'" explain-nothing.out
run explain-badge 0 wardtap policy explain --user anna --service lightdm --evidence badge --json
is "a badge is not enough" need-verify "$(jq -r .verdict explain-badge.out)"
run explain-all 0 wardtap policy explain --user anna --service lightdm --evidence badge,key,verify --json
is "all three are" allow "$(jq -r .verdict explain-all.out)"
run explain-service 0 wardtap policy explain --user anna --service cron --json
is "a service that is not named" service-not-named "$(jq -r .reason explain-service.out)"
run explain-evidence 2 wardtap policy explain --user anna --service lightdm --evidence face
run explain-no-key 3 wardtap policy explain --user ben --service lightdm --evidence key

# --- status
run status-up 1 wardtap status
expect "auth socket is named as missing" "wardtap-auth.socket" status-up.out
expect "the reader" "Virtual PCD" status-up.out
run status-user 1 as_anna wardtap status --json
is "a user sees what the bus says, and no people" "not checked" "$(jq -r .people status-user.out)"
if [ -x "$B/pam_module/auth/wardtap-authd" ]; then
        start_authd
        run status-well 0 wardtap status
        expect "all is well" "All is well." status-well.out
fi

# --- why
run why-reason 0 wardtap why pin-wrong
run why-unknown 3 wardtap why 7QF2M3
run why-nonsense 2 wardtap why hello-there
printf 'MESSAGE=x\nSYSLOG_IDENTIFIER=wardtapd\nWARDTAP_CODE=7QF2M3\nWARDTAP_EVENT=sign-in\nWARDTAP_OUTCOME=0\n' | logger --journald
journalctl --sync
is "a forged record is in the journal" 1 "$(journalctl -o cat WARDTAP_CODE=7QF2M3 | wc -l)"
run why-forged 3 wardtap why 7QF2M3
run why-user 5 as_anna wardtap why 7QF2M3
if [ -x "$B/pam_module/auth/wardtap-authd" ]; then
        sign_in unknown --service lightdm
        await unknown.out "Tap your badge"
        badge_in one 04999999
        turned_away unknown >/dev/null
        badge_out one
        code=$(sed -n 's/.*Code \([0-9A-Z]*\).*/\1/p' unknown.out | head -n 1)
        journalctl --sync
        run why-code 0 wardtap why "$(tr '[:upper:]' '[:lower:]' <<<"$code")"
        expect "what happened" "unknown-badge" why-code.out
        expect "where" "ward3-bay3" why-code.out
fi

# --- ends
run end-missing 3 wardtap badge end NOTHERE --reason lost
run end 0 wardtap badge end "$token" --reason "lost at the gym"
is "an ended badge is not in the list" "[]" "$(wardtap badge list anna --json)"
is "but its end is known" "lost at the gym" "$(wardtap badge list anna --all --json | jq -r '.[0].end_reason')"
run end-again 3 wardtap badge end "$token" --reason lost
begin passed-on -- wardtap badge enrol ben
tap_twice passed-on 04A1B2C3
ended passed-on 0
run key-end 0 wardtap key end "$key_token" --reason "broken"
key_in finger --uv yes
begin finger-key -- wardtap key enrol ben --label "Ben's thumb"
ended finger-key 0
expect "the finger instead of a PIN" "with the finger it knows" finger-key.out
is "the label" "Ben's thumb" "$(wardtap key list ben --json | jq -r '.[0].label')"
key_out finger
run show 0 wardtap person show anna
expect "shows what she held" "$key_token" show.out
is "each change is a record" "2 3 1 2 1" \
        "$(events person-add) $(events badge-enrol) $(events badge-end) $(events key-enrol) $(events key-end)"
is "records say who" 0 "$(records | jq -r 'select(.WARDTAP_EVENT == "badge-end") | select(.WARDTAP_REQUESTOR == null) | 1' | wc -l)"
records >all.json
for secret in 04A1B2C3 04a1b2c3 77705923 Kolibri Amsel; do
        expect_not "no record holds $secret" "$secret" all.json
done

# --- the databases
run check 0 wardtap store check
is "both are sound" "sound sound" "$(wardtap store check --json | jq -r '.people + " " + .state')"
run check-user 5 setpriv --reuid=2001 --regid=2000 --clear-groups wardtap store check
cp -a /var/lib/wardtap/people/people.db people.db
printf 'not a page' | dd of=/var/lib/wardtap/people/people.db bs=1 seek=4096 conv=notrunc status=none
run damaged 1 wardtap store check
is "damage is seen" damaged "$(wardtap store check --json 2>/dev/null | jq -r .people)"
cp -a people.db /var/lib/wardtap/people/people.db
run restored 0 wardtap store check

# --- completion
complete_words() {
        bash -c 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _wardtap; printf "%s\n" "${COMPREPLY[@]}"' \
                - "$T/../packaging/wardtap.bash-completion" wardtap "$@" | sort | tr '\n' ' '
}
is "completes commands" "person policy " "$(complete_words p)"
is "completes the second word" "end enrol " "$(complete_words badge e)"
is "completes users" "anna " "$(complete_words badge enrol ann)"
is "completes tokens" "$(wardtap badge list --json | jq -r '.[].token' | sort | tr '\n' ' ')" "$(complete_words badge end "")"
while read -r first second _; do
        # every option that the help names is completed
        case $first in status | why | readiness | stats) second= ;; esac
        case "$first $second" in "review attest" | "review list") ;; review*) second= ;; esac # what follows is its summary
        # shellcheck disable=SC2086
        is "options of $first $second" "$(wardtap $first $second --help | grep -o '^  --[a-z-]*' | tr -d ' ' | sort | tr '\n' ' ')" \
                "$(if [ -n "$second" ]; then complete_words "$first" "$second" --; else complete_words "$first" --; fi)"
done < <(wardtap --help | grep '^  ' | sed 's/ USER.*//; s/ TOKEN.*//; s/ CODE.*//')
finish
