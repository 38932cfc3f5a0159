# SPDX-License-Identifier: Apache-2.0
# How long `wardtap audit verify` and `list` take, and how much memory, for a journal of RECORDS records (default
# 100,000) among as many entries of others. Run by tests/bench/audit.

records=${1:-100000}
for program in jq python3 setpriv /usr/bin/time; do
        command -v "$program" >/dev/null || { echo "skipped: $program is not installed"; exit 77; }
done
start_journald
start_dbus

# What wardtapd would write in months, in its name (a copy of Python that is called wardtapd, with its user), at once.
cp "$(realpath /usr/bin/python3)" /run/world/wardtapd
cat >/run/world/shift.py <<'P'
import hashlib, socket, sys, time
records, journal = int(sys.argv[1]), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
journal.connect("/run/systemd/journal/socket")
ids = dict(line.split() for line in sys.stdin)
people = ["anna", "ben", "carl", "dörte", "eve"]
prev, epoch, now = "0" * 64, "5eed" * 8, int(time.time() * 1e6) - records * 100000
def send(r, chained=True):
    global prev
    r["MESSAGE_ID"] = ids[r["WARDTAP_EVENT"]]
    text = "".join("%s=%s\n" % (k, r[k]) for k in sorted(r))
    r["WARDTAP_PREV"], prev = prev, hashlib.sha256(bytes.fromhex(prev) + text.encode()).hexdigest()
    journal.send(("SYSLOG_IDENTIFIER=wardtapd\nPRIORITY=5\nMESSAGE=x\n" + "".join("%s=%s\n" % i for i in r.items())).encode())
for seq in range(1, records + 1):
    who, was = people[seq // 3 % 5], people[(seq // 3 - 1) % 5]
    r = {"WARDTAP_OUTCOME": "0", "WARDTAP_STATION": "ward3-bay2", "WARDTAP_STATION_ID": "1d" * 16, "WARDTAP_TAGS": "acute ward3",
         "WARDTAP_CLOCK_SYNC": "yes", "WARDTAP_EPOCH": epoch, "WARDTAP_SEQ": str(seq), "WARDTAP_TIME_USEC": str(now + seq * 100000),
         "WARDTAP_ATTEMPT": "%032x" % seq, "WARDTAP_CODE": "7QF2M3", "WARDTAP_POLICY": "ab" * 32, "WARDTAP_SEAT": "seat0"}
    if seq % 3 == 0:
        r |= {"WARDTAP_EVENT": "lock", "WARDTAP_USER": was, "WARDTAP_UID": "2001", "WARDTAP_FROM_SESSION": "c4",
              "WARDTAP_REASON": "idle" if seq % 2 else "tap-over", "WARDTAP_REQUESTOR": "node"}
    elif seq % 3 == 1:
        r |= {"WARDTAP_EVENT": "resume", "WARDTAP_USER": who, "WARDTAP_UID": "2001", "WARDTAP_ROLE": "nurse", "WARDTAP_FACTORS": "none",
              "WARDTAP_AAL": "0", "WARDTAP_GRACE": "%ds" % (seq % 40000), "WARDTAP_SERVICE": "lightdm", "WARDTAP_BADGE": "7K2M9QXB",
              "WARDTAP_TAP_TO_VERDICT_USEC": "8100", "WARDTAP_READER": "ACS ACR122U 00 00"}
    else:
        r |= {"WARDTAP_EVENT": "handoff", "WARDTAP_USER": who, "WARDTAP_UID": "2001", "WARDTAP_FROM_USER": was, "WARDTAP_FROM_SESSION": "c4",
              "WARDTAP_TO_SESSION": "c5", "WARDTAP_FACTORS": "badge+key+verify", "WARDTAP_AAL": "2",
              "WARDTAP_TAP_TO_VERDICT_USEC": "812000", "WARDTAP_TAP_TO_SESSION_USEC": "1240000"}
    send(r)
    journal.send(b"MESSAGE=something else that a station says\nSYSLOG_IDENTIFIER=other\n")
P
sed -nE 's/^ *X\([A-Z_]*, "([a-z-]*)", "([0-9a-f]{32})".*/\1 \2/p' "$T/../common/record.h" |
        setpriv --reuid=wardtapd --regid=wardtapd --clear-groups /run/world/wardtapd /run/world/shift.py "$records"
journalctl --sync
echo "$records records and as many other entries: $(du -sh /run/log/journal | cut -f1) of journal"

# measure NAME COMMAND...
measure() {
        local name=$1
        shift
        /usr/bin/time -o time.out -f "%e s (%U user, %S system), %M KB" "$@" >"$name.out" 2>&1 || true
        echo "$name: $(tail -n 1 time.out)"
}
measure verify wardtap audit verify --to "$records"
tail -n 3 verify.out | head -n 1
measure list wardtap audit list --since 2000-01-01
tail -n 4 list.out
journalctl -o export | sed 's#^_EXE=.*/wardtapd$#_EXE=/usr/libexec/wardtap/wardtapd\n_SYSTEMD_UNIT=wardtapd.service#' >all.export
measure verify-file wardtap audit verify --file all.export
tail -n 3 verify-file.out | head -n 1
exit 0
