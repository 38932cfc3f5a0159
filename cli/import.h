/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap import` and `export`: formats, and what passes between a file and the store. */
#pragma once

#include "cli/admin.h"
#include "cli/import_file.h"

enum file_format { FORMAT_CSV, FORMAT_JSON };

/* What --format says; else as the path ends (NULL: csv). An enum cli_exit, after a complaint. */
int format_take(const struct cli_arguments *args, const char *path, enum file_format *ret);

/* The names of the keys under which wardtapd makes indexes, the one in use first. */
struct import_keys {
        size_t n;
        char ids[BADGE_INDEXES_MAX][17];
};

/* Has wardtapd make the indexes of all badges, BROKER_NUMBERS_MAX at a time: sign-ins come between. 0 or a
 * negative errno. */
int import_ask_indexes(int broker, struct import *im, struct import_keys *ret);
/* Adds everybody to the store, in the transaction that is open. Whoever is enrolled already, and a badge
 * that somebody holds, is a problem. 0 or a negative errno of the store. */
int import_to_store(struct store *s, struct import *im, const struct import_keys *keys, uint64_t now_usec);
