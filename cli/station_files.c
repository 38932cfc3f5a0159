/* SPDX-License-Identifier: Apache-2.0 */
/* Linking what makes a station safe, and taking it out without a trace. */
#include "cli/station_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "cli/cli.h"
#include "cli/file.h"
#include "cli/program.h"
#include "common/util.h"

#define PATH_FOLDERS PATH_ENABLED "/folders" /* one a line: folders that were made for links */

const struct station_file station_files[] = {
        {"40-wardtap.rules", "/etc/polkit-1/rules.d/40-wardtap.rules", N_("who may switch the seat"), false},
        {"72-wardtap-readers.rules", "/etc/udev/rules.d/72-wardtap-readers.rules",
         N_("who may open readers"), false},
        {"72-wardtap-keys.rules", "/etc/udev/rules.d/72-wardtap-keys.rules", N_("who may open keys"), true},
        {"pcscd.conf", "/etc/systemd/system/pcscd.socket.d/50-wardtap.conf", N_("who may talk to badges"),
         false},
        {"lightdm-seat.conf", "/etc/dbus-1/system-local.conf", N_("who may tell LightDM whom to show"),
         false},
        {"logind.conf", "/etc/systemd/logind.conf.d/50-wardtap.conf",
         N_("no login prompts on other consoles"), false},
        {"xorg.conf", "/etc/X11/xorg.conf.d/zz-wardtap.conf", N_("no Ctrl+Alt+F1"), false},
        {"sysctl.conf", "/etc/sysctl.d/90-wardtap.conf", N_("no Alt+SysRq that frees the keyboard"), false},
        {"session.sh", "/etc/X11/Xsession.d/95wardtap-session", N_("what people see in their sessions"),
         false},
};
const size_t n_station_files = ELEMENTSOF(station_files);

static void source(const struct station_file *f, char ret[PATH_MAX]) {
        (void) snprintf(ret, PATH_MAX, "%s/%s", PATH_STATION_FILES, f->name);
}

int station_file_state(const struct station_file *f) {
        char wanted[PATH_MAX], got[PATH_MAX];
        ssize_t n = readlink(f->link, got, sizeof(got) - 1);
        if (n < 0)
                return errno == ENOENT || errno == ENOTDIR ? 0 : errno == EINVAL ? -EEXIST : -errno;
        got[n] = 0;
        source(f, wanted);
        return strcmp(got, wanted) == 0 ? 1 : -EEXIST;
}

/* Makes the folders above path, and remembers each. */
static int make_folders(const char *path) {
        char folder[PATH_MAX];
        for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                (void) snprintf(folder, sizeof(folder), "%.*s", (int) (slash - path), path);
                if (mkdir(folder, 0755) < 0) {
                        if (errno == EEXIST)
                                continue;
                        return -errno;
                }
                FILE *f = fopen(PATH_FOLDERS, "ae");
                if (!f)
                        return -errno;
                (void) fprintf(f, "%s\n", folder);
                if (fclose(f) != 0)
                        return -errno;
        }
        return 0;
}

static int link_one(const struct station_file *f) {
        char path[PATH_MAX];
        int r = station_file_state(f);
        if (r == 1)
                return 0;
        if (r == -EEXIST) {
                warn(_("%s is there already and was left as it is. It must say what %s/%s says: %s."),
                     f->link, PATH_STATION_FILES, f->name, _(f->what));
                return 0;
        }
        if (r < 0 || (r = make_folders(f->link)) < 0)
                return r;
        source(f, path);
        return symlink(path, f->link) < 0 ? -errno : 0;
}

int station_link(bool session_keys) {
        for (size_t i = 0; i < n_station_files; i++) {
                if (session_keys && station_files[i].session_key)
                        continue;
                int r = link_one(&station_files[i]);
                if (r < 0) {
                        (void) station_unlink();
                        return r;
                }
        }
        return 0;
}

/* Deeper folders were made, and so written down, after those above them. */
static void remove_folders(char *list) {
        for (char *end = list + strlen(list); end > list;) {
                end[-1] = 0;
                char *line = strrchr(list, '\n');
                line = line ? line + 1 : list;
                (void) rmdir(line); /* stays when somebody else put something there */
                end = line;
        }
}

int station_unlink(void) {
        _cleanup_(freep) char *list = NULL;
        int found = 0, failed = 0;
        for (size_t i = 0; i < n_station_files; i++) {
                if (station_file_state(&station_files[i]) != 1)
                        continue;
                found = 1;
                if (unlink(station_files[i].link) < 0)
                        failed = -errno;
        }
        if (failed < 0)
                return failed;
        int r = file_read(PATH_FOLDERS, &list, NULL, NULL);
        if (r < 0)
                return r == -ENOENT ? found : r;
        remove_folders(list);
        return unlink(PATH_FOLDERS) < 0 ? -errno : found;
}

/* Readers and keys that were plugged in before belong to whoever is at the screen by their access list,
 * which nobody takes away from a device that is not that person's any more. By the tag of our rules;
 * "c189:3" is /dev/char/189:3. */
static void take_back_devices(void) {
        DIR *tagged = opendir("/run/udev/tags/wardtap");
        struct dirent *e;
        while (tagged && (e = readdir(tagged))) {
                char path[PATH_MAX];
                if (e->d_name[0] != 'c')
                        continue;
                (void) snprintf(path, sizeof(path), "/dev/char/%s", e->d_name + 1);
                if (removexattr(path, "system.posix_acl_access") < 0 && errno != ENODATA && errno != ENOENT)
                        warn(_("Somebody may still open %s. Restart the station, so that everything takes "
                               "effect."),
                             path);
        }
        if (tagged)
                (void) closedir(tagged);
}

void station_reload(void) {
        static const char *const programs[][6] = {
                {"/usr/bin/systemctl", "daemon-reload", NULL},
                /* A socket's mode is set when it is made. wardtap-device comes back to it by itself. */
                {"/usr/bin/systemctl", "stop", "pcscd.service", "pcscd.socket", NULL},
                {"/usr/bin/systemctl", "start", "pcscd.socket", NULL},
                {"/usr/bin/systemctl", "reload", "dbus.service", NULL},
                {"/usr/bin/systemctl", "kill", "--signal=HUP", "--kill-who=main", "systemd-logind.service",
                 NULL},
                /* The rest of what a site sets stays as it is now. */
                {"/usr/lib/systemd/systemd-sysctl", "--prefix=/kernel/sysrq", NULL},
                {WARDTAP_BLANK_EXE, NULL},
                {"/usr/bin/udevadm", "control", "--reload", NULL},
                {"/usr/bin/udevadm", "trigger", "--settle", "--subsystem-match=hidraw",
                 "--subsystem-match=usb", NULL},
        };
        if (!system_is_booted())
                return;
        for (size_t i = 0; i < ELEMENTSOF(programs); i++) {
                int r = program_run(programs[i]);
                if (r < 0 && r != -ENOENT)
                        warn(_("'%s %s %s' failed. Restart the station, so that everything takes effect."),
                             programs[i][0], programs[i][1], programs[i][2] ? programs[i][2] : "");
        }
        take_back_devices();
}
