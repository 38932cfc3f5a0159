# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: Apache-2.0
# logind's engine on a seat without a VM: an open session comes to the screen after wardtap-switch has asked PAM for its
# owner, and not without; where no display manager is, the seat goes to prompts. Run by `world`.
. "$T/integration/stage.bash"

ANNA=04a1b2c3 BEN=04b1b2c4
console_rules() {
        sed -i 's/^Name=ward3-bay2/&\nSwitchEngine=logind/' /etc/wardtap/wardtap.conf
        printf '[Service wardtap-switch]\nUse=sign-in\n[Service login]\nUse=sign-in\n' >>/etc/wardtap/wardtap.conf
        sed 's/^account.*/account required pam_permit.so/' /etc/pam.d/lightdm >/etc/pam.d/login
        account_rule pam_permit.so
}
# account_rule MODULE: what wardtap-switch asks; the rest as the package has it.
account_rule() {
        sed -e "s|pam_wardtap.so|$B/pam_module/pam_wardtap.so|; s|^@include common-account|account required $1|" \
                "$T/../packaging/wardtap-switch.pam" >/etc/pam.d/wardtap-switch
}
# away: long enough for a badge that was tapped often to count again.
away() { read -rt 11 <> <(:) || true; }
# tap NUMBER: held for so long that it is meant, also at an open session. Each on another reader: one that is used often
# takes a badge for one that lies there.
next_reader=0
tap() {
        next_reader=$(((next_reader + 1) % 8))
        taps in "Reader_$((3 + next_reader))" "$1"
        read -rt 1.5 <> <(:) || true
        taps out "Reader_$((3 + next_reader))"
}
shows() { is "$1" "$2" "$(on_screen)"; }
await_event() {
        local end=$((SECONDS + 10)) n
        while n=$(event_count "$1" "${@:4}"); [ "$n" -lt "$2" ]; do
                [ $SECONDS -lt $end ] || { bad "$3 (wanted $2 records of $1, there are $n)"; return 0; }
                read -rt 0.1 <> <(:) || true
        done
        ok "$3"
}
# prompt TTY: login on a virtual terminal waits for a tap, as a unit of systemd's.
prompt() {
        mkdir -p "$cgroup/system.slice/getty@$1.service"
        : >"prompt-$1.out"
        bash -c 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"' - "$cgroup/system.slice/getty@$1.service" \
                "$B/tests/integration/pam_client" --service login --tty "$1" --session >"prompt-$1.out" 2>&1 < <(exec sleep 1000) &
        unit_pid[prompt-$1]=$!
        await "prompt-$1.out" "Tap your badge"
}

start_stage console_rules
for i in $(seq 2 10); do taps reader "Reader_$i"; done
for who in "anna $ANNA 1111" "ben $BEN 2222"; do
        # shellcheck disable=SC2086
        enrol_tapping $who || { bad "enrolment of $who"; finish; }
done
seat greeter # or it is there already: a tap more than the enrolment wanted brings one
await_seat "say Tap your badge"
full_sign_in anna 2001 $ANNA 1111
shows "anna is in" "2001 user"
A=$(session_of 2001)
mark_seat
seat greeter
await_seat "say Tap your badge"
full_sign_in ben 2002 $BEN 2222
shows "ben is in" "2002 user"
BB=$(session_of 2002)

echo "== from session to session by logind"
rest
mark_seat
before=$(event_count handoff)
tap $ANNA
await_seat "active $A 2001 user" || true
seen >over.log
expect "a transaction of Wardtap's own" "call 903 StartUnit wardtap-switch@2001-" over.log
expect "which let her in" "service ended with 0" over.log
expect "then logind" "call 903 ActivateSession $A" over.log
expect_not "and no display manager" "call 903 SwitchToUser" over.log
await_event handoff $((before + 1)) "a handoff"
await_event resume 1 "by a badge within grace" WARDTAP_SERVICE=wardtap-switch WARDTAP_USER=anna
is "PAM was asked before the screen changed" "unit active" \
        "$(awk '$2 == "unit" || ($2 == "active" && $5 == "user") {printf "%s%s", n++ ? " " : "", $2}' over.log)"

echo "== whom the account rules refuse is not shown"
account_rule pam_deny.so
rest
mark_seat
tap $BEN
await_seat "unit wardtap-switch@2002-.* ended with 2" || true
await_event alert 1 "an alert" WARDTAP_REASON=session-not-shown WARDTAP_USER=ben
read -rt 1 <> <(:) || true
shows "anna is still there" "2001 user"
seen >refused.log
expect_not "logind was not asked" "ActivateSession $BB" refused.log
account_rule pam_permit.so

echo "== nobody but wardtapd gets anything by that service"
mark_seat
status=0
"$B/helper/wardtap-switch" 2002 >own.out 2>&1 || status=$?
is "root's hand is refused" 1 "$status"
status=0
setpriv --reuid=2002 --regid=2000 --clear-groups "$B/helper/wardtap-switch" 2002-00112233445566778899aabbccddeeff >own.out 2>&1 || status=$?
is "so is her own" 1 "$status"
for wrong in "" 2002- -1 02002 2002-xyz "2002 " 4294967295; do
        status=0
        "$B/helper/wardtap-switch" "$wrong" >own.out 2>&1 || status=$?
        is "'$wrong' is no instance" 64 "$status"
done
status=0
"$B/helper/wardtap-switch" 77777 >own.out 2>&1 || status=$?
is "nor is it about a user that is not there" 4 "$status"
seen >own.log
expect_not "nothing was asked of anybody" "call 903 Activate\|StartUnit" own.log

echo "== without a display manager, SwitchEngine=auto"
sed -i '/^SwitchEngine/d' /etc/wardtap/wardtap.conf
wardtap policy apply --reason auto >/dev/null
seat vanish lightdm
rest
mark_seat
tap $BEN
await_seat "active $BB 2002 user" || true
shows "ben is shown by logind" "2002 user"
echo "== no prompt waits: logind's own terminal"
away
mark_seat
tap $BEN
await_seat "call 903 SwitchTo 6" || true
shows "nobody is on the screen" "-1 -"
seen >out.log
expect "first to where nothing is" "call 903 SwitchTo 63" out.log
is "and that is all" 0 "$(event_count guard-alert)"

echo "== a prompt begins to wait"
mark_seat
prompt tty2
await_seat "call 903 SwitchTo 2" || true
seat who
is "the seat that found none goes to the next that waits" 2 "${said##* }"
mark_seat
tap $ANNA
await_seat "active $A 2001 user" || true
shows "a tap at a prompt gives her open session back" "2001 user"
seen >prompt.log
expect "by PAM" "service ended with 0" prompt.log
await_event resume 1 "as a record of the prompt" WARDTAP_SERVICE=login WARDTAP_USER=anna
expect_not "no session begins at the prompt" "session open" prompt-tty2.out
expect_not "and it does not end" "result:" prompt-tty2.out
echo "== a program in her session cannot be a prompt there"
seat who
setpriv --reuid=2001 --regid=2000 --clear-groups "$B/tests/integration/pam_client" --service login --user anna \
        --tty "tty${said##* }" >thief.out 2>&1 &
unit_pid[thief]=$!
away
mark_seat
tap $ANNA
await_seat "call 903 SwitchTo 2" || true
shows "her tap is a tap-out, and leads to the prompt" "-1 -"
expect "and not the program's" "result: PAM_AUTHINFO_UNAVAIL" thief.out
is "nothing was refused meanwhile" 0 "$(event_count guard-alert)"

echo "== the terminal that is on the screen is not asked for again"
last_tap() { busctl --json=short get-property org.wardtap.Station1 /org/wardtap/Station1 org.wardtap.Station1 LastTapUSec; }
kill "${unit_pid[prompt-tty2]}"
wait "${unit_pid[prompt-tty2]}" 2>/dev/null || true
unset "unit_pid[prompt-tty2]"
away
mark_seat
tap $ANNA
await_seat "call 903 SwitchTo 6" && ok "nobody waits any more: a tap leads to logind's own terminal" || bad "a tap leads to logind's own terminal"
away
mark_seat
before=$(last_tap)
tap $BEN
[ "$(last_tap)" != "$before" ] && ok "the next tap is seen" || bad "the next tap is seen"
seat who
is "there" 6 "${said##* }"
seen >again.log
expect_not "and moves nothing" "SwitchTo" again.log

echo "== in the end"
[ "$failures" -eq 0 ] || journalctl -q -o cat --output-fields=WARDTAP_EVENT,WARDTAP_USER,WARDTAP_REASON,WARDTAP_SERVICE,WARDTAP_BADGE -o verbose _UID=903 | grep -E '^[A-Z][a-z]{2} |WARDTAP_(EVENT|USER|REASON|SERVICE|BADGE)='
chain_whole

stop_unit wardtapd
finish
