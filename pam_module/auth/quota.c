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

void quota_give(struct quota *q, unsigned place) {
        if (place < QUOTA_PLACES)
                q->places[place].taken = false;
}
