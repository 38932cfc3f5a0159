# SPDX-License-Identifier: Apache-2.0
# The Debian package from its installation to its purge, `wardtap enable` and `wardtap disable`: what is in force when,
# and that everything else is as before, to the byte.

shadow_or_skip() {
        mkdir -p "/run/world/layer/$1/up" "/run/world/layer/$1/work"
        mount -t overlay overlay -o "lowerdir=/$1,upperdir=/run/world/layer/$1/up,workdir=/run/world/layer/$1/work" "/$1" || {
                echo "skipped: the kernel has no overlay file system, so /$1 cannot be made private"
                exit 77
        }
}
shadow_or_skip usr
shadow_or_skip var/cache
rm -rf /run/systemd/system # as in a chroot: nothing is started
deb=$(ls "$T"/../build/deb/wardtap_*.deb)

is "lintian has no errors" "" "$(lintian --no-cfg --allow-root --fail-on none --tag-display-limit 0 "$deb" | grep '^E:' || true)"
is "debugging symbols are a package of their own" 1 "$(ls "$T"/../build/deb/wardtap-dbgsym_*.deb | wc -l)"

# --- the preset, by which systemd enables units where no maintainer script does
root=/run/world/root
dpkg -x "$deb" $root
echo 'disable *' >$root/usr/lib/systemd/system-preset/99-default.preset
units=$(cd $root && { ls lib/systemd/system usr/lib/systemd/system 2>/dev/null || true; } | grep '^wardtap.*\.\(service\|socket\|target\|timer\)$' | grep -v @ | sort -u)
# shellcheck disable=SC2086
systemctl --root=$root --quiet preset $units
started=$(printf '%s\n' wardtap-{auth,device,broker,input,registrar}.socket wardtap{d,-authd,-device,-idle,-badge-key}.service wardtap-lease.timer | sort)
is "the preset enables what a station starts" "$started" \
        "$(cd $root/etc/systemd/system && find sockets.target.wants multi-user.target.wants timers.target.wants -type l -printf '%f\n' | sort)"
is "and the links lead to units" "" "$(find $root/etc/systemd -type l | while read -r link; do [ -e "$root$(readlink "$link")" ] || echo "$link"; done)"
is "it names no unit that there is not" "" "$(sed -n 's/^enable //p' $root/usr/lib/systemd/system-preset/*wardtap.preset | grep -vxF "$units" || true)"

# --- what the system looks like; Debian's own stacks, as far as they are not installed here
cat >/etc/pam.d/lightdm <<'P'
#%PAM-1.0

# Block login if they are globally disabled
auth      requisite pam_nologin.so

# Load environment from /etc/environment and ~/.pam_environment
session      required pam_env.so readenv=1

@include common-auth

-auth  optional pam_gnome_keyring.so

@include common-account

session  required        pam_limits.so
session  required        pam_loginuid.so
@include common-session
@include common-password
P
printf '#%%PAM-1.0\n\nsession    required   pam_limits.so\n\n@include common-auth\n@include common-account\n@include common-session-noninteractive' >/etc/pam.d/sudo # Debian's has no end of line
printf 'auth required pam_permit.so\naccount required pam_permit.so\n' >/etc/pam.d/kiosk
printf 'auth sufficient pam_rootok.so\nauth required pam_unix.so\naccount required pam_permit.so\nsession required pam_permit.so\n' >/etc/pam.d/bare
printf -- '-auth sufficient pam_not_here.so\n-auth sufficient pam_krb5.so\naccount required pam_permit.so\n' >/etc/pam.d/ghost
rm -f /etc/pam.d/other-service
pam-auth-update --package </dev/null >/dev/null 2>&1 || true # so that it has nothing of its own left to do

# What PAM, the seat and systemd go by. wardtap-switch is a service of the package's own, which nothing else asks.
manifest() {
        local f
        for f in /etc/pam.d /etc/polkit-1 /etc/udev /etc/dbus-1 /etc/X11 /etc/systemd /etc/sysctl.d /etc/xdg; do
                [ -e "$f" ] && find "$f" -printf '%p %y %m %u %g %l\n'
                [ -e "$f" ] && find "$f" -type f -exec sha256sum {} +
        done | grep -v '^/etc/systemd/system/[^ ]*\.wants\|^/etc/systemd/system d\|/etc/pam\.d/wardtap-switch\( f .*\)\?$' | sort
}
# same NAME BEFORE: as it was then
same() {
        manifest >/run/world/now
        if cmp -s "$2" /run/world/now; then ok "$1"; else
                bad "$1"
                diff "$2" /run/world/now || true
        fi
}
manifest >/run/world/before

# --- installing
# No word of the world's own: users and folders are the package's to make.
sed -i '/^wardtap/d' /etc/passwd /etc/group
for folder in /etc/wardtap /var/lib/wardtap; do
        if mountpoint -q $folder; then umount $folder; fi
        rm -rf $folder
done
dpkg -i "$deb" >/run/world/dpkg.out 2>&1 || { cat /run/world/dpkg.out; bad "dpkg -i"; }
same "installing changes nothing that is in force" /run/world/before
is "a user for each daemon" "wardtap wardtap-device wardtap-hook wardtap-idle wardtapd" "$(cut -d: -f1 /etc/passwd | grep ^wardtap | sort | xargs)"
is "people.db's folder" "750 root wardtap" "$(stat -c '%a %U %G' /var/lib/wardtap/people)"
is "units are enabled" "$started" \
        "$(ls /etc/systemd/system/{sockets,multi-user,timers}.target.wants | grep ^wardtap | sort)"
PATH=/usr/bin:/usr/sbin:/bin:/sbin
hash -r

/usr/libexec/wardtap/badge-key || bad "the badge key was not made"
key=$(ls /etc/credstore.encrypted/badge-key /etc/credstore/badge-key 2>/dev/null || true)
is "the badge key is root's alone" "600 root" "$(stat -c '%a %U' "$key")"
sum=$(sha256sum "$key")
/usr/libexec/wardtap/badge-key
is "a second start leaves it as it is" "$sum" "$(sha256sum "$key")"

# refused NAME STATUS TEXT COMMAND...: and changes nothing
refused() {
        local name=$1 status=$2 text=$3 got=0
        shift 3
        "$@" >/run/world/refused.out 2>&1 || got=$?
        is "$name: exit code" "$status" "$got"
        expect "$name: says why" "$text" /run/world/refused.out
        same "$name: nothing changed" /run/world/before
}
refused "enable without rules" 1 "No rules are in force" wardtap enable lightdm
cat >/etc/wardtap/wardtap.conf <<'R'
[Site]
RelyingParty=wardtap.example.org
[Station]
Name=ward3-bay2
[Role nurse]
Groups=nurses
SignIn=badge+key+verify
[Service lightdm]
Use=sign-in
[Service sudo]
Use=step-up
SignIn=key+verify
[Service kiosk]
Use=sign-in
[Service bare]
Use=sign-in
[Service ghost]
Use=sign-in
[Service gone]
Use=sign-in
R
wardtap policy apply --reason "first rules" >/run/world/apply.out 2>&1 || { cat /run/world/apply.out; bad "policy apply"; }
refused "enable of a service that the rules do not name" 1 "do not name 'login'" wardtap enable lightdm login
refused "enable of a service that is not there" 3 "no PAM service 'gone'" wardtap enable lightdm gone
refused "enable of a path" 2 "is not the name" wardtap enable ../shadow
refused "enable of a service without another way in" 1 "--no-fallback" wardtap enable kiosk
refused "enable of a service whose other ways in are not installed" 1 "--no-fallback" wardtap enable ghost
refused "disable of what was never enabled" 0 "was not enabled" wardtap disable lightdm

# --- enabling
wardtap enable lightdm sudo >/run/world/enable.out 2>&1 || { cat /run/world/enable.out; bad "enable"; }
expect "enable says how to undo it" "wardtap disable" /run/world/enable.out
is "our line comes before what asks for a name" "pam_wardtap.so" \
        "$(sed -n 's/^\(auth\|@include\).*[ \t]\([^ \t]*\)$/\2/p' /etc/pam.d/lightdm | head -n 1)"
expect "nologin still counts" "account	requisite	pam_nologin.so" /etc/pam.d/lightdm
is "the session line comes after pam_systemd" "pam_systemd.so pam_wardtap.so" \
        "$(grep -o 'pam_systemd.so\|pam_wardtap.so' /etc/pam.d/common-session | xargs)"
expect_not "jobs without a person have none" pam_wardtap /etc/pam.d/common-session-noninteractive
is "other services are untouched" "$(grep -F ' /etc/pam.d/login' /run/world/before; grep -F ' /etc/pam.d/common-auth' /run/world/before)" \
        "$(sha256sum /etc/pam.d/login | sed 's/^/&/'; sha256sum /etc/pam.d/common-auth)"
for link in /etc/polkit-1/rules.d/40-wardtap.rules /etc/udev/rules.d/72-wardtap-{readers,keys}.rules \
        /etc/systemd/system/pcscd.socket.d/50-wardtap.conf /etc/dbus-1/system-local.conf \
        /etc/systemd/logind.conf.d/50-wardtap.conf /etc/sysctl.d/90-wardtap.conf /etc/X11/xorg.conf.d/zz-wardtap.conf /etc/X11/Xsession.d/95wardtap-session; do
        if [ -L "$link" ] && [ -f "$link" ]; then ok "$link"; else bad "$link is not there"; fi
done
start_dbus || bad "the bus does not take the policy of LightDM's seat" # it ends where it cannot read all of it
kill "${unit_pid[dbus]}"
rm -f /etc/dbus-1/system.d/org.wardtap.Station1.conf # the world's, which the package brings by itself
cp /etc/pam.d/sudo /run/world/sudo.enabled
wardtap enable sudo >/dev/null
if cmp -s /etc/pam.d/sudo /run/world/sudo.enabled; then ok "enabling twice is enabling once"; else bad "enabling twice"; fi

# Nobody is locked out: with no daemon running the stack goes on to what it asked for before.
usermod -p "$(openssl passwd -6 fallback)" anna
# lets_in WHEN
lets_in() {
        local service
        for service in lightdm sudo; do
                "$B/tests/integration/pam_client" --service $service --user anna --answer fallback </dev/null >/run/world/fall.out 2>&1 || true
                expect "$service, $1: a password" "PAM_SUCCESS" /run/world/fall.out
                "$B/tests/integration/pam_client" --service $service --user anna --answer wrong </dev/null >/run/world/fall.out 2>&1 || true
                expect_not "$service, $1: but not a wrong one" "PAM_SUCCESS" /run/world/fall.out
        done
}
lets_in "while Wardtap is down"

wardtap disable lightdm >/dev/null
expect_not "disable SERVICE: its lines are gone" wardtap /etc/pam.d/lightdm
expect "disable SERVICE: the other one stays" pam_wardtap.so /etc/pam.d/sudo
wardtap disable >/dev/null || bad disable
same "disable gives everything back" /run/world/before

# A service without Debian's common files gets its session line itself; root's su needs no tap.
wardtap enable bare >/dev/null || bad "enable bare"
is "a stack of its own" "pam_rootok.so pam_wardtap.so pam_unix.so pam_permit.so pam_permit.so pam_wardtap.so" \
        "$(grep -o 'pam_[a-z]*\.so' /etc/pam.d/bare | xargs)"
wardtap enable kiosk --no-fallback >/dev/null || bad "enable --no-fallback"
"$B/tests/integration/pam_client" --service kiosk --user anna </dev/null >/run/world/fall.out 2>&1 || true
expect "--no-fallback: nobody while Wardtap is down" "PAM_AUTHINFO_UNAVAIL" /run/world/fall.out
wardtap disable >/dev/null || bad disable
same "and is given back too" /run/world/before

# What somebody else wrote meanwhile stays.
wardtap enable lightdm >/dev/null
cp /etc/pam.d/lightdm /run/world/lightdm.enabled
echo "# a line of the site's" >>/etc/pam.d/lightdm
wardtap disable >/dev/null
is "disable keeps what others changed" "# a line of the site's" "$(tail -n 1 /etc/pam.d/lightdm)"
expect_not "and takes out what is ours" wardtap /etc/pam.d/lightdm
sed -i '$d' /etc/pam.d/lightdm
same "which is all" /run/world/before
sed 's/^# END wardtap//' /run/world/lightdm.enabled >/etc/pam.d/lightdm
if wardtap disable >/run/world/refused.out 2>&1; then bad "marks that were edited"; else expect "marks that were edited are not guessed at" "by hand" /run/world/refused.out; fi
cp /run/world/lightdm.enabled /etc/pam.d/lightdm
wardtap disable >/dev/null

# --- upgrading, removing, purging
printf 'people' >/var/lib/wardtap/people/kept
wardtap enable lightdm sudo >/dev/null
manifest >/run/world/enabled
dpkg -i "$deb" >/run/world/dpkg.out 2>&1 || { cat /run/world/dpkg.out; bad "upgrade"; }
same "an upgrade leaves what is enabled" /run/world/enabled
is "an upgrade keeps the badge key" "$sum" "$(sha256sum "$key")"
lets_in "after an upgrade"

# What cannot be given back keeps the package where it is: a stack must not name a module that is gone.
cp /etc/pam.d/lightdm /run/world/lightdm.enabled
sed -i 's/^# END wardtap//' /etc/pam.d/lightdm
if dpkg -r wardtap >/run/world/dpkg.out 2>&1; then bad "removing, where disable fails"; else ok "removing, where disable fails"; fi
expect "says what to mend" "by hand" /run/world/dpkg.out
expect "and that nothing was removed" "Wardtap was not removed. Mend what is said above, then remove it again." /run/world/dpkg.out
is "the package is still installed" installed "$(dpkg-query -W -f '${db:Status-Status}' wardtap)"
is "and its module there" 1 "$(find /usr/lib -name pam_wardtap.so | wc -l)"
lets_in "after a removal that failed"
cp /run/world/lightdm.enabled /etc/pam.d/lightdm

# Somebody is signed in meanwhile: her program has the module, and ends her session with it. A container's kernel may let
# nobody set a login uid.
sed 's/^session.*pam_loginuid.so/session optional pam_loginuid.so/' /run/world/lightdm.enabled >/etc/pam.d/lightdm
wardtap enable lightdm sudo >/dev/null
mkfifo /run/world/hold
"$B/tests/integration/pam_client" --service lightdm --user anna --answer fallback --session </run/world/hold >/run/world/open.out 2>&1 &
open=$!
exec 7>/run/world/hold
await /run/world/open.out "session open: PAM_SUCCESS" || bad "a session before the removal"
is "it has the module" 1 "$(grep -o '[^/]*pam_wardtap.so$' /proc/$open/maps | sort -u | wc -l)"
dpkg -r wardtap >/run/world/dpkg.out 2>&1 || { cat /run/world/dpkg.out; bad "dpkg -r"; }
exec 7>&-
wait $open || true
expect "a session that is open over the removal ends" "session closed: PAM_SUCCESS" /run/world/open.out
sed -i 's/^session optional pam_loginuid.so/session  required        pam_loginuid.so/' /etc/pam.d/lightdm
same "removing gives everything back" /run/world/before
lets_in "after the removal"
is "removing keeps people" people "$(cat /var/lib/wardtap/people/kept)"
is "removing keeps the badge key" "$sum" "$(sha256sum "$key")"
dpkg -i "$deb" >/run/world/dpkg.out 2>&1 || bad "installing again"
is "installing again keeps the badge key" "$sum" "$(sha256sum "$key")"
dpkg -P wardtap >/run/world/dpkg.out 2>&1 || { cat /run/world/dpkg.out; bad "dpkg -P"; }
same "purging gives everything back" /run/world/before
lets_in "after the purge"
is "purging leaves nothing" "" "$(ls -d /var/lib/wardtap /etc/wardtap /etc/credstore*/badge-key /etc/pam.d/wardtap-switch /usr/share/wardtap /usr/libexec/wardtap 2>/dev/null || true)"
is "no unit stays enabled" "" "$(ls /etc/systemd/system/*.wants 2>/dev/null | grep ^wardtap || true)"
finish
