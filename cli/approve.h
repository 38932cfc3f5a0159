/* SPDX-License-Identifier: Apache-2.0 */
/* An approval by somebody's own key at this station. The terminal shows one sentence that names the action,
 * the person it is about and the approver; then her key, with PIN or fingerprint, signs a fresh challenge.
 * Its counter is on disk before anything follows from it; what fails counts as hers, as at a sign-in. Each
 * refusal is one sentence and one record, and nothing is changed. */
#pragma once

#include "cli/admin.h"
#include "cli/terminal.h"
#include "policy/approve.h"

/* What was approved, and by whom. */
struct approved {
        struct store_person person; /* the approver */
        char key[17];               /* token of the key that signed */
        char role[65];              /* by which she may; "" where it is her own affair */
        char policy[65];            /* hash of the rules it was judged by */
        struct policy_clock clock;  /* when */
};

struct approval {
        enum approve_action action; /* APPROVE_ACTION_INVALID: what only its owner may do */
        bool finds;                 /* her own, and it lifts that it was reported lost: such a key counts */
        const struct store_person *subject; /* NULL: nobody who is enrolled */
        const char *sentence;               /* what is to be approved; the approver's name is added */
        const struct approved *before;      /* somebody who approved the same act already; NULL */
        const char *review;                 /* ties the records of one act together; NULL for none */
        unsigned timeout_ms;                /* for her key */
};

/* Only whether she may, with every refusal of it: *ret is who she is. */
int approve_check(struct admin *a, const char *user, const struct approval *what, struct store_person *ret);
/* Between two people's keys: says whose is to come out and whose to go in, and waits (at most timeout_usec)
 * until no key is plugged in, or another one comes. */
int approve_swap(struct terminal *t, uint64_t timeout_usec, const struct store_person *out,
                 const struct store_person *in);
/* Asks the key of the person enrolled as `user`. Not inside a transaction: it takes as long as people take.
 * An enum cli_exit, after a complaint. */
int approve(struct admin *a, struct terminal *t, const char *user, const struct approval *what,
            struct approved *ret);
/* Whether an answer of this key may approve: it is for that relying party and not suspended (but with
 * `reported_too` for being reported lost), and is what the role (NULL: none) wants of keys. */
bool approve_key_fits(const struct store_key *k, const char *relying_party, const struct rule_role *role,
                      bool reported_too);
/* Sets APPROVER, KEY, FACTORS and POLICY. An enum cli_exit, after a complaint. */
int approve_record(const struct approved *by, struct record *r);
