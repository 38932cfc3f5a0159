# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# The handoff on a seat without a VM: taps at the greeter and at open sessions, by people whose proof is good and by
# others, while logind, LightDM or wardtapd go away and come back. Run by `world`; TAP_SECONDS is how long taps pour in,
# TRIES how often each way to somebody's session is tried.
# shellcheck source=tests/integration/stage.bash
. "$T/integration/stage.bash"

CARL=04c1b2c5 DORA=04d1b2c6 ERIN=04e1b2c7
: "${TAP_SECONDS:=5}" "${TRIES:=5}"

people() {
        sed -i 's/^nurses:.*/nurses:x:2000:anna,ben,dora,erin,fred/' /etc/group
        cat >>/etc/passwd <<-'P'
		dora:x:2004:2000:Dora Lind,,,:/nonexistent:/bin/sh
		erin:x:2005:2000:Erin Wolf,,,:/nonexistent:/bin/sh
		fred:x:2006:2000:Fred Amari,,,:/nonexistent:/bin/sh
		P
        sed -i "s/^Tags=ward3.*/&\nMaxSessions=64/" /etc/wardtap/wardtap.conf
        cat >>/etc/wardtap/wardtap.conf <<-'R'
		[Role porter]
		Groups=porters
		SignIn=badge
		TapOut=sign-out
		R
}

start_stage people
for i in 2 3 4 5 6 7 8 9 10; do taps reader Reader_$i; done
for who in "anna $ANNA 1111" "ben $BEN 2222" "carl $CARL" "dora $DORA 4444" "erin $ERIN"; do
        # shellcheck disable=SC2086
        enrol_tapping $who || { bad "enrolment of $who"; finish; }
done
seat greeter # or it is there already: a tap more than the enrolment wanted brings one
await_seat "say Tap your badge"

echo "== tap-in, and the same badge again"
full_sign_in anna 2001 $ANNA 1111
shows "a full sign-in opens her session" "2001 user"
await_event sign-in 1 "with a record"
tap $ANNA
read -rt 1 <> <(:) || true
shows "her badge is ignored for 3 s" "2001 user"
is "and no tap-out is recorded" 0 "$(event_count tap-out)"
A=$(session_of 2001)

echo "== tap-out, and back under grace"
rest
mark_seat
tap $ANNA
await_seat 'active .* greeter' || true
shows "a tap-out locks: the greeter is shown" "910 greeter"
await_event tap-out 1 "a tap-out is recorded"
rest
mark_seat
tap $ANNA
await_seat "active $A 2001 user" || true
is "under grace the badge gives the same session back" "$A" "$(session_of 2001)"
await_event unlock 1 "an unlock is recorded"

echo "== tap-over: ben has not signed in yet, so the greeter is shown, for his key"
key_in ben
seat answer 2222
mark_seat
tap $BEN
await_seat 'active [^ ]+ 2002 user' 20 || true
seat answer
key_out ben
shows "ben is at the seat" "2002 user"
seen >ben.log
expect "by way of the greeter" " greeter" ben.log
expect "where his PIN was asked for" "Ben Okoro" ben.log
await_event handoff 1 "one handoff"
is "from anna" anna "$(last_of handoff FROM_USER)"
is "to ben" ben "$(last_of handoff USER)"
is "from her session" "$A" "$(last_of handoff FROM_SESSION)"
BB=$(session_of 2002)
is "to his" "$BB" "$(last_of handoff TO_SESSION)"
is "by his key" "key+verify" "$(last_of handoff FACTORS)"
is "so at that level" 2 "$(last_of handoff AAL)"
verdict=$(last_of handoff TAP_TO_VERDICT_USEC) session=$(last_of handoff TAP_TO_SESSION_USEC)
if [ "${verdict:-0}" -gt 0 ] && [ "${session:-0}" -gt "$verdict" ]; then ok "from the tap to the verdict, then to the session"; else
        bad "from the tap to the verdict: $verdict us, to the session: $session us"
fi

echo "== tap-over under grace goes straight"
rest
mark_seat
tap $ANNA
await_seat "active $A 2001 user" || true
seen >over.log
expect_not "no greeter in between" "greeter" over.log
expect "her session is asked for" "call 903 SwitchToUser anna" over.log
await_event handoff 2 "a handoff again"
is "from ben" ben "$(last_of handoff FROM_USER)"
is "by her badge alone, which proves nothing" none "$(last_of handoff FACTORS)"
is "and reaches no level" 0 "$(last_of handoff AAL)"
if [ -n "$(last_of handoff GRACE)" ]; then ok "so by grace"; else bad "no grace in the record"; fi

echo "== tap-out that signs out"
rest
mark_seat
tap $CARL
await_seat 'active [^ ]+ 2003 user' || true
shows "carl needs no key" "2003 user"
await_event handoff 3 "a handoff to him"
rest
mark_seat
tap $CARL
await_seat 'removed [^ ]+ 2003 user' || true
await_event sign-out 1 "his tap-out ends his session"
await_seat 'active .* greeter' || true
shows "and leaves the greeter" "910 greeter"

echo "== TapOut=nothing"
sed -i 's/^TapOut=lock/TapOut=nothing/' /etc/wardtap/wardtap.conf
wardtap policy apply --reason "nothing" >/dev/null
rest
mark_seat
tap $ANNA
await_seat "active $A 2001 user" || true
rest
tap $ANNA
read -rt 1 <> <(:) || true
shows "her tap at her own session does nothing" "2001 user"
sed -i 's/^TapOut=nothing/TapOut=lock/' /etc/wardtap/wardtap.conf
wardtap policy apply --reason "lock" >/dev/null

echo "== the guard"
# intrude SESSION NAME: root shows a parked session; the seat must leave it, with an alert.
intrude() {
        local before
        before=$(event_count guard-alert)
        mark_seat
        printf '0 intrude %s\n' "$1" >>station.log
        seat activate "$1"
        await_seat 'active .* greeter' 5 || true
        shows "$2: the greeter is in front" "910 greeter"
        await_event guard-alert $((before + 1)) "$2: an alert"
        seen | awk -v id="$1" '$2 == "active" && $3 == id {at = $1} $2 == "active" && $3 != id && at {
                printf "   %s was on the screen for %.1f ms\n", id, ($1 - at) / 1000; exit}'
}
intrude "$BB" "ben's parked session shown by root"
rest
mark_seat
tap $ANNA
await_seat "active $A 2001 user" || true
shows "the next tap works" "2001 user"

echo "== $TRIES tries of each way to a parked session"
# as_ben DESTINATION PATH INTERFACE METHOD ARGUMENTS: a program in ben's session.
as_ben() { setpriv --reuid=2002 --regid=2000 --clear-groups busctl --timeout=5 call "$@" 2>&1; }
denied=0
for ((k = 0; k < TRIES; k++)); do
        for call in "org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager ActivateSession s $BB" \
                "org.freedesktop.login1 /org/freedesktop/login1/seat/seat0 org.freedesktop.login1.Seat SwitchTo u 8" \
                "org.freedesktop.DisplayManager /org/freedesktop/DisplayManager/Seat0 org.freedesktop.DisplayManager.Seat SwitchToUser ss ben -" \
                "org.freedesktop.DisplayManager /org/freedesktop/DisplayManager/Seat0 org.freedesktop.DisplayManager.Seat SwitchToGreeter"; do
                # shellcheck disable=SC2086
                case $(as_ben $call) in *denied* | *rejected*) denied=$((denied + 1)) ;; esac
        done
done
is "whoever is not root or wardtapd is refused by the bus and by polkit" $((4 * TRIES)) $denied
shows "anna is still in front" "2001 user"
before=$(event_count guard-alert)
vt=$(sed -n 's/^VTNR=//p' "/run/systemd/sessions/$BB")
mark_seat
for ((k = 0; k < TRIES; k++)); do
        printf '0 intrude %s\n' "$BB" >>station.log
        if [ $((k % 2)) = 0 ]; then seat vt "$vt"; else seat activate "$BB"; fi
        end=$((SECONDS + 5))
        until case $(on_screen) in *greeter) true ;; *) [ $SECONDS -ge $end ] ;; esac; do :; done
done
await_event guard-alert $((before + TRIES)) "each try by root is an alert"
is "and no other" $((before + TRIES)) "$(event_count guard-alert)"
shows "in the end the greeter is there" "910 greeter"
seen | awk -v id="$BB" '$2 == "active" && $3 == id {at = $1} $2 == "active" && $3 != id && at {
        ms = ($1 - at) / 1000; sum += ms; n++; if (ms > most) most = ms; at = 0}
        END { printf "   on the screen for %.1f ms on average, %.1f ms at most, in %d tries\n", sum / n, most, n }'
rest
mark_seat
tap $ANNA
await_seat "active $A 2001 user" || true
shows "the next tap works" "2001 user"

echo "== wardtapd restarted: what it knows stays"
restart_unit wardtapd
await_bus
is "it does not take her session off the screen" "2001 user" "$(on_screen)"
mark_seat
tap $BEN
await_seat "active $BB 2002 user" || true
shows "ben resumes under grace" "2002 user"
intrude "$A" "anna's parked session after a restart"

echo "== wardtapd killed, in quiet"
rest
mark_seat
tap $BEN
await_seat "active $BB 2002 user" || true
kill -KILL "$(main_pid wardtapd)"
await_bus
intrude "$A" "anna's parked session after a kill"

echo "== wardtapd killed in the middle of a switch"
rest
mark_seat
tap $BEN
await_seat "active $BB 2002 user" || true
pid=$(main_pid wardtapd)
mark_seat
tap $ANNA &
await_seat "call 903 SwitchToUser anna" || true
kill -KILL "$pid"
wait $! || true
await_bus
read -rt 2 <> <(:) || true
case $(on_screen) in
"2001 user") ok "she was let in before: her session is shown" ;;
"910 greeter" | "2002 user") ok "she is not: $(on_screen)" ;;
*) bad "on the screen is $(on_screen)" ;;
esac
to_greeter
rest
mark_seat
tap $BEN
await_seat "active $BB 2002 user|prompt " || true
shows "the next tap works" "2002 user"

for ((k = 0; k < TRIES; k++)); do
        pid=$(main_pid wardtapd)
        if [ $((k % 2)) = 0 ]; then who=$ANNA; else who=$BEN; fi
        taps in Reader_$((3 + k % 8)) $who
        read -rt "$(printf '0.%03d' $((k * 60 / TRIES)))" <> <(:) || true
        kill -KILL "$pid"
        taps out Reader_$((3 + k % 8))
        await_bus
done
is "no session was on the screen without its owner, whenever wardtapd was killed" "" "$(trespasses)"
to_greeter
rest
mark_seat
# LightDM may still be asking PAM for whom it was told to show: that waits for a tap too, now that nobody has let her in.
for ((k = 0; k < 2 && $(seen | grep -c "active $BB 2002 user") == 0; k++)); do
        tap $BEN
        await_seat "active $BB 2002 user|auth 7 " || true
done
shows "the next tap works, or the one after it" "2002 user"

echo "== logind gone and back"
seat vanish login1
mark_seat
printf '0 intrude %s\n' "$A" >>station.log
seat activate "$A"
seat appear login1
await_seat 'active .* greeter' 10 || true
shows "what was shown meanwhile is seen when it is back" "910 greeter"
rest
mark_seat
tap $BEN
await_seat "active $BB 2002 user" || true
shows "and taps work" "2002 user"

echo "== LightDM refuses, hangs, restarts"
not_shown() { event_count alert WARDTAP_REASON=session-not-shown; }
before=$(not_shown)
seat lightdm refuse-users
mark_seat
tap $ANNA
await_seat "active .* greeter" || true
shows "a session that it refuses brings the greeter" "910 greeter"
is "with an alert" $((before + 1)) "$(not_shown)"
seat lightdm well
rest
mark_seat
tap $BEN
await_seat "active $BB 2002 user" || true
seat lightdm refuse
rest
alerts=$(event_count guard-alert WARDTAP_REASON=lock-not-shown)
mark_seat
tap $ANNA
await_seat "call 903 SwitchTo 6$" 15 || true
shows "where it refuses its greeter too, a login prompt comes" "-1 -"
is "with an alert of that" $((alerts + 1)) "$(event_count guard-alert WARDTAP_REASON=lock-not-shown)"
seat lightdm well
to_greeter
await_seat "say Tap your badge" || true
mark_seat
tap $BEN
await_seat "active $BB 2002 user" || true
seat lightdm hang
rest
before=$(not_shown)
mark_seat
tap $ANNA
await_seat "call 903 SwitchToUser anna" || true
until [ "$(not_shown)" -gt "$before" ] || [ $SECONDS -gt $((${hung_since=$SECONDS} + 15)) ]; do read -rt 0.2 <> <(:) || true; done
is "one that hangs is given up, with an alert" $((before + 1)) "$(not_shown)"
shows "and what was on the screen stays" "2002 user"
seat lightdm well
to_greeter
rest
mark_seat
tap $ANNA
await_seat "active $A 2001 user" 20 || true
shows "well again" "2001 user"
before=$(event_count sign-out)
mark_seat
seat lightdm end
seat appear lightdm
seat greeter
await_seat 'say Tap your badge' || true
shows "after a restart of LightDM there is a greeter" "910 greeter"
mark_seat
tap $ERIN
await_seat "no key here yet" 60 || true
await_seat "say Tap your badge" 40 || true # until then nobody else's tap is taken
shows "a badge alone starts no session" "910 greeter"
full_sign_in anna 2001 $ANNA 1111
shows "she signs in anew" "2001 user"
A=$(session_of 2001)
to_greeter
full_sign_in ben 2002 $BEN 2222
shows "so does ben" "2002 user"
BB=$(session_of 2002)

echo "== which taps are meant"
rest
to_greeter
tap $BEN
await_seat "active $BB 2002 user" || true
rest
taps active # somebody types
mark_seat
taps in "$R1" $ANNA
read -rt 0.3 <> <(:) || true
taps out "$R1"
read -rt 1.5 <> <(:) || true
shows "a neighbour's badge that passes while ben types changes nothing" "2002 user"
is "nothing was switched" "" "$(seen | grep -F SwitchTo || true)"
taps active
mark_seat
taps in "$R1" $CARL
await_seat 'active [^ ]+ 2003 user' 10 || true
taps out "$R1"
shows "one that is held for a second does" "2003 user"
rest
tap $CARL
await_seat 'active .* greeter' || true
before=$(event_count nearby-badge)
for i in 1 2 3 4 5 6 7 8; do
        tap $DORA "$R2"
        read -rt 0.4 <> <(:) || true
done
await_event nearby-badge $((before + 1)) "a badge that lies near the reader is recorded"
is "once" $((before + 1)) "$(event_count nearby-badge)"
read -rt 10.5 <> <(:) || true

echo "== taps at 50 a second for $TAP_SECONDS s"
to_greeter
rest
before=$(anon wardtapd)
count=$(event_count handoff)
taps burst $((50 * TAP_SECONDS / 2)) 50 "$R1" $ANNA $BEN
middle=$(anon wardtapd)
taps burst $((50 * TAP_SECONDS / 2)) 50 "$R1" $ANNA $BEN
after=$(anon wardtapd)
echo "   anonymous memory of wardtapd: $before kB before, $middle kB half way, $after kB after; $(($(event_count handoff) - count)) handoffs"
# AddressSanitizer keeps what is freed for a while, so its build says nothing about that.
if grep -q __asan_init "$B/helper/wardtapd"; then
        echo "   (built with AddressSanitizer: not judged)"
elif [ $((after - middle)) -le 512 ]; then ok "memory is flat"; else bad "memory grows"; fi
read -rt 12 <> <(:) || true
to_greeter
taps tap "$R2" 04ffffff # somebody else's
read -rt 12 <> <(:) || true
mark_seat
tap $BEN "$R2"
await_seat "active .* 2002 user|prompt " 12 || true
seen | grep -q "active .* 2002 user\|prompt" && ok "taps work after it"

echo "== a reader that reports 32 badges"
to_greeter
rest
badges=()
for ((i = 0; i < 32; i++)); do badges+=("$(printf '04aa%04x' $i)"); done
badges[20]=$BEN
mark_seat
taps burst 32 20 "$R1" "${badges[@]}"
read -rt 1 <> <(:) || true
shows "nobody is let in, not even by one that is known" "910 greeter"
tap $BEN "$R2"
await_seat "active $BB 2002 user" || true
shows "the next tap on another reader works" "2002 user"

echo "== many parked sessions"
# As many as the rules permit by taps are tests/bench/soak's; here most are opened by others.
for ((i = 0; i < 10; i++)); do
        echo "porter$i:x:$((2300 + i)):2001:Porter $i,,,:/nonexistent:/bin/sh" >>/etc/passwd
        enrol_tapping "porter$i" "$(printf '04ee%04x' $i)" || { bad "enrolment of porter$i"; finish; }
        mark_seat
        tap "$(printf '04ee%04x' $i)"
        await_seat "active [^ ]+ $((2300 + i)) user" || true
done
# others FROM TO: sessions that the site's own way opened, behind the screen.
others() {
        for ((i = $1; i < $2; i++)); do
                echo "many$i:x:$((3000 + i)):2000:Many $i,,,:/nonexistent:/bin/sh" >>/etc/passwd
                seat add $((3000 + i)) seat0 0 user
        done
}
others 0 40
seat count
echo "   $said sessions; anonymous memory of wardtapd: $(anon wardtapd) kB"
restart_unit wardtapd
await_bus
shows "a restart changes nothing" "2309 user"
P=$(session_of 2300)
intrude "$P" "a porter's parked session among them"
rest
mark_seat
tap "$(printf '04ee%04x' 0)"
await_seat "active $P 2300 user" || true
shows "its owner finds it" "2300 user"
rest
tap $BEN "$R2"
await_seat "active $BB 2002 user" || true
shows "ben finds his" "2002 user"
others 40 200
mark_seat
tap "$(printf '04ee%04x' 1)"
await_seat "active [^ ]+ 2301 user" || true
await_seat "removed $P 2300 user" || true
await_seat "removed $BB 2002 user" || true
shows "200 of others' leave room for nobody but the one who is at the seat" "2301 user"
is "as the records say" limit "$(last_of sign-out REASON)"
seat count
echo "   $said sessions; anonymous memory of wardtapd: $(anon wardtapd) kB"
restart_unit wardtapd
await_bus
shows "who stays there over a restart" "2301 user"

echo "== sleep"
mark_seat
seat sleep 1
await_seat 'active .* greeter' 5 || true
shows "parked before it sleeps" "910 greeter"
seat sleep 0

echo "== in the end"
chain_whole
no_trespass
journalctl -q -o cat --output-fields=WARDTAP_EVENT _UID=903 SYSLOG_IDENTIFIER=wardtapd | sort | uniq -c | sort -rn | sed 's/^/   /'
finish
