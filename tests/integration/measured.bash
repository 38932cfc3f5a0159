# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: Apache-2.0
# What is measured on a station fails where it should, with times that are made up: the table of tests/bench/station, and
# compare_times of tests/station/guest.bash. Run by `world`.

mkdir -p /run/world/bench
cd /run/world/bench
# shellcheck source=tests/bench/station-rows.bash
. "$T/bench/station-rows.bash"
rounds=3
# times ROW USEC...: three rounds that were let in
times() {
        local row=$1
        shift
        printf '%s\n' "$@" >"$row.usec"
        printf 'PAM_SUCCESS\n%.0s' "$@" >"$row.code"
        printf '4000\n%.0s' "$@" >"$row.kb"
        : >"$row.trips"
}
# fails NAME STATUS TEXT COMMAND...
fails() {
        local name=$1 status=$2 text=$3 got=0
        shift 3
        "$@" >/run/world/said 2>&1 || got=$?
        is "$name: exit code" "$status" "$got"
        expect "$name: what it says" "$text" /run/world/said
}
times permit 100 90 110
times u2f 9000 30000 31000
times wardtap 30000 25000 90000
fails "a row" 0 "Wardtap                                30.0     90.0     90.0     4000      +0   none" row wardtap Wardtap
is "not slower, by the median" 0 "$(not_slower wardtap u2f >/dev/null; echo $?)"
times wardtap 30001 25000 90000
fails "slower" 1 "SLOWER: wardtap took 1 us more than u2f" not_slower wardtap u2f
echo PAM_AUTH_ERR >>wardtap.code
sed -i 1d wardtap.code
echo "why" >wardtap.said
fails "a round that was refused" 1 "failed:       1 PAM_AUTH_ERR,      2 PAM_SUCCESS of 3" row wardtap Wardtap
expect "what was said" "  | why" /run/world/said
times wardtap 1 2
fails "a round that ended without a word" 1 "failed:       2 PAM_SUCCESS of 3" row wardtap Wardtap
rm wardtap.*
fails "a row that never began" 1 "failed:" row wardtap Wardtap
cd /run/world

# --- what the module adds to services that are not Wardtap's
: >/etc/pam.d/permits
[ -d /root ] && mount -t tmpfs tmpfs /root
printf 'auth required pam_permit.so\n' >/root/permits
(
        systemd-detect-virt() { echo none; }
        # shellcheck source=tests/station/guest.bash
        . "$T/station/guest.bash"
        module_everywhere() { everywhere=$1; }
        # pam_times, of which $1 and $2 are those of "permits", $3 and $4 those of sshd, without the module and with it
        play() {
                local a=$1 b=$2 c=$3 d=$4
                pam_times() {
                        [ $everywhere = on ] || { echo "permits $a" && echo "sshd $c"; return; }
                        [ -z "$b" ] || echo "permits $b"
                        [ -z "$d" ] || echo "sshd $d"
                }
                compare_times
        }
        fails "the same time" 0 "sshd: 400000 us without, 459999 us with: 59999 us more" play 100 5099 400000 459999
        fails "more than a tenth and 20 ms" 1 "sshd: 400000 us without, 460000 us with: 60000 us more" play 100 200 400000 460000
        fails "5 ms for a service that takes none" 1 "permits: 100 us without, 5100 us with" play 100 5100 400000 400000
        fails "a service that was not measured" 1 "permits:" play 100 200 400000 ''
        fails "nor at all" 1 "" play '' '' '' ''
        [ "$failures" = 0 ]
) || failures=$((failures + 1))
finish
