/* SPDX-License-Identifier: Apache-2.0 */
/* Approvals by somebody's key: who may approve what, and how long an approval holds. Pure functions. */
#pragma once

#include "policy/decide.h"

struct approve_question {
        const struct rules *rules;  /* in force; NULL: none */
        const struct words *tags;   /* this station's, tags.d included */
        enum approve_action action; /* APPROVE_ACTION_INVALID: what only the person it is about may do */
        int64_t subject;            /* whom it is about; 0: nobody yet */
        const struct policy_person *approver; /* what her own roles for a while give her does not count */
        const struct policy_history *history; /* hers */
        const int64_t *others;                /* who have approved the same act already */
        size_t n_others;
        struct policy_clock clock;
};

/* REASON_NONE when she may, with her key still to prove it; *ret_role is then her role (NULL where only the
 * subject may). Else why not, in this order:
 *   no-rules; approver-same (or, where only the subject may, key-not-yours); approver-twice; person-*,
 *   no-account, not-leased; no-role, not-this-station, not-this-hour, approver-role; no-key-enrolled;
 *   throttled, with *ret_wait_usec.
 * An emergency account approves nothing. An emergency's review is bound to no station and no hour: any role
 * of her groups counts.
 * Her time (not-before, not-after) is judged by the wall clock even while that is not trusted; where that is
 * behind the last that is known of her, a time that ends is taken to have ended. */
enum reason policy_may_approve(const struct approve_question *q, const struct rule_role **ret_role,
                               uint64_t *ret_wait_usec);

/* Whether an approval holds at that time, and how old it is then. Inside the boot it was given in, the boot
 * clock alone counts; later the clock on the wall, if it is trusted. One from the future does not hold. */
bool policy_approval_holds(const struct policy_approval *a, const struct policy_clock *now,
                           uint64_t *ret_age_usec);

/* The same for what an administrator gave for a while (a ticket, a lease): also in a later boot while nobody
 * trusts the clock on the wall, as long as that says so. By neither clock does it come to life again: inside
 * its boot it ends by the one that says so first, and in a later one it is void before its beginning. */
bool policy_span_holds(const struct policy_approval *a, const struct policy_clock *now);

/* In how many minutes the span of hours that now lies in ends, at most `most`. */
unsigned policy_minutes_left(const struct hours *h, const struct policy_clock *now, unsigned most);
