/* SPDX-License-Identifier: Apache-2.0 */
/* How many attempts may exist at once, and whose: a table of places. Whoever is not root gets few, and all
 * of them together not all, so that root (the display manager, login) always finds a place. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define QUOTA_PLACES 128U /* attempts at once */
#define QUOTA_OTHERS 96U  /* of which for everybody but root */
#define QUOTA_PER_UID 4U  /* of which for one uid that is not root */

/* Each attempt costs two processes and a record on disk and in the journal: one uid that is not root may
 * begin a few at once, and then one in a while. */
#define QUOTA_BURST 16U
#define QUOTA_REFILL_USEC (3U * 1000U * 1000U)
#define QUOTA_RATES 64U /* uids remembered; the one that has rested longest is forgotten first */

struct quota {
        struct {
                bool taken;
                uid_t uid;
        } places[QUOTA_PLACES];
        struct {
                uid_t uid;
                uint64_t full_usec; /* CLOCK_MONOTONIC: when it may begin QUOTA_BURST at once again */
        } rates[QUOTA_RATES];
};

/* Takes a place for uid: its number, from 0, or -EBUSY. */
int quota_take(struct quota *q, uid_t uid);
/* Whether uid may begin an attempt now; counts it if so. Root always may. */
bool quota_begin(struct quota *q, uid_t uid, uint64_t now_usec);
/* Gives a place back. */
void quota_give(struct quota *q, unsigned place);
