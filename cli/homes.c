/* SPDX-License-Identifier: Apache-2.0 */
/* NFS with Kerberos, mounted or to be mounted. */
#include "cli/homes.h"

#include <mntent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/util.h"

#define PATH_MOUNTS "/proc/self/mounts"
#define PATH_FSTAB "/etc/fstab" /* what is mounted only when somebody comes stands there alone */

static bool needs_ticket(const struct mntent *e) {
        return strncmp(e->mnt_type, "nfs", 3) == 0 && strstr(e->mnt_opts, HOMES_KERBEROS);
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
static int each_of(const char *table, const char *other, int (*f)(const char *folder, void *data),
                   void *data) {
        _cleanup_(endmntentp) FILE *mounts = setmntent(table, "re");
        struct mntent entry, *e;
        char buf[4096];
        int sum = 0;
        while (mounts && (e = getmntent_r(mounts, &entry, buf, sizeof(buf))))
                if (needs_ticket(e) && !(other && table_has(other, e->mnt_dir)))
                        sum += f(e->mnt_dir, data);
        return sum;
}

int homes_each_with_tickets(int (*f)(const char *folder, void *data), void *data) {
        return each_of(PATH_FSTAB, NULL, f, data) + each_of(PATH_MOUNTS, PATH_FSTAB, f, data);
}
