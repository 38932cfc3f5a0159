/* SPDX-License-Identifier: Apache-2.0 */
/* The rules in force, read again when their file was replaced. */
#pragma once

#include <sys/stat.h>

#include "policy/rules.h"

struct snapshot {
        struct rules *rules; /* NULL: there are none, or none that can be read */
        struct stat st;      /* of the file they came from */
};

/* Looks whether the snapshot was replaced, and loads it if so. Returns true when the rules changed: whatever
 * was borrowed from the old ones is gone. */
bool snapshot_refresh(struct snapshot *s);
void snapshot_clear(struct snapshot *s);
