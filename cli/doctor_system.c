/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap doctor`: clock, journal, the files that make a station safe, and what sessions show. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/timex.h>

#include "cli/cli.h"
#include "cli/doctor.h"
#include "cli/file.h"
#include "cli/pam_service.h"
#include "cli/program.h"
#include "cli/station_files.h"
#include "common/util.h"

#define PATH_SYSRQ "/proc/sys/kernel/sysrq"
/* Documentation/admin-guide/sysrq.rst: 1 allows everything; of other numbers each bit allows some keys. */
#define SYSRQ_ALL 1
#define SYSRQ_KEYBOARD 4 /* the secure attention key (K), and the keyboard back to the kernel (R) */

void check_clock(struct doctor *d) {
        struct timex t = {0};
        if (adjtimex(&t) < 0 || (t.status & STA_UNSYNC))
                found(d, FINDING_WARN, _("Run: systemctl enable --now systemd-timesyncd (or chrony)"),
                      _("The clock is not synchronised: hours of roles are not judged, and records say "
                        "so."));
        else
                found(d, FINDING_OK, NULL, _("The clock is synchronised."));
}

#define BLANKS " \t\r"

/* The last value of a setting in a file of systemd's dialect; "" when it has none. */
static void setting(const char *path, const char *name, char ret[64]) {
        _cleanup_(freep) char *text = NULL;
        size_t n = strlen(name);
        char *save = NULL;
        if (file_read(path, &text, NULL, NULL) < 0)
                return;
        for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                line += strspn(line, BLANKS);
                if (strncmp(line, name, n) != 0)
                        continue;
                char *value = line + n + strspn(line + n, BLANKS);
                if (*value++ != '=')
                        continue;
                value += strspn(value, BLANKS);
                size_t length = strlen(value);
                while (length > 0 && strchr(BLANKS, value[length - 1]))
                        length--;
                (void) snprintf(ret, 64, "%.*s", (int) (length < 60 ? length : 60), value);
        }
}

static int is_conf(const struct dirent *e) {
        size_t n = strlen(e->d_name);
        return n > 5 && strcmp(e->d_name + n - 5, ".conf") == 0;
}

/* As systemd reads it: the main file, then its drop-ins by name, /etc over /run over /usr/lib. */
static void journald_setting(const char *name, char ret[64]) {
        static const char *const folders[] = {"/usr/lib/systemd/journald.conf.d",
                                              "/run/systemd/journald.conf.d",
                                              "/etc/systemd/journald.conf.d"};
        ret[0] = 0;
        setting("/etc/systemd/journald.conf", name, ret);
        for (size_t i = 0; i < ELEMENTSOF(folders); i++) {
                struct dirent **list = NULL;
                int n = scandir(folders[i], &list, is_conf, alphasort);
                for (int k = 0; k < n; k++) {
                        char path[PATH_MAX];
                        (void) snprintf(path, sizeof(path), "%s/%s", folders[i], list[k]->d_name);
                        setting(path, name, ret);
                        free(list[k]);
                }
                free(list);
        }
}

/* By time, size and number of files. Without a word of the site's: a tenth of the disk, at most 4 GB. */
static void check_retention(struct doctor *d) {
        static const char *const limits[] = {"MaxRetentionSec", "SystemMaxUse", "SystemMaxFiles"};
        char value[64];
        for (size_t i = 0; i < ELEMENTSOF(limits); i++) {
                journald_setting(limits[i], value);
                if (value[0] && strcmp(value, "0") != 0)
                        found(d, FINDING_WARN,
                              _("Is that as long as your auditors want? See journald.conf(5)."),
                              _("The journal deletes records after %s=%s."), limits[i], value);
        }
}

void check_journal(struct doctor *d) {
        char storage[64];
        journald_setting("Storage", storage);
        bool folder = access("/var/log/journal", F_OK) == 0;
        if (strcmp(storage, "volatile") == 0 || strcmp(storage, "none") == 0 ||
            (!folder && strcmp(storage, "persistent") != 0))
                found(d, FINDING_BAD,
                      _("Set Storage=persistent in journald.conf(5), and restart systemd-journald."),
                      _("The journal, and the audit records in it, are lost at every boot."));
        else
                found(d, FINDING_OK, NULL, _("The journal stays over a boot."));
        check_retention(d);
}

static int count(const char *service, void *data) {
        (*(unsigned *) data)++;
        return 0;
}

/* False when they lead to a parked session. What is linked may not be what runs: a later file of the site's,
 * or somebody by hand. */
static bool check_kernel_keys(struct doctor *d) {
        _cleanup_(freep) char *text = NULL;
        char *end;
        int r = file_read(PATH_SYSRQ, &text, NULL, NULL);
        if (r == -ENOENT)
                return true; /* a kernel without those keys */
        long value = r < 0 ? 1 : strtol(text, &end, 10);
        if (r >= 0 && (end == text || strcmp(end, "\n") != 0))
                value = 1;
        if (value != SYSRQ_ALL && !(value & SYSRQ_KEYBOARD))
                return true;
        found(d, FINDING_BAD,
              _("Run: sysctl kernel.sysrq=176, and look in /etc/sysctl.conf and /etc/sysctl.d for what sets "
                "it."),
              _("Alt+SysRq+R and Alt+SysRq+K work (kernel.sysrq=%ld): whoever is at the keyboard can show a "
                "parked session."),
              value);
        return false;
}

void check_station_files(struct doctor *d) {
        bool keys = d->rules && d->rules->session_keys;
        unsigned enabled = 0, good = 0, wanted = 0;
        (void) pam_service_each(count, &enabled);
        if (enabled == 0) {
                found(d, FINDING_WARN, _("When the rules are right: wardtap enable SERVICE..."),
                      _("No PAM service is enabled, and the files that make a station safe are not in "
                        "force."));
                return;
        }
        for (size_t i = 0; i < n_station_files; i++) {
                const struct station_file *f = &station_files[i];
                if (keys && f->session_key)
                        continue;
                wanted++;
                int r = station_file_state(f);
                if (r == 1)
                        good++;
                else if (r == -EEXIST)
                        found(d, FINDING_WARN,
                              _("Compare it with the file of the same purpose in " PATH_STATION_FILES "."),
                              _("%s is not Wardtap's (%s)."), f->link, _(f->what));
                else
                        found(d, FINDING_BAD,
                              _("Run wardtap enable again, with the services that are enabled."),
                              _("%s is not in force (%s)."), f->link, _(f->what));
        }
        if (check_kernel_keys(d) && good == wanted)
                found(d, FINDING_OK, NULL, _("All files that make a station safe are in force."));
}

/* Its libraries are recommended, not required: a station without a screen needs none of them. */
void check_sessions(struct doctor *d) {
        static const char *const show[] = {WARDTAP_SESSION_EXE, "--version", NULL};
        if (access("/etc/X11/Xsession", F_OK) < 0)
                found(d, FINDING_OK, NULL, _("There are no X sessions in which something had to be shown."));
        else if (program_run(show) < 0)
                found(d, FINDING_WARN,
                      _("Install what the package recommends: libcairo2, libpangocairo-1.0-0, "
                        "libxcb-randr0."),
                      _("%s does not start, so nobody sees a countdown or whose session it is."), show[0]);
        else
                found(d, FINDING_OK, NULL, _("Sessions can show whose they are."));
}
