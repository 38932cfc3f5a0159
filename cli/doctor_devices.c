/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap doctor`: readers, pcscd and keys. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "cli/cli.h"
#include "cli/doctor.h"
#include "common/util.h"

#define PCSCD_SOCKET "/run/pcscd/pcscd.comm"

static size_t count_of(const struct doctor *d, const char *name) {
        struct json_object *v;
        return d->station && json_object_object_get_ex(d->station, name, &v) &&
                               json_object_is_type(v, json_type_array)
                       ? json_object_array_length(v)
                       : 0;
}

void check_readers(struct doctor *d) {
        size_t n = count_of(d, "Readers"), slowed = count_of(d, "ReadersSlowed");
        if (!d->station)
                found(d, FINDING_BAD, _("First mend what is wrong with the daemons, below."),
                      _("Readers are not known while wardtapd does not answer."));
        else if (n == 0)
                found(d, FINDING_BAD, _("Plug one in; \"pcsc_scan\" shows whether pcscd sees it."),
                      _("No badge reader is connected."));
        else
                found(d, FINDING_OK, NULL, _("Badge readers connected: %zu."), n);
        if (slowed > 0)
                found(d, FINDING_WARN, _("See who tried: journalctl -t wardtapd"),
                      _("A reader pauses because of many unknown badges."));
}

void check_pcscd(struct doctor *d) {
        const struct group *g = getgrnam("wardtap-device");
        struct stat st;
        if (stat(PCSCD_SOCKET, &st) < 0)
                found(d, FINDING_BAD, _("Start it: systemctl start pcscd.socket"), _("%s is not there."),
                      PCSCD_SOCKET);
        else if (st.st_mode & S_IWOTH)
                found(d, FINDING_BAD,
                      _("Enable a service (wardtap enable), or restart pcscd.socket where that was done."),
                      _("Every program may talk to badges, and collect their numbers, through %s."),
                      PCSCD_SOCKET);
        else if (!g || st.st_gid != g->gr_gid || !(st.st_mode & S_IWGRP))
                found(d, FINDING_BAD, _("It must be 0660 with the group wardtap-device."),
                      _("wardtap-device may not use %s."), PCSCD_SOCKET);
        else
                found(d, FINDING_OK, NULL, _("Only wardtap-device may talk to badges."));
}

/* FIDO devices name the usage page F1D0 in their report descriptor. */
static bool is_fido(const char *node) {
        char path[PATH_MAX];
        uint8_t buf[512];
        (void) snprintf(path, sizeof(path), "/sys/class/hidraw/%.32s/device/report_descriptor", node);
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? 0 : read(fd, buf, sizeof(buf));
        return n > 3 && memmem(buf, (size_t) n, "\x06\xd0\xf1", 3);
}

static void check_key(struct doctor *d, const char *node) {
        const struct group *g = getgrnam("wardtap-device");
        bool for_sessions = d->rules && d->rules->session_keys;
        char path[PATH_MAX];
        struct stat st;
        (void) snprintf(path, sizeof(path), "/dev/%.32s", node);
        if (stat(path, &st) < 0)
                return; /* taken out just now */
        bool shared = (st.st_mode & S_IWOTH) || getxattr(path, "system.posix_acl_access", NULL, 0) > 0;
        if (!g || st.st_gid != g->gr_gid || (st.st_mode & 0060) != 0060)
                found(d, FINDING_BAD, _("Run: udevadm control --reload && udevadm trigger -s hidraw"),
                      _("wardtap-device may not use the key at %s."), path);
        else if (shared && !for_sessions)
                found(d, FINDING_BAD,
                      _("Enable a service (wardtap enable), then take the key out and put it in."),
                      _("Programs of the session on the screen may use the key at %s."), path);
        else
                found(d, FINDING_OK, NULL, _("A key is plugged in, at %s."), path);
}

void check_keys(struct doctor *d) {
        DIR *dir = opendir("/sys/class/hidraw");
        unsigned n = 0;
        for (struct dirent *e; dir && (e = readdir(dir));)
                if (e->d_name[0] != '.' && is_fido(e->d_name)) {
                        check_key(d, e->d_name);
                        n++;
                }
        if (dir)
                (void) closedir(dir);
        if (n == 0)
                found(d, FINDING_OK, NULL,
                      _("No key is plugged in now; with one, its rights are looked at too."));
        if (d->rules && d->rules->session_keys)
                found(d, FINDING_WARN, _("Leave SessionKeys= out where no browser needs the key."),
                      _("SessionKeys=yes: every program of a session may use the keys that are plugged "
                        "in."));
}
