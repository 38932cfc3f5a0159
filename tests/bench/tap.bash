# SPDX-License-Identifier: Apache-2.0
# What tests/bench/tap measures, run inside tests/integration/world.
samples=$1

# percentiles: p50, p99 and the largest of the numbers on standard input (microseconds), in milliseconds.
percentiles() {
        sort -n | awk '{v[NR] = $1} END {
                printf "n=%d  p50 %.2f ms  p99 %.2f ms  max %.2f ms\n", NR, v[int((NR + 1) / 2)] / 1000,
                        v[int(NR * 0.99 + 0.999)] / 1000, v[NR] / 1000}'
}
# field NAME: of every sign-in and resume since $since, one a line.
field() {
        journalctl --sync
        journalctl -o json --after-cursor="$since" SYSLOG_IDENTIFIER=wardtapd WARDTAP_OUTCOME=0 |
                sed -n "s/.*\"$1\":\"\([0-9]*\)\".*/\1/p"
}
mark() {
        journalctl --sync
        since=$(journalctl -n 1 --show-cursor -o cat | sed -n 's/^-- cursor: //p')
}
# last_tap: when wardtapd last knew a badge.
last_tap() { busctl get-property org.wardtap.Station1 /org/wardtap/Station1 org.wardtap.Station1 LastTapUSec; }
# re_entry: a badge is laid down first; then the application starts, and the tap is already there.
re_entry() {
        local before
        before=$(last_tap)
        badge_in anna 04A1B2C3
        while [ "$(last_tap)" = "$before" ]; do :; done
        sign_in again --service lightdm --resume
        wait "${unit_pid[again]}"
        sed -n 's/.*PAM_SUCCESS.* in \(.*\) ms/\1/p' again.out | awk '{print int($1 * 1000)}' >>pam-usec
        badge_out anna
}

start_station
enrol anna 04A1B2C3 2468
key_in anna
mkfifo hold
exec 9<>hold
sign_in first --service lightdm --session --answer 2468 <hold 9>&-
await first.out "Tap your badge"
badge_in anna 04A1B2C3
await first.out "session open"
badge_out anna
key_out anna

echo "machine: $(nproc) cores, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), kernel $(uname -r)"
echo
echo "Re-entry under grace, badge on the reader, everything of ours from PAM start to verdict ($samples samples a row):"
badges=1
for add in 0:0 99999:9999 900000:90000; do
        n=${add%:*} people=${add#*:}
        [ "$n" = 0 ] || "$B/tests/bench/bench_fill" /var/lib/wardtap/people/people.db 901 "$badges" "$n" "$people"
        badges=$((badges + n))
        mark
        : >pam-usec
        for ((i = 0; i < samples; i++)); do re_entry; done
        printf '  %9d badges  PAM start to verdict  ' $badges
        percentiles <pam-usec
        printf '  %9s         card seen to verdict  ' ''
        field WARDTAP_TAP_TO_VERDICT_USEC | percentiles
done
