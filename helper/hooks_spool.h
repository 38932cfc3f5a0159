/* SPDX-License-Identifier: Apache-2.0 */
/* The records that programs of the site are told of: one file each, in a folder of wardtapd's own. systemd
 * reads it, as root, when it starts the unit (LoadCredential=) and gives it to that unit alone; wardtap-hook
 * makes the program's environment of it. */
#pragma once

#include "common/record.h"
#include "common/util.h"

#include <stdbool.h>

#define HOOKS_NAME_MAX 64U /* characters of an event's or alert's name */
/* "wardtap-present@" and the like, a name, a number of 20 digits, ".service". */
#define HOOKS_UNIT_SIZE 192U

/* Lower-case letters, digits and dashes, a letter first, at most HOOKS_NAME_MAX: fit for the name of a unit
 * and of a file. */
bool hooks_is_name(const char *name);
/* Whether the site (a folder) has a program KIND.d/NAME, or KIND.d/default. */
bool hooks_is_wanted(const char *site, const char *kind, const char *name);

struct hooks_spool;

/* Makes the folder (0700), or removes what is older than a minute from it. The path is borrowed. */
int hooks_spool_new(const char *folder, struct hooks_spool **ret);
/* The files stay: a unit may be about to read them. */
struct hooks_spool *hooks_spool_free(struct hooks_spool *s);
DEFINE_CLEANUP(struct hooks_spool, hooks_spool_free)

/* Writes KIND-INSTANCE; the oldest of more than HOOKS_FILES_MAX goes. */
int hooks_spool_put(struct hooks_spool *s, const char *kind, const char *instance,
                    const struct record *record, uint64_t seq);
