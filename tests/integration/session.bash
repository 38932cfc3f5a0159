# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# What a nurse sees inside her own X session: wardtap-session on a real X server and a real bus, told by somebody who
# plays wardtapd. Where ImageMagick's import is installed, pictures of each state are left in BUILD/session-photos.

for program in Xvfb xdotool xrandr; do
        command -v "$program" >/dev/null || { echo "skipped: $program is not installed: see packaging/install-dependencies --tests"; exit 77; }
done
photos=$B/session-photos
mkdir -p "$photos" /run/systemd/{sessions,seats,users,machines}

# What fontconfig keeps until its process ends is not ours.
echo 'leak:libfontconfig' >/run/world/suppressions

photo() { ! command -v import >/dev/null || import -window root "$photos/$1.png" || true; }
# as UID COMMAND...
as() {
        local uid=$1
        shift
        ${exec-} setpriv --reuid "$uid" --regid 2000 --clear-groups env -i PATH="$PATH" LC_ALL=C.UTF-8 DISPLAY="${DISPLAY-}" \
                XDG_SESSION_ID="${session-c1}" HOME=/nonexistent ASAN_OPTIONS="$ASAN_OPTIONS" UBSAN_OPTIONS="$UBSAN_OPTIONS" \
                LSAN_OPTIONS=suppressions=/run/world/suppressions:print_suppressions=0 "$@"
}
ms() { awk '{printf "%d", $1 * 1000}' /proc/uptime; }
# next FILE REGEX [SECONDS]: waits for a line after the last mark; it is in $line then, its time in $at.
declare -A from
mark() {
        local f
        for f in probe station; do from[$f]=$(wc -l <"/run/world/$f.out"); done
}
next() {
        at=0
        line=$(timeout "${3:-10}" grep -m1 -E -- "$2" < <(exec tail -n "+$((from[$1] + 1))" -F --sleep-interval=0.01 "/run/world/$1.out" 2>/dev/null)) || return 1
        at=${line%% *}
}
# sees NAME REGEX [SECONDS]: wardtap-session's windows, as the probe tells
sees() { if next probe "$2" "${3-}"; then ok "$1"; else bad "$1 (no '$2')"; tail -n "+$((from[probe] + 1))" /run/world/probe.out | sed 's/^/  | /'; fi; }
sees_not() { if tail -n "+$((from[probe] + 1))" /run/world/probe.out | grep -qE -- "$2"; then bad "$1 (there is '$2')"; else ok "$1"; fi; }
# between NAME LEAST MOST GOT: milliseconds
between() { if [ "$4" -ge "$2" ] && [ "$4" -le "$3" ]; then ok "$1: $4 ms"; else bad "$1: $4 ms, not between $2 and $3"; fi; }

# early: input since the last mark that came within a second of the last word of wardtapd's
early() { tail -n "+$((from[probe] + 1))" /run/world/probe.out | awk -v end=$((told + 980)) '/ (key|button) / && $1 < end'; }

start_x() {
        rm -f /run/world/display
        : >/run/world/display
        Xvfb -displayfd 7 -screen 0 "${1:-1280x800x24}" -nolisten tcp -ac -noreset 7>/run/world/display 2>>/run/world/xvfb.err &
        unit_pid[x]=$!
        await /run/world/display "" && DISPLAY=:$(cat /run/world/display)
        export DISPLAY
        # An X server's first window takes long; not what is measured here.
        rm -f /run/world/probe.in && mkfifo /run/world/probe.in
        "$B/tests/integration/session_probe" </run/world/probe.in >/run/world/probe.out 2>/run/world/probe.err &
        unit_pid[probe]=$!
        exec 8>/run/world/probe.in
        await /run/world/probe.out ready
}
start_fake() {
        rm -f /run/world/station.in && mkfifo /run/world/station.in
        as 903 "$B/tests/integration/fake_station" </run/world/station.in >/run/world/station.out 2>>/run/world/station.err &
        unit_pid[station]=$!
        exec 9>/run/world/station.in
        await /run/world/station.out ready
}
stop_fake() {
        exec 9>&-
        wait "${unit_pid[station]}" || bad "the station that is played ended badly"
}
# tell COMMAND: wardtapd says so; $told is when
tell() {
        mark
        told=$(ms)
        echo "$*" >&9
}
start_session() {
        exec="exec" as 2001 "$B/greeter/wardtap-session" 2>>/run/world/session.err 8>&- 9>&- &
        unit_pid[session]=$!
}
# ended NAME UNIT: it ends by itself, with 0
ended() {
        local status=0
        timeout 10 tail --pid="${unit_pid[$2]}" -f /dev/null || bad "$1: it does not end"
        wait "${unit_pid[$2]}" || status=$?
        is "$1" 0 "$status"
}
logind_says() { # ACTIVE
        printf 'UID=2001\nUSER=anna\nACTIVE=%s\nSTATE=%s\nREMOTE=0\nTYPE=x11\nCLASS=user\n' "$1" "$([ "$1" = 1 ] && echo active || echo online)" >/run/systemd/sessions/.c1
        mv /run/systemd/sessions/.c1 /run/systemd/sessions/c1
}

logind_says 1
start_dbus
start_x
start_fake

# --- the session begins
mark
start_session
sees "at its start a session shows whose it is, on the whole screen" '^[0-9]+ map 1280x800\+0\+0 Anna Berg, Signed in$'
mapped=$at
sees "in words" ' painted Anna Berg, Signed in$'
between "without delay" 0 1500 $((at - mapped))
next station '^attend' && is "it attends its own session" c1 "${line##* }"
photo start
sees "and takes the name away" ' gone Anna Berg, Signed in'
between "the name stands for 2 s" 1900 4000 $((at - mapped))
status=0
as 2001 timeout 10 "$B/greeter/wardtap-session" || status=$?
is "a second one in the same session ends at once" 0 "$status"
is "and attends nothing" 1 "$(grep -c '^attend' /run/world/station.out)"

# --- a switch to this session: input of the first second is lost
tell shown c1
sees "after a switch the name is there" ' map 1280x800\+0\+0 Anna Berg, Signed in'
while [ $(($(ms) - told)) -lt 850 ]; do
        xdotool key a click 1
done
until next probe ' key ' 0.1 || [ $(($(ms) - told)) -gt 5000 ]; do
        xdotool key b
done
between "input arrives again after 1 s" 980 4000 $((at - told))
is "nothing of the first second arrives" "" "$(early)"
sees "what came after does" ' key 56'
sees "the name goes" ' gone Anna Berg'
mark
xdotool mousemove 100 100 click 1
sees "and clicks arrive again" ' button 1'

# --- a menu that is open has the grab: no harm, and input is discarded as soon as it closes
echo menu >&8
next probe ' menu'
tell shown c1
sees "a name over an open menu" ' map .* Anna Berg'
echo close >&8
next probe ' closed'
closed=$at
while [ $(($(ms) - closed)) -lt 100 ]; do xdotool key c; done
mark
while [ $(($(ms) - told)) -lt 1100 ]; do xdotool key c; done
is "a menu that closed within the second gives the rest of it" "" "$(early)"
sees "gone" ' gone Anna Berg'

# --- the countdown
tell countdown c1 12
sees "a countdown" ' map [0-9]+x[0-9]+\+[0-9]+\+[0-9]+ Locking in 12 s\. Press any key to go on\.$'
first=$at
photo countdown
sees "which counts" ' text Locking in 11 s\.'
between "by itself, each second" 700 2500 $((at - first))
xdotool key d
sees "and leaves the keyboard alone" ' key 40'
sees "on and on" ' text Locking in 9 s\.' 5
tell countdown c1 0
sees "called off" ' gone Locking'
tell countdown c1 2
sees "another" ' map .*Locking in 2 s'
first=$at
sees "that ends" ' gone Locking in 1 s'
between "at its end" 1800 4000 $((at - first))

# --- quiet
tell quiet c1 1
sees "who is signed in, at the lower edge" ' map [0-9]+x([0-9]|[1-9][0-9])\+[0-9]+\+7[0-9][0-9] Signed in: Anna Berg$'
photo quiet
tell countdown c1 30
sees "a countdown beside it" ' map .*Locking in 30 s'
photo quiet-and-countdown
tell quiet c1 0
sees "somebody is there" ' gone Signed in'
tell countdown c1 0
sees "and the countdown is over" ' gone Locking'

# --- notices
tell notice take-key 30 "Anna Berg, take your key."
sees "a notice" ' map .* Anna Berg, take your key\.$'
photo notice
tell notice refused 1 "This badge is not known here. Ask the help desk. Code K7XQ2M."
sees "a newer one replaces it" ' text This badge is not known here\. Ask the help desk\. Code K7XQ2M\.$'
first=$at
sees "for its seconds" ' gone This badge'
between "1 s" 900 3000 $((at - first))
tell shown c1
echo 'notice closed 1 Closed 10:42, unsaved work lost.' >&9
sees "a notice at a switch" ' map .* Closed 10:42'
between "comes when the name is gone" 1900 4000 $((at - told))
sees "and goes" ' gone Closed'

# --- hostile texts: no line breaks, no other direction, nothing beyond the screen
long=$(printf 'x%.0s' {1..500})
tell notice x 30 "$long"
sees "a word of 500 letters" " map [0-9]+x[0-9]+\+[0-9]+\+[0-9]+ $long\$"
read -r w h x y < <(sed -E 's/.*map ([0-9]+)x([0-9]+)\+([0-9]+)\+([0-9]+).*/\1 \2 \3 \4/' <<<"$line")
if [ $((x + w)) -le 1280 ] && [ $((y + h)) -le 480 ]; then ok "stays on the screen"; else bad "on the screen: $line"; fi
photo notice-long
tell notice x 30 "one\\ntwo"$'\e'"[31m"$'\u202e'"three   four "
sees "control characters" ' text one two \[31m three four$'
tell notice x 30 "$(printf 'Z\u0351\u0352\u0353\u0354\u0355%.0s' {1..40})"
sees "letters under a heap of marks" ' text Z'
photo notice-marks
tell notice x 30 "שָׁלוֹם ד״ר כהן, קח את המפתח. 😀 مرحبا"
sees "right to left, and a face" ' text שָׁלוֹם'
photo notice-rtl
tell notice x 30 ""
sees "an empty notice takes the last one away" ' gone שָׁלוֹם'
tell notice x 0 "nothing"
tell countdown c1 4294967295
sees "more seconds than there are" ' map .*Locking in 3600 s'
sees_not "no seconds, no notice" 'nothing'
tell countdown c1 0
sees "over" ' gone Locking'

# --- parked
tell parked c1
sees "parked: covered at once" ' map 1280x800\+0\+0 Locked$'
between "covered after" 0 500 $((at - told))
sees "and named" ' painted Locked'
photo parked
mark
xdotool mousemove 300 300 click 1
echo top >&8
sees "the cover is above" ' top yes'
sees_not "and clicks end there" ' button'
tell countdown c1 20
echo 'quiet c1 1' >&9
echo cover >&8
until [ $(($(ms) - told)) -gt 5000 ]; do
        mark
        echo top >&8
        if ! next probe ' top' || [ "${line##* }" = yes ]; then break; fi
done
is "something that came above is below again" "top yes" "${line#* }"
mark
echo uncover >&8
sees_not "no countdown and no banner in a parked session" ' map '
tell notice take-key 20 "Ben Okoro, take your key."
sees "a notice for whoever stands there" ' map .* Ben Okoro, take your key'
photo parked-notice
echo 'notice x 0 x' >&9
# What is typed while the next one's session comes to the screen, and nobody has told her programs yet, is not for them.
mark
xdotool key d click 1
told=$(ms)
echo 'shown c1' >&9
sees "shown: the name" ' map 1280x800.* Anna Berg, Signed in'
xdotool key e
echo top >&8
sees "the session is there" ' top yes'
is "nothing that was typed before it was shown arrives" "" "$(early)"
sees "and no cover" ' gone Locked'
sees "then the session" ' gone Anna Berg'

# --- not for us
next_shown() { # a signal that counts comes behind those that do not: whatever they did is there by then
        echo 'notice x 1 last' >&9
        sees "$1: the next that counts" ' map .* last$'
        is "$1" 1 "$(tail -n "+$((from[probe] + 1))" /run/world/probe.out | grep -c ' map ')"
        sees "$1: gone" ' gone last'
}
tell parked c2
echo 'shown 1' >&9
echo 'countdown c11 30' >&9
echo 'quiet C1 1' >&9
next_shown "another's session"
dest=$(grep '^attend' /run/world/station.out | tail -n 1 | cut -d' ' -f2)
mark
told=$(ms)
printf 'parked c1\nshown c1\ncountdown c1 30\nquiet c1 1\nnotice x 30 Type your PIN here\n' |
        as 2002 "$B/tests/integration/fake_station" --liar "$dest" >/run/world/liar.out 2>/run/world/liar.err || true
await /run/world/liar.out ready
next_shown "somebody who is not wardtapd"
if as 2002 timeout 10 "$B/tests/integration/fake_station" </dev/null >/dev/null 2>/run/world/liar.err; then bad "anybody may have the name"; else ok "nobody else may have the name"; fi

# --- wardtapd restarts
tell countdown c1 60
sees "a countdown" ' map .*Locking'
mark
stop_fake
sees "which ends with wardtapd" ' gone Locking'
start_fake
mark
await /run/world/station.out "attend $dest c1"
ok "a new wardtapd is attended"
tell quiet c1 1
sees "and heard" ' map .*Signed in: Anna Berg'
tell quiet c1 0
sees "and heard again" ' gone Signed in'
tell parked c1
logind_says 0
sees "parked" ' map .*Locked'
mark
stop_fake
logind_says 0
start_fake
await /run/world/station.out "attend $dest c1"
tell notice x 1 still
sees "parked over a restart of wardtapd" ' map .*still'
sees_not "it stays covered" ' gone Locked'
mark
stop_fake
logind_says 1
sees "on the screen without wardtapd: the cover goes" ' gone Locked'
mark
until next probe ' key ' 0.1 || [ $(($(ms) - told)) -gt 30000 ]; do xdotool key f; done
sees "and the keyboard works" ' key '
start_fake
await /run/world/station.out "attend $dest c1"
stop_fake
rm -f /run/world/station.in && mkfifo /run/world/station.in
as 903 "$B/tests/integration/fake_station" </run/world/station.in >/run/world/station.out 2>>/run/world/station.err &
unit_pid[station]=$!
exec 9>/run/world/station.in
echo refuse >&9
await /run/world/station.out ready
if await /run/world/station.out "refused $dest c1" 3 >/dev/null; then
        echo accept >&9
        await /run/world/station.out "attend $dest c1"
        ok "one who refuses is asked again a moment later"
else
        ok "it was faster than the refusal" # the name was there before the command was read
fi

# --- monitors
xrandr --setmonitor left 640/300x800/400+0+0 screen && xrandr --setmonitor right 640/300x800/400+640+0 none
tell parked c1
sees "two monitors: one" ' map 640x800\+0\+0 Locked'
sees "two monitors: the other" ' map 640x800\+640\+0 Locked'
sees "both painted" ' painted Locked'
photo two-parked
tell shown c1
sees "the name on both" ' map 640x800\+640\+0 Anna Berg'
sees "in words" ' painted Anna Berg'
photo two-name
next probe ' gone Anna Berg.*' && from[probe]=$(grep -nF "$line" /run/world/probe.out | tail -n 1 | cut -d: -f1)
xrandr --delmonitor left && xrandr --delmonitor right
tell quiet c1 1
sees "one again" ' map [0-9x]+\+[45][0-9][0-9]\+7[0-9][0-9] Signed in'
tell quiet c1 0
sees "gone" ' gone Signed in'

# --- no wake-ups when nothing changes
switches() { awk '/ctxt/ {n += $2} END {print n}' "/proc/${unit_pid[session]}/status"; }
before=0
until [ "$before" = "$(switches)" ]; do
        before=$(switches)
        read -rt 0.2 <> <(:) || true
done
mark
xdotool mousemove 10 10 mousemove 500 500 key e key f
sees "typing" ' key 41'
after=$(switches)
is "input in the session does not wake it" "$before" "$after"

# --- names
rm /run/systemd/sessions/c1
ended "without its session it ends" session
sed -i '/^anna:/d' /etc/passwd
# named GECOS REGEX PHOTO: as whom the session begins
named() {
        sed -i '/^anna:/d' /etc/passwd
        [ "$1" = - ] || echo "anna:x:2001:2000:$1:/nonexistent:/bin/sh" >>/etc/passwd
        logind_says 1
        mark
        start_session
        sees "a name: $3" " map 1280x800\+0\+0 $2\$"
        sees "$3: in words" ' painted '
        photo "name-$3"
        rm /run/systemd/sessions/c1
        ended "$3: ended" session
}
named "" "anna, Signed in" no-gecos
named ",,," "anna, Signed in" only-commas
named "Dr. María José Fernández-Villaverde y Ruiz de la Prada,room" "Dr\. María José Fernández-Villaverde y Ruiz de la Prada, Signed in" long
named "دكتورة ليلى الحسيني" "دكتورة ليلى الحسيني, Signed in" right-to-left
named "Anna 😀 Berg 👩‍⚕️" "Anna 😀 Berg .*, Signed in" emoji
named "$(printf 'Wolfeschlegelsteinhausenbergerdorff%.0s' {1..6})" "(Wolfeschlegelsteinhausenbergerdorff){6}, Signed in" two-hundred
named "$(printf 'W%.0s' {1..900})" "W{255}, Signed in" nine-hundred
named "$(printf 'A\x01\xff\xfe\xe2\x80\xaeB')" "A B, Signed in" hostile
named - ", Signed in" unknown

# --- the end
sed -i '/^anna:/d' /etc/passwd
echo 'anna:x:2001:2000:Anna Berg,,,:/nonexistent:/bin/sh' >>/etc/passwd
logind_says 0
mark
start_session
next station '^attend' || bad "it does not attend"
tell notice x 1 first
sees "a session that is not on the screen yet" ' map .* first$'
sees_not "does not say whose it is" 'Anna Berg'
kill "${unit_pid[x]}"
ended "without its X server it ends" session

# --- a small screen of another depth, and begun as a display manager begins a session
start_x 800x600x16
logind_says 1
mark
if [ -x /etc/X11/Xsession ]; then
        sed "s,/usr/libexec/wardtap/,$B/greeter/,g" "$B/packaging/session.sh" >/etc/X11/Xsession.d/95wardtap-session
        # The desktop of this session is "sleep".
        exec="exec" as 2001 HOME=/run/world/home dbus-run-session -- /etc/X11/Xsession "sleep 600" >/run/world/xsession.out 2>&1 8>&- 9>&- &
        unit_pid[xsession]=$!
else
        start_session
fi
sees "a small screen" ' map 800x600\+0\+0 Anna Berg, Signed in'
sees "in words" ' painted '
photo small-name
tell notice x 1 "This badge is not known here. Ask the help desk. Code K7XQ2M."
sees "a notice on it" ' map .* This badge'
photo small-notice
if [ -n "${unit_pid[xsession]-}" ]; then
        unit_pid[session]=$(pgrep -x -n wardtap-session)
        is "its desktop has begun" 1 "$(pgrep -xc sleep)"
        kill "${unit_pid[x]}"
        if timeout 10 tail --pid="${unit_pid[session]}" -f /dev/null; then ok "and ends"; else bad "it does not end"; fi
        kill "${unit_pid[xsession]}"
else
        kill "${unit_pid[x]}"
        ended "and ends" session
fi

is "without a session of logind's it does not begin" 1 "$(session='' as 2001 "$B/greeter/wardtap-session" 2>/run/world/session.words; echo $?)"
expect "and says so" "This is no session of logind's." /run/world/session.words
is "a session id is letters and digits" 1 "$(session=../c1 as 2001 "$B/greeter/wardtap-session" 2>/run/world/session.words; echo $?)"
logind_says 1
is "nor without an X server" 1 "$(as 2001 "$B/greeter/wardtap-session" 2>/run/world/session.words; echo $?)"
expect "and says that" "There is no X server." /run/world/session.words
# Where the machine's own cache of fonts is out of date, fontconfig says that it may not write another.
is "no sanitizer had anything to say" "" "$(grep -v '^Fontconfig error: No writable cache directories' /run/world/session.err)"
finish
