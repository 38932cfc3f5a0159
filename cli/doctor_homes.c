/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap doctor`: homes, and whatever else is mounted with a ticket. Kerberos hands one out for a
 * password, and a badge is none. */
#include <dirent.h>
#include <limits.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/doctor.h"
#include "cli/file.h"
#include "common/util.h"

#define PATH_MOUNTS "/proc/self/mounts"
#define PATH_FSTAB "/etc/fstab" /* what is mounted only when somebody comes stands there alone */
#define KERBEROS "sec=krb5"
#define FIX N_("Use sec=sys, or let a service fetch tickets (gssproxy with constrained delegation).")

static bool needs_ticket(const struct mntent *e) {
        return strncmp(e->mnt_type, "nfs", 3) == 0 && strstr(e->mnt_opts, KERBEROS);
}

static void endmntentp(FILE **f) {
        if (*f)
                (void) endmntent(*f);
}

static bool table_has(const char *table, const char *folder) {
        _cleanup_(endmntentp) FILE *f = setmntent(table, "re");
        struct mntent entry, *e;
        char buf[4096];
        while (f && (e = getmntent_r(f, &entry, buf, sizeof(buf))))
                if (needs_ticket(e) && strcmp(e->mnt_dir, folder) == 0)
                        return true;
        return false;
}

/* Those of one table, without what stands in another, where it was found already. */
static unsigned check_table(struct doctor *d, const char *table, const char *other) {
        _cleanup_(endmntentp) FILE *f = setmntent(table, "re");
        struct mntent entry, *e;
        char buf[4096];
        unsigned n = 0;
        while (f && (e = getmntent_r(f, &entry, buf, sizeof(buf)))) {
                if (!needs_ticket(e) || (other && table_has(other, e->mnt_dir)))
                        continue;
                found(d, FINDING_WARN, _(FIX),
                      _("%s is NFS with Kerberos: after a sign-in by badge nobody has a ticket to read it."),
                      e->mnt_dir);
                n++;
        }
        return n;
}

static bool map_needs_ticket(const char *path) {
        _cleanup_(freep) char *text = NULL;
        char *save = NULL;
        if (file_read(path, &text, NULL, NULL) < 0)
                return false;
        for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
                if (line[strspn(line, " \t")] != '#' && strstr(line, KERBEROS))
                        return true;
        return false;
}

static int is_map(const struct dirent *e) {
        return strncmp(e->d_name, "auto.", 5) == 0;
}

/* The maps of autofs(5). */
static unsigned check_maps(struct doctor *d) {
        struct dirent **list = NULL;
        int n = scandir("/etc", &list, is_map, alphasort);
        unsigned bad = 0;
        for (int i = 0; i < n; i++) {
                char path[PATH_MAX];
                (void) snprintf(path, sizeof(path), "/etc/%s", list[i]->d_name);
                if (map_needs_ticket(path)) {
                        found(d, FINDING_WARN, _(FIX),
                              _("What %s mounts is NFS with Kerberos: after a sign-in by badge nobody has a "
                                "ticket to read it."),
                              path);
                        bad++;
                }
                free(list[i]);
        }
        free(list);
        return bad;
}

void check_homes(struct doctor *d) {
        unsigned n = check_table(d, PATH_FSTAB, NULL);
        n += check_table(d, PATH_MOUNTS, PATH_FSTAB);
        n += check_maps(d);
        if (n == 0)
                found(d, FINDING_OK, NULL, _("No folder needs a Kerberos ticket."));
}
