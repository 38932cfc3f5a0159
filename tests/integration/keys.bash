# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# Every way in which a FIDO2 key may answer, through the whole station: what the person reads, what is recorded, how
# many round trips it took; and nothing but a right answer lets anybody in. Runs in `world`.

start_station
enrol anna 04A1B2C3 2468 || { cat enrol-anna.out; bad "enrolment"; finish; }

# try NAME KEY-OPTIONS...: sudo as Anna with her key behaving so; prints the result's code.
try() {
        local name=$1
        shift
        : >key-anna.log
        key_in anna "$@"
        sign_in "$name" --service sudo --user anna --answer "${pin-2468}"
        await "$name.out" result: 45
        sed -n 's/^result: \([A-Z_]*\).*/\1/p' "$name.out"
        key_out anna
}
reason() { records -n 1 | sed -n 's/.*"WARDTAP_REASON":"\([^"]*\)".*/\1/p'; }
forget_failures() { stop_unit authd; python3 -c 'import sqlite3
db = sqlite3.connect("/var/lib/wardtap/state/state.db")
db.execute("UPDATE history SET failures = 0"); db.commit()'; start_authd; }

is "a right answer" PAM_SUCCESS "$(try right)"
expect "she reads what for" "Touch your key to approve sudo as Anna Berg" right.out
echo "commands with PIN: $(cut -d' ' -f1 key-anna.log | tr '\n' ' ')"

for fault in wrong-signature wrong-credential-id uv-clear up-clear counter-back wrong-rp truncated-cbor \
        garbage-cbor other-key u2f-only info-fails; do
        is "$fault" PAM_AUTH_ERR "$(try "$fault" --fault "$fault")"
        expect "$fault: she reads a code" " Code " "$fault.out"
        case $fault in
        wrong-signature | wrong-rp | other-key) want=key-forged ;;
        up-clear) want='key-no-presence|key-forged' ;;
        uv-clear) want='key-no-verification|key-forged' ;;
        counter-back) want=key-counter ;;
        *) want=. ;;
        esac
        got=$(reason)
        if grep -qE "^($want)" <<<"$got"; then ok "$fault is recorded as $got"; else bad "$fault is recorded as '$got', wanted $want"; fi
        forget_failures
done

is "bytes after the answer change nothing that was signed" PAM_SUCCESS "$(try extra --fault extra-cbor)"

is "a key that is never touched" PAM_AUTH_ERR "$(try untouched --touch never --touch-timeout 1500 --timeout-error 2f)"
is "recorded so" key-not-touched "$(reason)"

key_in anna --touch signal
sign_in pulled --service sudo --user anna --answer 2468
await key-anna.out touch-wanted
key_out anna
begun=$(date +%s%N)
await pulled.out result: 5
is "a key pulled during the touch" PAM_AUTH_ERR "$(sed -n 's/^result: \([A-Z_]*\).*/\1/p' pulled.out)"
took=$((($(date +%s%N) - begun) / 1000000))
[ $took -lt 1000 ] && ok "ends within 1 s ($took ms)" || bad "took $took ms"
is "recorded so" key-removed "$(reason)"
expect "she reads a code" " Code " pulled.out
key_in anna --touch signal
sign_in badge-pulled --service lightdm --answer 2468
await badge-pulled.out "Tap your badge"
badge_in anna 04A1B2C3
await key-anna.out touch-wanted
key_out anna
await badge-pulled.out "screen (error): Your key was taken out. Put it back and tap again."
is "with her badge she reads why, and may tap again" "waits on" "$(turned_away badge-pulled)"
badge_out anna
is "and the next try works" PAM_SUCCESS "$(try after)"

failures() { python3 -c 'import sqlite3
print(sqlite3.connect("/var/lib/wardtap/state/state.db").execute("SELECT total(failures) FROM history").fetchone()[0])'; }
forget_failures
key_in stranger --pin 1111
sign_in stranger --service sudo --user anna --answer 2468
await stranger.out result:
is "a stranger's key" PAM_AUTH_ERR "$(sed -n 's/^result: \([A-Z_]*\).*/\1/p' stranger.out)"
is "recorded so" key-not-yours "$(reason)"
expect_not "and no PIN is asked for it" prompt: stranger.out
key_out stranger
key_in stranger --uv yes --finger wrong
sign_in stranger --service sudo --user anna
await stranger.out result:
is "a wrong finger on a stranger's key is recorded so" key-not-yours "$(reason)"
key_out stranger
is "neither counts as a failure of hers" 0.0 "$(failures)"

pin=0000
is "a wrong PIN" PAM_AUTH_ERR "$(try wrong1)"
expect "says how many tries are left" "PIN wrong. 7 tries left." wrong1.out
is "counts" 1.0 "$(failures)"
unset pin
is "the right one sets it back" PAM_SUCCESS "$(try right2)"

key_in anna --uv yes
: >key-anna.log
sign_in finger --service sudo --user anna
await finger.out result:
is "a fingerprint needs no PIN" PAM_SUCCESS "$(sed -n 's/^result: \([A-Z_]*\).*/\1/p' finger.out)"
expect_not "and asks for none" prompt: finger.out
key_out anna
forget_failures
is "a finger the key does not know" PAM_AUTH_ERR "$(pin=x try finger2 --uv yes --finger wrong)"

grep -hE "ERROR: AddressSanitizer|runtime error" ./*.err && bad "a sanitizer complains" || ok "no complaint of the sanitizers"
finish
