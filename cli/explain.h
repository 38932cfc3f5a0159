/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap policy explain`: what is asked, and the steps that lead to the answer. */
#pragma once

#include "cli/admin.h"
#include "cli/output.h"
#include "policy/decide.h"
#include "policy/tags.h"
#include "policy/ticket.h"

struct explanation {
        struct rules *rules;
        struct admin admin;
        struct store_person person;
        struct policy_person asked; /* about whom */
        struct store_elevation elevations[STORE_ELEVATIONS_MAX];
        struct policy_elevation asked_elevations[STORE_ELEVATIONS_MAX]; /* borrow from the ones above */
        char holder[129]; /* of the account, where it is lent out */
        struct policy_history history;
        struct policy_question question;
        struct words groups, passing, failing; /* owned */
        struct store_badge badge;              /* that is shown; id 0: none */
        struct store_ticket ticket;            /* likewise */
        struct tags tags;
        struct json_object *steps; /* sentences */
};

/* One more sentence. */
void explain_step(struct explanation *x, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Fills in the evidence from a list with commas; NULL: nothing is shown. An exit code. */
int explain_load_evidence(struct explanation *x, const char *list);
/* All sentences about what was asked and decided. */
void explain_tell(struct explanation *x, const struct policy_decision *d);
void explain_answer(struct explanation *x, const struct policy_decision *d, bool json);
