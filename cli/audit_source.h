/* SPDX-License-Identifier: Apache-2.0 */
/* Where audit records are read from: the journal of this machine, a folder of journal files, or an export.
 */
#pragma once

#include "cli/audit_entry.h"
#include "cli/cli.h"

#include <stdio.h>
#include <systemd/sd-journal.h>

/* What could not be read is neither verified nor found wrong. */
struct audit_source {
        sd_journal *journal; /* owned; or */
        FILE *file;          /* owned */
        const char *path;    /* of the folder or file, borrowed; NULL: this machine's journal */
        struct audit_trust trust;
};

/* By --file and --directory. With `all` it gives what others wrote in the guise of records, too, and else
 * wardtapd's own alone. Returns an enum cli_exit, and has said why. */
int audit_source_open(const struct cli_arguments *args, bool all, struct audit_source *ret);
void audit_source_close(struct audit_source *s);
/* To the beginning, or near the first entry that was taken at since_usec or later. An enum cli_exit. */
int audit_source_seek(struct audit_source *s, uint64_t since_usec);
/* The next entry: 1, 0 at the end, or a negative errno. */
int audit_source_next(struct audit_source *s, struct audit_entry *ret);
/* Says why the last of these failed. Returns CLI_UNREADABLE. */
int audit_source_failed(const struct audit_source *s, int error);
/* When the oldest entry of any kind was taken, as far as it can be told; else 0. */
uint64_t audit_source_oldest(struct audit_source *s);
