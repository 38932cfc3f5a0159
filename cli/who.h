/* SPDX-License-Identifier: Apache-2.0 */
/* People who are enrolled, as rules see them. */
#pragma once

#include "cli/admin.h"
#include "cli/groups.h"
#include "policy/decide.h"
#include "policy/tags.h"

struct who {
        struct store_person person;
        struct words groups;     /* owned */
        bool has_badge, has_key; /* that are not suspended */
        bool key_attested, keys_suspended, leased;
        uint64_t leased_from_usec, leased_until_usec;
        char key_model[33];
        struct policy_person asked; /* borrows from the above */
};

void who_clear(struct who *w);
/* Looks up the account, the groups, badges and keys; keys count that are for this relying party (NULL: any).
 * -ENOMEM, or an error of the store. *ret must not be moved afterwards. */
int who_load(struct admin *a, const struct store_person *p, const char *relying_party, struct who *ret);
/* The moment that is asked about: now, or `at` as people write it. An enum cli_exit, after a complaint. */
int who_clock(const char *at, struct policy_clock *ret);
/* What the rules say to this person at this station with this evidence: a clock that is trusted, checks that
 * pass, and no history. */
void who_decide(const struct who *w, const struct rules *rules, const struct words *tags,
                const char *service, const struct policy_evidence *e, const struct policy_clock *c,
                struct policy_decision *ret);
