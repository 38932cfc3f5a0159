# SPDX-License-Identifier: Apache-2.0
# What tests/bench/tap measures, run inside tests/integration/world.
samples=$1 rounds=${2-11}

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
for add in ${3-0:0 99999:9999 900000:90000}; do
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

# --- one sign-in by a touch of the same key: pam_permit, pam_u2f and Wardtap
printf 'auth required pam_permit.so\n' >/etc/pam.d/bench-permit
printf 'auth required pam_u2f.so authfile=/etc/u2f_mappings origin=pam://bench appid=pam://bench\n' >/etc/pam.d/bench-u2f
printf 'auth required %s/pam_module/pam_wardtap.so\n' "$B" >/etc/pam.d/bench-wardtap
cp /etc/pam.d/bench-wardtap /etc/pam.d/bench-unnamed
cat >>/etc/wardtap/wardtap.conf <<'R'
[Service bench-wardtap]
Use=sign-in
SignIn=badge+key
R
exec 9>&- # the end of her session, so that no grace lets the badge do alone
wait "${unit_pid[first]}" || true
wardtap policy apply --reason "the bench" >/dev/null
preload=$B/tests/virtual/libvirtual-key-preload.so
key_in anna --attestation basic # pamu2fcfg refuses self attestation
LD_PRELOAD=$preload pamu2fcfg -u anna -o pam://bench -i pam://bench >/etc/u2f_mappings 2>/dev/null

# measure SERVICE [ENVIRONMENT]: sign-ins of Anna by that service, into SERVICE.usec and SERVICE.kb.
measure() {
        local service=$1 before
        shift
        if [ "$service" = bench-wardtap ]; then # the tap waits already, as a badge lies on the reader
                before=$(last_tap)
                badge_in anna 04A1B2C3
                while [ "$(last_tap)" = "$before" ]; do :; done
        fi
        env "$@" "$B/tests/integration/pam_client" --service "$service" --user anna --memory >measure.out 2>&1 || true
        sed -n 's/^result:.* in \(.*\) ms/\1/p' measure.out | awk '{print int($1 * 1000)}' >>"$service.usec"
        sed -n 's/^peak memory:[[:space:]]*\([0-9]*\) kB/\1/p' measure.out >>"$service.kb"
        sed -n 's/^result: \([A-Z_]*\).*/\1/p' measure.out >>"$service.code"
        [ "$service" != bench-wardtap ] || badge_out anna
}
median() { sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
trips() {
        : >key-anna.log
        measure "$@"
        cut -d' ' -f1 key-anna.log | tr '\n' ' '
}
row() {
        printf '  %-30s %-20s %8.2f ms  %6d kB  (pam_permit + %5d kB)  %s\n' "$1" "$(sort -u "$2.code" | tr '\n' ' ')" \
                "$(median <"$2.usec" | awk '{print $1 / 1000}')" "$(median <"$2.kb")" $(($(median <"$2.kb") - permit)) "$3"
}
# compare WHAT KEY-OPTIONS: all of them in turn, with the key behaving so.
compare() {
        local i u2f wardtap
        echo
        echo "One sign-in by touch of the same virtual key, $1, $rounds rounds in turn (median; memory is the caller's peak):"
        shift
        key_out anna
        key_in anna "$@"
        u2f=$(trips bench-u2f "LD_PRELOAD=$preload")
        wardtap=$(trips bench-wardtap A=b)
        rm -f ./*.usec ./*.kb ./*.code
        for ((i = 0; i < rounds; i++)); do
                measure bench-permit A=b
                measure bench-u2f "LD_PRELOAD=$preload"
                measure bench-wardtap A=b
                measure bench-unnamed A=b
        done
        permit=$(median <bench-permit.kb)
        row pam_permit bench-permit ""
        row "pam_u2f $(dpkg-query -W -f '${Version}' libpam-u2f)" bench-u2f "key: $u2f"
        row "Wardtap, badge and key" bench-wardtap "key: $wardtap"
        row "a service rules do not name" bench-unnamed "no process started"
}
compare "which answers at once"
compare "which takes 10 ms for each command, as USB keys do" --fault slow:10
