# SPDX-License-Identifier: Apache-2.0
# What tests/bench/station measures, inside the station.
#
#   station.bash ROUNDS MILLISECONDS...     NO_CARD: why there is none for pam_pkcs11
#
# Fails where a row failed, or where Wardtap was slower than pam_u2f with the same kind of sign-in.
# shellcheck shell=bash
set -euo pipefail
# shellcheck source=tests/station/guest.bash
. /opt/station/guest.bash
# shellcheck source=tests/bench/station-rows.bash
. /opt/station/station-rows.bash
rounds=$1
shift
mkdir -p $W/bench
cd $W/bench

# A service for each row; the lines are those of each module's own manual.
stack() { printf 'auth required %s\n' "$2" >"/etc/pam.d/bench-$1"; }
stack permit pam_permit.so
stack u2f "pam_u2f.so authfile=/etc/u2f-touch origin=pam://bench appid=pam://bench"
stack u2f-pin "pam_u2f.so authfile=/etc/u2f-pin origin=pam://bench appid=pam://bench pinverification=1"
stack pkcs11 "pam_pkcs11.so nodebug config_file=/etc/pam_pkcs11/pam_pkcs11.conf"
stack wardtap pam_wardtap.so
stack wardtap-pin pam_wardtap.so
cat >>/etc/wardtap/wardtap.conf <<'R'
[Service bench-wardtap]
Use=sign-in
SignIn=badge+key
[Service bench-wardtap-pin]
Use=sign-in
SignIn=key+verify
R
systemctl stop lightdm # its greeter would wait for the taps, too
wardtap policy apply --reason "the bench" >/dev/null

# Anna's key holds a credential for pam_u2f beside the one for Wardtap. pamu2fcfg refuses self attestation.
key_in anna --attestation basic
pamu2fcfg -u anna -o pam://bench -i pam://bench >/etc/u2f-touch
pamu2fcfg -N -u anna -o pam://bench -i pam://bench >/etc/u2f-pin

# The card of pam_pkcs11: its certificate names her.
mkdir -p /etc/pam_pkcs11/cacerts /etc/pam_pkcs11/crls
cat >/etc/pam_pkcs11/pam_pkcs11.conf <<'C'
pam_pkcs11 {
  nullok = true;
  debug = false;
  use_pkcs11_module = opensc;
  pkcs11_module opensc {
    module = /usr/lib/x86_64-linux-gnu/opensc-pkcs11.so;
    description = "OpenSC";
    slot_num = 0;
    support_threads = false;
    ca_dir = /etc/pam_pkcs11/cacerts;
    crl_dir = /etc/pam_pkcs11/crls;
    cert_policy = signature;
  }
  use_mappers = cn;
  mapper cn {
    debug = false;
    module = internal;
    ignorecase = true;
    mapfile = "none";
  }
}
C

last_tap() { busctl get-property org.wardtap.Station1 /org/wardtap/Station1 org.wardtap.Station1 LastTapUSec; }
lay_badge() {
        local before
        before=$(last_tap)
        $V/badge --number 04A1B2C3 >badge.out 2>&1 &
        badge=$!
        await 30 "the tap" eval "[ \"\$(last_tap)\" != '$before' ]"
}
lift_badge() {
        kill "$badge"
        wait "$badge" 2>/dev/null || true
        timeout 20 $V/reader_empty "Virtual PCD 00 00"
}
# once ROW: one sign-in of Anna; appends to ROW.usec, ROW.kb, ROW.code, and leaves the key's commands in ROW.trips.
once() {
        local row=$1
        [ "$row" != wardtap ] || lay_badge # the tap waits already, as when the badge lies on the reader
        : >"$W/key-anna.log"
        $V/pam_client --service "bench-$row" --user anna --answer 2468 --memory >once.out 2>&1 || true
        [ "$row" != wardtap ] || lift_badge
        cut -d' ' -f1 "$W/key-anna.log" | paste -sd' ' >"$row.trips"
        sed -n 's/^result:.* in \(.*\) ms/\1/p' once.out | awk '{print int($1 * 1000)}' >>"$row.usec"
        sed -n 's/^peak memory:[[:space:]]*\([0-9]*\) kB/\1/p' once.out >>"$row.kb"
        sed -n 's/^result: \([A-Z_]*\).*/\1/p' once.out >>"$row.code"
        grep -q PAM_SUCCESS once.out || cp once.out "$row.said"
}
table() {
        local i name
        echo
        echo "$1"
        shift
        key_out anna
        key_in anna "$@"
        rm -f ./*.usec ./*.kb ./*.code ./*.said
        for name in "${rows[@]}"; do once "$name"; done # for the caches
        rm -f ./*.usec ./*.kb ./*.code ./*.said
        for ((i = 0; i < rounds; i++)); do
                for name in "${rows[@]}"; do once "$name"; done
        done
        printf '%-34s %8s %8s %8s   %6s  %6s   %s\n' "" median p90 largest memory above "CTAP round trips"
        printf '%-34s %8s %8s %8s   %6s  %6s\n' "" ms ms ms kB permit
        row permit pam_permit || bad=1
        row u2f "pam_u2f $(dpkg-query -W -f '${Version}' libpam-u2f), touch" || bad=1
        row wardtap "Wardtap, badge and touch" || bad=1
        row u2f-pin "pam_u2f, PIN and touch" || bad=1
        row wardtap-pin "Wardtap, PIN and touch" || bad=1
        if [ -z "${NO_CARD-}" ]; then
                row pkcs11 "pam_pkcs11 $(dpkg-query -W -f '${Version}' libpam-pkcs11), card and PIN" || bad=1
        else
                printf '%-34s %s\n' "pam_pkcs11" "$NO_CARD"
        fi
        not_slower wardtap u2f || bad=1
        not_slower wardtap-pin u2f-pin || bad=1
}

bad=0
rows=(permit u2f wardtap u2f-pin wardtap-pin)
[ -n "${NO_CARD-}" ] || rows+=(pkcs11)
echo "One sign-in, from PAM's start to the verdict, with one virtual key as a hidraw device; $rounds rounds, all rows in turn."
echo "The memory is the peak of the calling process. The machine: $(nproc) emulated or virtual cores, kernel $(uname -r)."
table "The key answers at once:"
for ms; do
        table "The key takes $ms ms for each command (a true one: 1 to 5 ms for each packet of 64 bytes, and its signature):" --fault "slow:$ms"
done
exit $bad
