# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# Rules and what is around them: approvers, exceptions that end, step-ups by polkit, keys whose maker is known, and the
# questions of wardtap policy. Run by `world`.

last() { records "WARDTAP_EVENT=$1" | tail -n 1 | python3 -c 'import json, sys
print(json.loads(sys.stdin.readline() or "{}").get("WARDTAP_" + sys.argv[1], ""))' "$2"; }
conf=/etc/wardtap/wardtap.conf
hash_in_force() { sha256sum /var/lib/wardtap/rules/current; }
authd_with_clock() { start_authd --env "LD_PRELOAD=$B/tests/integration/libclock-preload.so"; }
run() { # NAME WANTED COMMAND...
        local name=$1 wanted=$2 code=0
        shift 2
        "$@" >"$name.out" 2>&1 </dev/null || code=$?
        is "$name ends with $wanted" "$wanted" "$code"
}

world_users
start_journald
start_dbus
start_pcscd
start_device
start_wardtapd
world_rules
authd_with_clock
enrol anna 04a1b2c3 2468 || { cat enrol-anna.out; bad "enrolment of anna"; finish; }
sed "s|lightdm|polkit-1|" /etc/pam.d/lightdm >/etc/pam.d/polkit-1

echo "== author and approver"
before=$(hash_in_force)
printf '\n[Service polkit-1]\nUse=step-up\n' >>$conf
run self-approved 4 wardtap policy apply --reason polkit --author anna --approver Anna
expect "nobody approves herself" "Anna is the author of these rules and cannot approve them too. Name somebody else; the rules in force stay." self-approved.out
is "and nothing is changed" "$before" "$(hash_in_force)"
run approved 0 wardtap policy apply --reason polkit --author anna --approver jo.lead
is "the record says who approved" jo.lead "$(last policy-apply APPROVER)"
case $(last policy-apply DETAIL) in "author anna: polkit") ok "and who wrote them" ;; *) bad "and who wrote them" ;; esac

echo "== a sign-in that is none"
before=$(hash_in_force)
cp $conf good.conf
printf '[Service su]\nUse=sign-in\n' >>$conf
run su 1 wardtap policy apply --reason su
expect "su is a step-up" "su asks for an approval inside an open session and is no sign-in: write Use=step-up." su.out
is "and the rules stay" "$before" "$(hash_in_force)"
cp good.conf $conf

echo "== polkit: its helper is root, comes out of anna's login, and says who"
mkdir -p /run/systemd/users /run/systemd/sessions # anna's login, as logind keeps it
printf 'NAME=anna\nSTATE=active\nDISPLAY=c9\n' >/run/systemd/users/2001
printf 'UID=2001\nUSER=anna\nACTIVE=1\nIS_DISPLAY=1\nSTATE=active\nREMOTE=0\nTYPE=x11\nCLASS=user\nSEAT=seat0\n' >/run/systemd/sessions/c9
polkit() { # NAME ARGUMENTS...
        local name=$1
        shift
        (echo 2001 >/proc/self/loginuid && exec "$B/tests/integration/pam_client" --service polkit-1 --user anna "$@") >"$name.out" 2>&1 </dev/null
}
key_in anna
polkit polkit --answer 2468 || true
key_out anna
expect "the key and its PIN approve" "result: PAM_SUCCESS user=anna" polkit.out
expect "the prompt says what for" "Touch your key to approve polkit-1 as Anna Berg" polkit.out
is "an approval is recorded" polkit-1 "$(last approve SERVICE)"
is "with its level" 2 "$(last approve AAL)"
badge_in anna 04a1b2c3
timeout 20 "$B/tests/integration/pam_client" --service polkit-1 --user anna </dev/null >polkit-badge.out 2>&1 &
unit_pid[polkit-badge]=$!
await polkit-badge.out "Plug in your key to approve" && ok "without the key it is asked for" || bad "without the key it is asked for"
kill "${unit_pid[polkit-badge]}" 2>/dev/null || true
wait "${unit_pid[polkit-badge]}" 2>/dev/null || true
badge_out anna
expect_not "a badge approves nothing" PAM_SUCCESS polkit-badge.out

echo "== an exception"
day=$(date -d '+3 days' +%Y-%m-%d)
printf '[Exception late]\nOwner=jo.lead\nReason=x\nUntil=%s\nUsers=anna\nSignIn=badge\n' "$(date -d '+100 days' +%Y-%m-%d)" >>$conf
run too-long 1 wardtap policy check
expect "one must end within 90 days" "[Exception late] ends too late: write an Until= of at most 90 days from now" too-long.out
run too-long-applied 1 wardtap policy apply --reason "for ever"
case $(last policy-refused DETAIL) in "[Exception late] ends too late"*) ok "and that is recorded" ;; *) bad "and that is recorded" ;; esac
cp good.conf $conf
printf '[Exception new-key]\nOwner=jo.lead\nReason=Her key is in the post\nUntil=%s\nUsers=anna\nSignIn=badge\n' "$day" >>$conf
run exception 0 wardtap policy apply --reason exception
by_badge() { # NAME
        read -rt 3.2 <> <(:) || true # the badge of the sign-in before would be ignored
        sign_in "$1" --service lightdm # nameless, so that a badge read badly is followed by the next tap
        await "$1.out" "Tap your badge" || true
        badge_in anna 04a1b2c3
}
by_badge excepted
verdict excepted >/dev/null
badge_out anna
expect "the badge is enough" "result: PAM_SUCCESS user=anna" excepted.out
is "the record names the exception" new-key "$(last sign-in EXCEPTION)"
is "that less was shown" exception "$(last sign-in LOWERED)"
is "who answers for it" jo.lead "$(last sign-in ISSUER)"
is "and no level" 0 "$(last sign-in AAL)"
wardtap why "$(last sign-in CODE)" >why.out 2>&1 || cat why.out
expect "the help desk reads it too" "Lowered:  exception, new-key, answered for by jo.lead" why.out
run explained 0 wardtap policy explain --user anna --service lightdm --evidence badge --at "$(date '+%Y-%m-%d %H:%M')"
expect "and whoever asks the rules" "by the exception new-key, for which jo.lead answers: badge was enough." explained.out

echo "== a clock that nobody keeps brings no exception"
: >/run/wardtap/clock-is-lost
by_badge clockless
await clockless.out "plug in your key" && ok "the key is wanted" || bad "the key is wanted (denied: $(last denied REASON))"
kill "${unit_pid[clockless]}" 2>/dev/null || true
wait "${unit_pid[clockless]}" 2>/dev/null || true
badge_out anna
rm /run/wardtap/clock-is-lost

echo "== it is over"
sed -i "s/^Until=.*/Until=$(date -d '1 minute ago' '+%Y-%m-%d %H:%M')/" $conf
run ended 0 wardtap policy apply --reason "over"
expect "policy says so" "Note: [Exception new-key] has ended" ended.out
by_badge over
await over.out "plug in your key" && ok "the key is wanted again" || bad "the key is wanted again"
kill "${unit_pid[over]}" 2>/dev/null || true
wait "${unit_pid[over]}" 2>/dev/null || true
badge_out anna
cp good.conf $conf

echo "== who made the key"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 30 \
        -subj "/C=XX/O=Vendor/CN=Vendor Root" 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout leaf.key -out leaf.csr \
        -subj "/C=XX/O=Vendor/OU=Authenticator Attestation/CN=Model 5" 2>/dev/null
printf 'basicConstraints=critical,CA:FALSE\n1.3.6.1.4.1.45724.1.1.4=DER:0410%s\n' "$(printf 'Wardtap test key' | od -An -tx1 | tr -d ' \n')" >leaf.ext
openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile leaf.ext -outform DER -out leaf.der 2>/dev/null
openssl ec -in leaf.key -outform DER -out key.der 2>/dev/null
mkdir -p /etc/wardtap/attestation.d
chmod 0755 /etc/wardtap/attestation.d
install -m 0644 ca.pem /etc/wardtap/attestation.d/vendor.pem
sed -i 's/^Groups=nurses$/Groups=nurses\nKeyAttested=yes/' $conf
run demanded 0 wardtap policy apply --reason "only keys whose maker is known"
wardtap person add ben >person.out 2>&1
key_as() { # NAME KEY-OPTIONS...
        local name=$1
        shift
        key_in "$name" "$@"
        "$B/tests/integration/pty_say" --timeout 30 "PIN=13579" "PIN=13579" -- wardtap key enrol ben >"enrol-$name.out" 2>&1 || true
        key_out "$name"
}
key_as self
expect "a key that vouches for itself is refused" "The role nurse wants a key whose maker vouches for it, and no root in /etc/wardtap/attestation.d knows this one." enrol-self.out
key_as stranger --attestation basic
expect "so is a stranger's" "The role nurse wants a key whose maker vouches for it" enrol-stranger.out
is "and none is enrolled" "[]" "$(wardtap key list ben --json | tr -d '\n ')"
key_as vendor --attestation basic --attest-cert leaf.der --attest-key key.der
expect "the vendor's is known" "Its maker is known: Vendor Root." enrol-vendor.out
expect "and enrolled" "Ben Okoro (ben) now holds key" enrol-vendor.out
wardtap key list ben --json >keys.out
expect "as attested" '"attested":true' keys.out
case $(last key-enrol DETAIL) in *"attested by Vendor Root") ok "the record says by whom" ;; *) bad "the record says by whom" ;; esac
key_in anna
sign_in unknown-maker --service sudo --user anna --answer 2468
verdict unknown-maker >/dev/null
key_out anna
is "a key of before cannot be used now" key-unusable "$(last denied REASON)"
key_in vendor --attestation basic
sign_in known-maker --service sudo --user ben --answer 13579
verdict known-maker >/dev/null
key_out vendor
expect "the vendor's can" "result: PAM_SUCCESS user=ben" known-maker.out
is "and reaches the highest level" 3 "$(last approve AAL)"
chmod 0777 /etc/wardtap/attestation.d
key_as loose --attestation basic --attest-cert leaf.der --attest-key key.der
expect "a folder that others may write is not believed" "/etc/wardtap/attestation.d cannot be used" enrol-loose.out
chmod 0755 /etc/wardtap/attestation.d
cp good.conf $conf
run known-again 0 wardtap policy apply --reason "as before"

echo "== questions"
old=$(sed -n 's/.*\tapplied\t\([0-9a-f]*\)\t.*/\1/p' /var/lib/wardtap/rules/archive/log | tail -n 1)
sed -i 's/^SignIn=badge+key+verify$/SignIn=badge+key\nApproves=recover/' $conf
run diff 0 wardtap policy diff "${old:0:12}" $conf --people
expect "what is asked for is less" "Gain: [Role nurse] SignIn= is badge+key; before, badge+key+verify." diff.out
expect "by whom" "Gain: anna at lightdm with badge+key: Allowed as nurse" diff.out
expect "how many" "People whose sign-ins change at this station: 1." diff.out
run diff-json 0 wardtap policy diff "${old:0:12}" $conf --people --json
python3 -c 'import json; d = json.load(open("diff-json.out")); assert d["outcomes"][0]["user"] == "anna", d' && ok "the same in JSON" || bad "the same in JSON"
run who 0 wardtap policy who-can recover --file $conf
expect "who could recover" "anna" who.out
expect "enough of them" "ben" who.out
expect_not "nobody else" "carl" who.out
run who-role 0 wardtap policy who-can nurse --json
expect "who is a nurse" '"user":"ben"' who-role.out
run who-nobody 0 wardtap policy who-can ticket
expect "who could give out tickets" "There are none." who-nobody.out
cat >cases <<'C'
# the ward's own
groups=nurses service=lightdm evidence=badge => need-verify role=nurse
groups=nurses service=sudo evidence=badge => need-verify
groups=porters service=lightdm => deny no-role
C
run cases 0 wardtap policy test cases
expect "the cases hold" "All 3 cases come out as expected" cases.out
run cases-new 1 wardtap policy test cases --file $conf
expect "and do not by other rules" "cases:2: the verdict is need-key, not need-verify" cases-new.out
expect "which is told in words" "A touch of the key is needed as nurse." cases-new.out

echo "== the group vanishes"
sed -i '/^nurses:/d' /etc/group
sign_in vanished --service lightdm --user anna
verdict vanished >/dev/null
is "so does the role" no-role "$(last denied REASON)"
finish
