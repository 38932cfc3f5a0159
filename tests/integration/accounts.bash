# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# PAM's account rules are asked about those who are signed in: an account that has expired and a rule that forbids end
# sessions, an old password does not, nor does a PAM that is broken. On a seat without a VM, with the package's own stack
# and the system's own pam_unix. Run by `world`.
# shellcheck source=tests/integration/stage.bash
. "$T/integration/stage.bash"

CARL=04c1b2c5 DORA=04d1b2c6
people() {
        printf 'porters2:x:2011:dora\n' >>/etc/group
        echo 'dora:x:2004:2011:Dora Lind,,,:/nonexistent:/bin/sh' >>/etc/passwd
        sed -i '/^\(anna\|ben\|carl\|dora\):/d' /etc/shadow
        printf '%s:!:19000:0:99999:7:::\n' carl dora >>/etc/shadow
        printf '[Role %s]\nGroups=%s\nSignIn=badge\nTapOut=lock\n' porter porters guest porters2 >>/etc/wardtap/wardtap.conf
        sed -i 's/^RelyingParty=.*/&\nRecheck=1min/' /etc/wardtap/wardtap.conf
        stack
}
# stack [LINE...]: what is asked; the package's own, with a common-account of Debian's and these lines after it.
stack() {
        cat >/etc/pam.d/common-account <<-'P'
		account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so
		account requisite pam_deny.so
		account required pam_permit.so
		P
        [ $# -eq 0 ] || printf '%s\n' "$@" >>/etc/pam.d/common-account
        sed "s|pam_wardtap.so|$B/pam_module/pam_wardtap.so|" "$T/../packaging/wardtap-switch.pam" >/etc/pam.d/wardtap-switch
}
# shadow USER FIELD VALUE: one field of the account, counted as in shadow(5).
shadow() {
        awk -F: -v OFS=: -v u="$1" -v f="$2" -v v="$3" '$1 == u {$f = v} {print}' /etc/shadow >/run/world/shadow
        cat /run/world/shadow >/etc/shadow
}
comes() {
        next_reader=$(((next_reader + 1) % 7))
        mark_seat
        taps tap "Reader_$((4 + next_reader))" "$2"
        await_seat "active [^ ]+ $1 user" || true
}
# status_of UID: libpam itself forgets to free what it has read of a stack that cannot be read to its end.
status_of() {
        local status=0
        ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 "$B/helper/wardtap-switch" account "$1" >account.out 2>&1 || status=$?
        echo $status
}
# asked: wardtapd starts anew, which asks about everybody.
asked() {
        mark_seat
        kill -TERM "$(main_pid wardtapd)"
        await_seat "unit wardtap-account@$1.service ended with $2" 30 || true
}

start_stage people
for i in 2 3 4 5 6 7 8 9 10; do taps reader Reader_$i; done
enrol_tapping carl $CARL || { bad "enrolment of carl"; finish; }
enrol_tapping dora $DORA || { bad "enrolment of dora"; finish; }
seat greeter # or it is there already: a tap more than the enrolment wanted brings one
await_seat "say Tap your badge"

echo "== what PAM says, and what that is worth"
is "an account in order" 0 "$(status_of 2003)"
shadow carl 8 0
is "one that has expired is refused" 2 "$(status_of 2003)"
shadow carl 8 ""
shadow carl 5 1
is "a password that is too old is not" 0 "$(status_of 2003)"
shadow carl 5 99999
echo '- : carl : ALL' >/run/world/access
stack "account required pam_access.so accessfile=/run/world/access"
is "pam_access refuses him" 2 "$(status_of 2003)"
is "and not her" 0 "$(status_of 2004)"
printf 'wardtap-switch;*;carl;!Al0000-2400\n' >/etc/security/time.conf
stack "account required pam_time.so"
is "pam_time does" 2 "$(status_of 2003)"
for broken in pam_deny.so /no/such/module.so "$B/pam_module/pam_wardtap.so" pam_succeed_if.so\ uid\ eq\ 1; do
        stack "account required $broken"
        is "$broken says nothing about a person" 5 "$(status_of 2003)"
done
stack
mv /etc/shadow /etc/shadow.away
is "nor does a shadow file that is gone" 5 "$(status_of 2003)"
mv /etc/shadow.away /etc/shadow
printf '@include no-such-file\n' >>/etc/pam.d/common-account
is "nor a stack that cannot be read" 5 "$(status_of 2003)"
rm /etc/pam.d/common-account
is "nor one that is not there" 5 "$(status_of 2003)"
rm /etc/pam.d/wardtap-switch
printf 'account required pam_deny.so\n' >/etc/pam.d/other
is "nor what PAM says of a service that it does not know" 5 "$(status_of 2003)"
stack
is "somebody who is not there" 4 "$(status_of 77777)"
for wrong in "" 0 -1 02003 2003-00112233445566778899aabbccddeeff "2003 " 4294967295; do
        is "'$wrong' is nobody" 64 "$(status_of "$wrong")"
done

echo "== an account in order stays, at any start of wardtapd"
comes 2003 $CARL
shows "carl is there" "2003 user"
asked 2003 0
await_bus
seen >start.log
expect "one unit for him" "call 903 RestartUnit wardtap-account@2003.service" start.log
expect "which is taken away" "call 903 StopUnit wardtap-account@2003.service" start.log
expect_not "and none for her, who is not here" "account@2004" start.log
shows "he stays" "2003 user"

echo "== a PAM that is broken ends nobody"
stack "account required pam_deny.so"
asked 2003 5
await_bus
shows "he stays" "2003 user"
expect "and a line says so" "could not be asked about user 2003, who stays" /run/world/wardtapd.err
stack
shadow carl 5 1
asked 2003 0
await_bus
shows "nor does a password that is too old" "2003 user"
shadow carl 5 99999
is "nobody was signed out" 0 "$(event_count sign-out)"

echo "== an account that has expired, parked and on the screen: every Recheck="
C=$(session_of 2003)
comes 2004 $DORA
shows "dora is there, and his session is parked" "2004 user"
shadow carl 8 0
mark_seat
await_seat "removed $C 2003 user" 80 || true
is "his session ends" "account-refused node carl" "$(last_of sign-out REASON) $(last_of sign-out REQUESTOR) $(last_of sign-out USER)"
shows "hers does not" "2004 user"
D=$(session_of 2004)
shadow dora 8 0
mark_seat
await_seat "removed $D 2004 user" 80 || true
is "then hers, on the screen" "account-refused node dora" "$(last_of sign-out REASON) $(last_of sign-out REQUESTOR) $(last_of sign-out USER)"
wardtap why account-refused >why.out 2>&1 || cat why.out
expect "wardtap why explains it" "account rules of PAM refuse" why.out
is "nothing was refused meanwhile" 0 "$(event_count guard-alert)"

chain_whole
no_trespass
finish
