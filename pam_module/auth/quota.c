/* SPDX-License-Identifier: Apache-2.0 */
/* The places for attempts and who may have them. */
#include "pam_module/auth/quota.h"

#include <errno.h>

static bool may_have_one_more(const struct quota *q, uid_t uid) {
        unsigned own = 0, others = 0;
        if (uid == 0)
                return true;
        for (unsigned i = 0; i < QUOTA_PLACES; i++) {
                if (!q->places[i].taken || q->places[i].uid == 0)
                        continue;
                others++;
                if (q->places[i].uid == uid)
                        own++;
        }
        return own < QUOTA_PER_UID && others < QUOTA_OTHERS;
}

int quota_take(struct quota *q, uid_t uid) {
        if (!may_have_one_more(q, uid))
                return -EBUSY;
        for (unsigned i = 0; i < QUOTA_PLACES; i++) {
                if (q->places[i].taken)
                        continue;
                q->places[i].taken = true;
                q->places[i].uid = uid;
                return (int) i;
        }
        return -EBUSY;
}

bool quota_begin(struct quota *q, uid_t uid, uint64_t now_usec) {
        unsigned at = 0;
        if (uid == 0)
                return true;
        for (unsigned i = 0; i < QUOTA_RATES; i++) {
                if (q->rates[i].uid == uid) {
                        at = i;
                        break;
                }
                if (q->rates[i].full_usec < q->rates[at].full_usec)
                        at = i;
        }
        uint64_t full = q->rates[at].uid == uid && q->rates[at].full_usec > now_usec ? q->rates[at].full_usec
                                                                                     : now_usec;
        if (full - now_usec > (QUOTA_BURST - 1U) * (uint64_t) QUOTA_REFILL_USEC)
                return false;
        q->rates[at].uid = uid;
        q->rates[at].full_usec = full + QUOTA_REFILL_USEC;
        return true;
}

void quota_give(struct quota *q, unsigned place) {
        if (place < QUOTA_PLACES)
                q->places[place].taken = false;
}
