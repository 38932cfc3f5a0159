# SPDX-License-Identifier: Apache-2.0
# What packaging/demo shows, run inside tests/integration/world.
# shellcheck disable=SC2154

bold() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || bold() { printf '\n== %s\n' "$*"; }

site_rules() {
        cat >>/etc/wardtap/wardtap.conf <<-'R'
		[Role doctor]
		Groups=doctors
		SignIn=badge+key
		R
}
sed -i 's/^nurses:.*/nurses:x:2000:anna/; $adoctors:x:2002:ben' /etc/group
sed -i 's/^ben:x:2002:2000:/ben:x:2002:2002:/' /etc/passwd

# said NAME: what the screen said and how it ended, so far.
said() {
        sed -e 's/^/    /' -e 's/\(result: .*\) user= in \(.* ms\)$/\1, nobody is signed in (after \2, with the wait for the badge)/' \
                -e 's/\(result: .*\) user=\(.*\) in \(.* ms\)$/\1, \2 is signed in (after \3, with the wait for the badge)/' \
                "/run/world/$1.out"
}
# show NAME: waits for the end first; after a refusal the greeter would go on waiting for the next person.
show() {
        local file=/run/world/$1.out
        timeout 60 grep -qE -m1 'result:|screen \(error\)' < <(exec tail -n +1 -F --sleep-interval=0.05 "$file" 2>/dev/null) || true
        grep -q result: "$file" || kill "${unit_pid[$1]}" || true
        wait "${unit_pid[$1]}" 2>/dev/null || true
        said "$1"
}
# tap NAME BADGE-NAME NUMBER PAM-OPTIONS: somebody taps at the greeter, and waits for the verdict.
tap() {
        local name=$1 badge=$2 number=$3
        shift 3
        sign_in "$name" --service lightdm "$@"
        await "/run/world/$name.out" "Tap your badge"
        badge_in "$badge" "$number"
        show "$name"
        badge_out "$badge"
}

bold "A station: pcscd with a virtual reader, journald, the system bus, wardtap-device, wardtapd, wardtap-authd"
start_journald
start_dbus
start_pcscd
start_device
start_wardtapd
world_rules site_rules
start_authd
wardtap status | sed "s|^|    |" || true

bold "Enrolment: Anna Berg (nurse), Ben Okoro (doctor), and Carl Ruiz, for whom the rules have no role"
for who in anna:04A1B2C3:2468 ben:04D1E2F3A4B5C6:1357 carl:04C0FFEE:9753; do
        IFS=: read -r user number pin <<<"$who"
        enrol "$user" "$number" "$pin" || { cat "/run/world/enrol-$user.out"; exit 1; }
        [ "$user" != anna ] || sed 's/^/    /' /run/world/enrol-anna.out
done
wardtap badge list | sed 's/^/    /'

bold "1. Anna taps in: badge, key, PIN"
key_in anna
mkfifo anna-session
exec 9<>anna-session
sign_in first --service lightdm --session --answer 2468 <anna-session 9>&-
await first.out "Tap your badge"
badge_in anna 04A1B2C3
await first.out "session open" || true
badge_out anna
said first
key_out anna

bold "2. Anna taps again within grace: the badge alone re-opens her session"
tap second anna 04A1B2C3 --resume

bold "3. Ben taps in: badge, and a touch of his key"
key_in ben
tap third ben 04D1E2F3A4B5C6
key_out ben

bold "4. A badge that nobody enrolled"
tap fourth nobody 0499887766AABB

bold "5. Carl's badge: a person with no role here"
tap fifth carl 04C0FFEE

bold "6. Anna has signed out, and mistypes her PIN"
exec 9>&-
wait "${unit_pid[first]}" || true
key_in anna
tap sixth anna 04A1B2C3 --answer 1111
key_out anna
code=$(sed -n 's/.*Code \([0-9A-Z]*\).*/\1/p' sixth.out | head -n 1)
bold "What the help desk reads: wardtap why $code"
wardtap why "$code" | sed 's/^/    /'

bold "The audit records, as journalctl -x shows them"
journalctl --sync
journalctl -x --no-hostname -o short SYSLOG_IDENTIFIER=wardtapd | sed 's/^/    /'

bold "Tap to verdict, from the card's appearance to the decision on disk"
journalctl -o json SYSLOG_IDENTIFIER=wardtapd | python3 -c '
import json, sys
for line in sys.stdin:
    r = json.loads(line)
    if "WARDTAP_TAP_TO_VERDICT_USEC" in r:
        print("    %7.1f ms  %-13s %-28s %s" % (int(r["WARDTAP_TAP_TO_VERDICT_USEC"]) / 1000, r["WARDTAP_EVENT"],
              r.get("WARDTAP_USER", "-") + " (" + r.get("WARDTAP_FACTORS", "none") + ")", r.get("WARDTAP_REASON", "")))'

bold "That was all: everything has ended and nothing is left. To set up a real station, see README.md"
