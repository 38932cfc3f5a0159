# SPDX-License-Identifier: Apache-2.0
# `wardtap doctor`: a good station is called one, and each thing that goes wrong is named, with what to do about it.

# The kernel's own keys are the host's: here they are what a file says.
mkdir /run/world/kernel
cp -r /proc/sys/kernel/. /run/world/kernel/ 2>/dev/null || true # some are only to be written
echo 176 >/run/world/kernel/sysrq
mount --bind /run/world/kernel /proc/sys/kernel

start_station
start_registrar
wardtap person add anna >/dev/null
rm -f /etc/systemd/journald.conf.d/world.conf
mkdir -p /var/log/journal
mkdir -p -m 0700 /etc/credstore.encrypted
install -m 0600 /run/world/badge-key /etc/credstore.encrypted/badge-key
for service in lightdm sudo; do
        printf 'auth requisite pam_nologin.so\n@include common-auth\n@include common-account\n@include common-session\n' >/etc/pam.d/$service
done
sed -i '/pam_systemd.so/d' /etc/pam.d/common-session
echo 'session optional pam_systemd.so' >>/etc/pam.d/common-session
rm -f /etc/pam.d/other-service
cp -a /etc/pam.d /run/world/pam.d.before

doctor() {
        local got=0
        wardtap doctor "$@" >/run/world/doctor.out 2>&1 || got=$?
        echo "$got"
}
# finds NAME STATUS LINE: the exit code, and a line that begins so (blanks squeezed)
finds() {
        is "$1: exit code" "$2" "$(doctor)"
        tr -s ' ' </run/world/doctor.out >/run/world/doctor.words
        expect "$1: the line" "$3" /run/world/doctor.words
        is "$1: each finding says what to do" true \
                "$(wardtap doctor --json | jq 'all(.findings[]; .result == "ok" or .fix != null)')"
}
# comes NAME STATUS LINE: the same, once the daemons have seen what has changed
comes() {
        local end=$((SECONDS + 20))
        until doctor >/run/world/doctor.status && tr -s ' ' </run/world/doctor.out | grep -qF -- "$3" || [ $SECONDS -ge $end ]; do
                read -rt 0.1 <> <(:) || true
        done
        finds "$@"
}
# more_rules [STATION-LINE [TEXT]]: beside the world's own
more_rules() {
        sed "s/^Name=.*/&\n${1-}/" /run/world/wardtap.conf >/etc/wardtap/wardtap.conf
        printf '%b' "${2-}" >>/etc/wardtap/wardtap.conf
        wardtap policy apply --reason "for the doctor" >/run/world/apply.out 2>&1 || { cat /run/world/apply.out; bad "more rules"; }
}

finds "before enable" 0 "warn station No PAM service is enabled"
expect "what the rules name and PAM does not ask" "warn services The rules name lightdm, and it does not ask Wardtap. Run: wardtap enable lightdm" /run/world/doctor.words
expect "a password alone" "warn passwords sudo takes a password alone." /run/world/doctor.words

wardtap enable lightdm sudo >/run/world/enable.out 2>&1 || { cat /run/world/enable.out; bad enable; }
is "a good station" 0 "$(doctor)"
expect_not "has nothing that is bad" "bad  " /run/world/doctor.out
tr -s ' ' </run/world/doctor.out >/run/world/doctor.words
for line in "ok readers Badge readers connected:" "ok pcscd Only wardtap-device" "ok keys " "ok users " "ok sockets All four" \
        "ok daemons wardtapd runs" "ok idle Only wardtap-idle" "ok badge-key " "ok journal " "ok station All files" "ok rules Rules " "ok store The people" \
        "ok services lightdm asks" "ok order lightdm:" "ok order sudo:" "ok passwords lightdm takes a password only while" \
        "ok keyrings " "ok homes "; do
        expect "good: $line" "$line" /run/world/doctor.words
done
is "JSON says the same" "true true" "$(wardtap doctor --json | jq -r '"\(.ok) \(.findings | length > 15)"')"
is "only for root" 5 "$(setpriv --reuid 2001 --regid 2000 --clear-groups "$B/cli/wardtap" doctor >/dev/null 2>&1; echo $?)"

# --- one thing wrong at a time, and mended again
chmod 0666 /run/pcscd/pcscd.comm
finds "pcscd open to all" 1 "bad pcscd Every program may talk to badges"
chmod 0660 /run/pcscd/pcscd.comm
chgrp root /run/pcscd/pcscd.comm
finds "pcscd closed to us" 1 "bad pcscd wardtap-device may not use"
chgrp wardtap-device /run/pcscd/pcscd.comm
mv /run/pcscd/pcscd.comm /run/pcscd/away
finds "no pcscd" 1 "bad pcscd /run/pcscd/pcscd.comm is not there. Start it: systemctl start pcscd.socket"
mv /run/pcscd/away /run/pcscd/pcscd.comm

cp /etc/passwd /run/world/passwd
sed -i '/^wardtap-device:/d' /etc/passwd
finds "a user is missing" 1 "bad users The user 'wardtap-device' is missing. Run: systemd-sysusers"
cp /run/world/passwd /etc/passwd
sed -i '/^wardtap-hook:/d' /etc/passwd
finds "the user of the site's programs is missing" 1 "bad users The user 'wardtap-hook' is missing. Run: systemd-sysusers"
cp /run/world/passwd /etc/passwd

cp /etc/group /run/world/group
sed -i 's/^input:.*/&anna/' /etc/group
finds "somebody reads what others type" 1 "bad idle anna is in the group 'input' and can read what others type."
sed -i '/^input:/d' /etc/group
finds "no group for input devices" 1 "bad idle The group 'input' is missing"
cp /run/world/group /etc/group

mv /run/wardtap/auth.sock /run/wardtap/away
finds "no socket" 1 "bad sockets /run/wardtap/auth.sock does not answer"
install -d -o anna /run/hers
python3 -c 'import os, socket, time
os.setuid(2001)
os.chdir("/run/hers")
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind("sock")
s.listen(1)
print("ready", flush=True)
time.sleep(1000)' >/run/world/hers.out &
await /run/world/hers.out ready
mv /run/hers/sock /run/wardtap/auth.sock
finds "a socket that somebody else listens on" 1 "bad sockets /run/wardtap/auth.sock is not root's. See who made it: ss -lxp"
kill $!
mv /run/wardtap/away /run/wardtap/auth.sock

finds "systemd is not there" 0 "warn units systemd does not run here"
# A systemctl that knows of what /run/world/wrong says.
cat >/run/world/systemctl <<'S'
#!/bin/sh
! grep -qxF "$1 $3" /run/world/wrong
S
chmod 0755 /run/world/systemctl
: >/run/world/wrong
mount --bind /run/world/systemctl /usr/bin/systemctl
: >/run/systemd/private
finds "nobody is seen at the seat" 1 "bad idle No keyboard or pointer is watched: sessions lock although somebody types. See: systemctl status wardtap-idle"
expect "all units run" "ok units All units run" /run/world/doctor.words
echo "is-enabled wardtap-idle.service" >/run/world/wrong
finds "a unit that is disabled" 1 "bad units wardtap-idle.service will not run after the next boot. Run: systemctl enable --now wardtap-idle.service"
echo "is-active pcscd.socket" >/run/world/wrong
finds "a unit that does not run" 1 "bad units pcscd.socket does not run. Run: systemctl enable --now pcscd.socket"
rm /run/systemd/private
umount /usr/bin/systemctl

mv /etc/credstore.encrypted/badge-key /run/world/away
finds "no badge key" 1 "bad badge-key There is no badge key"
mkdir -p /etc/credstore
install -m 0600 /run/world/away /etc/credstore/badge-key
finds "a badge key in the clear" 0 "warn badge-key The badge key is not encrypted"
chmod 0644 /etc/credstore/badge-key
finds "a badge key for everybody" 1 "bad badge-key /etc/credstore/badge-key can be read by others"
rm -r /etc/credstore
mv /run/world/away /etc/credstore.encrypted/badge-key

if adjtimex --print 2>/dev/null | grep -q 'status: 0x40\|status: 64'; then ok "the clock is looked at"; else
        is "the clock is looked at" 1 "$(grep -c '^[a-z]*  *clock ' /run/world/doctor.out)"
fi

mkdir -p /etc/X11
rm -f /etc/X11/Xsession
finds "no X sessions" 0 "ok sessions There are no X sessions"
echo : >/etc/X11/Xsession
finds "a program that does not start" 0 "warn sessions /usr/libexec/wardtap/wardtap-session does not start"
rm /etc/X11/Xsession
rm /etc/X11/Xsession.d/95wardtap-session
finds "sessions that show nothing" 1 "bad station /etc/X11/Xsession.d/95wardtap-session is not in force"
wardtap enable lightdm >/dev/null

rmdir /var/log/journal
finds "a journal in memory" 1 "bad journal The journal, and the audit records in it, are lost"
mkdir /var/log/journal
printf '[Journal]\nMaxRetentionSec=1week\n' >/etc/systemd/journald.conf.d/short.conf
finds "a journal that forgets" 0 "warn journal The journal deletes records after MaxRetentionSec=1week"
printf '[Journal]\n SystemMaxUse = 50M \n#MaxRetentionSec=1week\n' >/etc/systemd/journald.conf.d/short.conf
finds "a journal that has no room" 0 "warn journal The journal deletes records after SystemMaxUse=50M. Is that as long as your auditors want?"
expect_not "a line that is a comment" MaxRetentionSec /run/world/doctor.words
printf '[Journal]\nMaxRetentionSec=0\nSystemMaxUse=\n' >/etc/systemd/journald.conf.d/short.conf
finds "a journal without a limit of the site's" 0 "ok journal The journal stays over a boot."
expect_not "is none that deletes" "The journal deletes" /run/world/doctor.words
rm /etc/systemd/journald.conf.d/short.conf

# --- homes that want a ticket
[ -e /etc/fstab ] || : >/etc/fstab
cp /etc/fstab /run/world/fstab
echo 'nas:/home /home nfs4 sec=krb5p 0 0' >>/etc/fstab
finds "homes that are not mounted yet" 0 "warn homes /home is NFS with Kerberos"
printf '# nas:/old /old nfs4 sec=krb5 0 0\nnas:/mine /mine nfs4 rw,noauto,x-systemd.automount,sec=sys 0 0\nnas:/cold /cold nfs noauto,sec=krb5i 0 0\n' >/etc/fstab
finds "folders that are mounted when somebody comes" 0 "warn homes /cold is NFS with Kerberos"
is "a comment, and a folder without Kerberos" 1 "$(grep -c '^warn homes' /run/world/doctor.words)"
cp /run/world/fstab /etc/fstab
printf '#* -fstype=nfs4,sec=krb5 nas:/old/&\n' >/etc/auto.world
finds "an automounter that needs none" 0 "ok homes No folder needs a Kerberos ticket."
printf '* -fstype=nfs4,sec=krb5p nas:/home/&\n' >>/etc/auto.world
finds "an automounter" 0 "warn homes What /etc/auto.world mounts is NFS with Kerberos"
rm /etc/auto.world

rm /etc/polkit-1/rules.d/40-wardtap.rules
finds "anybody may switch the seat" 1 "bad station /etc/polkit-1/rules.d/40-wardtap.rules is not in force"
echo "// the site's" >/etc/polkit-1/rules.d/40-wardtap.rules
finds "a file of the site's" 0 "warn station /etc/polkit-1/rules.d/40-wardtap.rules is not Wardtap's"
rm /etc/polkit-1/rules.d/40-wardtap.rules
wardtap enable lightdm >/dev/null
is "enable mends it" 0 "$(doctor)"

for keys in 438 4 1; do
        echo $keys >/run/world/kernel/sysrq
        finds "the kernel's keys: $keys" 1 "bad station Alt+SysRq+R and Alt+SysRq+K work (kernel.sysrq=$keys)"
        expect_not "not all is said to be well" "ok station" /run/world/doctor.words
done
for keys in 0 2 176; do
        echo $keys >/run/world/kernel/sysrq
        is "the kernel's keys: $keys" 0 "$(doctor)"
done

sed -i 's/^Grace=12h/Grace=11h/' /etc/wardtap/wardtap.conf
finds "rules that were not applied" 0 "warn rules The rules in /etc/wardtap/wardtap.conf are not those in force"
echo "Grce=1h" >>/etc/wardtap/wardtap.conf
finds "rules with a mistake" 0 "warn rules The rules in /etc/wardtap/wardtap.conf have mistakes"
sed -i '$d; s/^Grace=11h/Grace=12h/' /etc/wardtap/wardtap.conf
mv /var/lib/wardtap/rules/current /run/world/away
finds "no rules" 1 "bad rules No rules are in force"
mv /run/world/away /var/lib/wardtap/rules/current
touch -d '1 hour' /var/lib/wardtap/rules/current
finds "rules of the future" 0 "warn rules The rules were applied in the future. Look at the clock."
touch /var/lib/wardtap/rules/current

cp -a /var/lib/wardtap/people/people.db /run/world/away
printf 'this is no database, and longer than its header has to be' >/var/lib/wardtap/people/people.db
finds "a damaged store" 1 "bad store /var/lib/wardtap/people/people.db cannot be used"
mv /run/world/away /var/lib/wardtap/people/people.db
mv /var/lib/wardtap/people/people.db /run/world/away
finds "nobody" 0 "warn store Nobody is enrolled. Begin with: wardtap person add USER"
mv /run/world/away /var/lib/wardtap/people/people.db
[ ! -e /var/lib/wardtap/state/state.db ] || cp -a /var/lib/wardtap/state/state.db /run/world/away
printf 'this is no database, and longer than its header has to be' >/var/lib/wardtap/state/state.db
finds "a damaged state" 1 "bad store /var/lib/wardtap/state/state.db cannot be used"
rm /var/lib/wardtap/state/state.db
[ ! -e /run/world/away ] || mv /run/world/away /var/lib/wardtap/state/state.db

wardtap disable sudo >/dev/null
finds "a service that is not enabled" 0 "warn services The rules name sudo, and it does not ask Wardtap. Run: wardtap enable sudo"
wardtap enable sudo >/dev/null
cp /etc/pam.d/lightdm /etc/pam.d/kiosk
finds "a service that the rules do not name" 0 "warn services kiosk asks Wardtap, and the rules in force do not name it."
rm /etc/pam.d/kiosk
cp /etc/wardtap/wardtap.conf /run/world/wardtap.conf
more_rules '' '[Service kiosk]\nUse=sign-in\n'
comes "a service that is not installed" 0 "warn services The rules name kiosk, and it cannot be read in /etc/pam.d"
printf 'auth required pam_unix.so\naccount required pam_permit.so\n' >/etc/pam.d/kiosk
comes "a service of the site's that takes a password" 0 "warn passwords kiosk takes a password alone. If that is not meant: wardtap enable kiosk"
is "one that everybody has is said once" 1 "$(grep -c '^ok passwords lightdm ' /run/world/doctor.words)"
rm /etc/pam.d/kiosk

# --- consoles, where sessions are shown by a service of Wardtap's own
more_rules SwitchEngine=logind
comes "nobody can be shown" 0 "warn services There is no display manager, and the rules do not name wardtap-switch"
more_rules SwitchEngine=logind '[Service wardtap-switch]\nUse=sign-in\n'
printf 'auth sufficient pam_permit.so\nauth required pam_wardtap.so\naccount required pam_permit.so\n' >/etc/pam.d/wardtap-switch
comes "somebody else says who is shown" 1 "bad services /etc/pam.d/wardtap-switch asks something else than Wardtap who may be shown."
cp "$T/../packaging/wardtap-switch.pam" /etc/pam.d/wardtap-switch
comes "the package's own" 0 "ok services A person's open session comes back by wardtap-switch."
rm /etc/pam.d/wardtap-switch

more_rules SessionKeys=yes
comes "keys that programs may use" 0 "warn keys SessionKeys=yes: every program of a session may use the keys"
more_rules
comes "the rules as before" 0 "ok rules "

# --- a key, as far as the kernel's lists show one
private_dev() {
        local node
        mkdir /run/world/dev && mount -t tmpfs -o mode=0755 tmpfs /run/world/dev && ln -s /proc/self/fd /run/world/dev/fd || return 1
        for node in null zero urandom random tty; do : >/run/world/dev/$node && mount --bind /dev/$node /run/world/dev/$node; done
        mount --rbind /run/world/dev /dev
}
if [ -d /sys/class/hidraw ] && private_dev; then
        mkdir -p /run/world/hidraw/hidraw99/device
        printf '\006\320\361\011\001' >/run/world/hidraw/hidraw99/device/report_descriptor
        mount --bind /run/world/hidraw /sys/class/hidraw
        install -m 0600 /dev/null /dev/hidraw99
        finds "a key that is not ours" 1 "bad keys wardtap-device may not use the key at /dev/hidraw99. Run: udevadm control --reload"
        chgrp wardtap-device /dev/hidraw99
        chmod 0666 /dev/hidraw99
        finds "a key that is everybody's" 1 "bad keys Programs of the session on the screen may use the key at /dev/hidraw99."
        chmod 0660 /dev/hidraw99
        finds "a key" 0 "ok keys A key is plugged in, at /dev/hidraw99."
        umount /sys/class/hidraw
        umount -R /dev
else ok "a key is not looked at: there is no /sys/class/hidraw here"; fi

cp /etc/pam.d/lightdm /run/world/lightdm
sed -i '1i auth required pam_unix.so' /etc/pam.d/lightdm
finds "a password before the badge" 1 "bad order lightdm: pam_unix.so stands before pam_wardtap.so"
printf 'session required pam_wardtap.so\n' | cat - /run/world/lightdm >/etc/pam.d/lightdm
finds "the session line too early" 1 "bad order lightdm: pam_wardtap.so stands before pam_systemd.so"
grep -v '^session' /run/world/lightdm >/etc/pam.d/lightdm
finds "no session line" 1 "bad order lightdm: sessions are not told to Wardtap"
grep -v common-session /run/world/lightdm >/etc/pam.d/lightdm
finds "no pam_systemd" 1 "bad order lightdm: sessions have no pam_systemd.so"
sed 's/^auth\t.*pam_wardtap.so/auth sufficient pam_wardtap.so/' /run/world/lightdm >/etc/pam.d/lightdm
finds "a password after a refusal" 0 "warn passwords lightdm takes a password also after Wardtap has refused."
echo '-auth optional pam_kwallet5.so' | cat /run/world/lightdm - >/etc/pam.d/lightdm
[ -e "$(dirname "$(find /usr/lib -name pam_unix.so | head -n 1)")/pam_kwallet5.so" ] ||
        finds "a keyring that is not installed" 0 "ok keyrings No keyring waits"
: >/run/world/pam_gnome_keyring.so
echo '-auth optional /run/world/pam_gnome_keyring.so' | cat /run/world/lightdm - >/etc/pam.d/lightdm
finds "a keyring" 0 "warn keyrings lightdm: pam_gnome_keyring.so opens something with the password"
cp /run/world/lightdm /etc/pam.d/lightdm

stop_pcscd
sed -i 'd' /run/world/reader.conf.d/vpcd
pcscd --foreground --config /run/world/reader.conf.d >>/run/world/pcscd.out 2>>/run/world/pcscd.err &
unit_pid[pcscd]=$!
await_path /run/pcscd/pcscd.comm
chgrp wardtap-device /run/pcscd/pcscd.comm
chmod 0660 /run/pcscd/pcscd.comm
comes "no reader" 1 'bad readers No badge reader is connected. Plug one in; "pcsc_scan" shows'

kill -KILL "${unit_pid[journald]}"
rm -f /run/systemd/journal/socket
wardtap person add ben >/dev/null # a record that cannot be sent
comes "no journal" 1 "bad daemons wardtapd does not reach the journal; records wait on disk. See: systemctl status systemd-journald"

stop_unit device
rm -f /run/wardtap/device.sock
finds "no device daemon" 1 "bad sockets /run/wardtap/device.sock does not answer"
comes "and so no taps" 1 "bad daemons wardtapd does not see taps. See: systemctl status wardtap-device pcscd"
stop_unit wardtapd
finds "no wardtapd" 1 "bad daemons wardtapd does not answer on the system bus."
expect "and so no readers" "bad readers Readers are not known" /run/world/doctor.words

wardtap disable >/dev/null
is "and disable leaves the stacks as they were" "" "$(diff -r /etc/pam.d /run/world/pam.d.before)"
finish
