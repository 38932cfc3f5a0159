/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap doctor`: homes, and whatever else is mounted with a ticket. Kerberos hands one out for a
 * password, and a badge is none. */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/doctor.h"
#include "cli/file.h"
#include "cli/homes.h"
#include "common/util.h"

#define FIX N_("Use sec=sys, or let a service fetch tickets (gssproxy with constrained delegation).")

static int found_home(const char *folder, void *data) {
        found(data, FINDING_WARN, _(FIX),
              _("%s is NFS with Kerberos: after a sign-in by badge nobody has a ticket to read it."),
              folder);
        return 1;
}

static bool map_needs_ticket(const char *path) {
        _cleanup_(freep) char *text = NULL;
        char *save = NULL;
        if (file_read(path, &text, NULL, NULL) < 0)
                return false;
        for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
                if (line[strspn(line, " \t")] != '#' && strstr(line, HOMES_KERBEROS))
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
        unsigned n = (unsigned) homes_each_with_tickets(found_home, d) + check_maps(d);
        if (n == 0)
                found(d, FINDING_OK, NULL, _("No folder needs a Kerberos ticket."));
}
