/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that read the journal share. */
#pragma once

#include <stdbool.h>
#include <systemd/sd-journal.h>

/* For _cleanup_(journal_closep). */
static inline void journal_closep(sd_journal **j) {
        if (*j)
                sd_journal_close(*j);
}

/* Whether the caller may read the system's journal. Its files are readable as a whole or not at all; without
 * them a reader sees its own entries only, silently. */
bool journal_may_read(void);
/* Whether systemd is process 1: then, and only then, entries say from which unit they came. */
bool journal_knows_units(void);
