/* SPDX-License-Identifier: Apache-2.0 */
/* How many attempts may exist at once, and whose: a table of places. Whoever is not root gets few, and all
 * of them together not all, so that root (the display manager, login) always finds a place. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#define QUOTA_PLACES 128U /* attempts at once */
#define QUOTA_OTHERS 96U  /* of which for everybody but root */
#define QUOTA_PER_UID 4U  /* of which for one uid that is not root */

struct quota {
        struct {
                bool taken;
                uid_t uid;
        } places[QUOTA_PLACES];
};

/* Takes a place for uid: its number, from 0, or -EBUSY. */
int quota_take(struct quota *q, uid_t uid);
/* Gives a place back. */
void quota_give(struct quota *q, unsigned place);
