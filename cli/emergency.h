/* SPDX-License-Identifier: Apache-2.0 */
/* Emergencies and their review: what state.db and the journal know of each, and what people.db says was said
 * and closed. */
#pragma once

#include "cli/admin.h"
#include "cli/output.h"
#include "policy/rules.h"

#define EMERGENCY_ITEMS_MAX 4096U /* newest first; older ones are left out, with a word about it */

struct emergency_item {
        struct store_emergency emergency; /* witness: not from the journal */
        char witness[65];                 /* user; "" for none, or not known */
        struct store_review parts[REVIEW_PART_MAX];
        size_t n_parts;
        bool open; /* somebody whom the rules name has not closed it */
};

struct emergency_items {
        struct emergency_item *items; /* owned */
        size_t n;
        bool more;           /* there are older ones */
        unsigned reviewers;  /* who must close: enum reviewer */
        struct rules *rules; /* in force; NULL: none */
};
/* For _cleanup_(emergency_items_clear). */
void emergency_items_clear(struct emergency_items *l);

/* All there are, of the stores and, with `journal`, of the records of this machine as well: an emergency
 * that the store could not take is there alone. people may be NULL: then all are open. An enum cli_exit,
 * after a complaint. */
int emergency_items_load(struct store *people, bool journal, struct emergency_items *ret);
/* By id; NULL for none. */
const struct emergency_item *emergency_items_find(const struct emergency_items *l, const char *review);
const struct store_review *emergency_item_part(const struct emergency_item *i, enum review_part part);
unsigned emergency_items_open(const struct emergency_items *l);
/* When the newest drill was, or any emergency at all, and 0 for never. */
uint64_t emergency_items_last_drill(const struct emergency_items *l);

/* --- emergency_due.c: what is overdue, in sentences; for each, f is called. people may be NULL. */
void emergency_due(const struct emergency_items *l, struct store *people, uint64_t now_usec,
                   void (*f)(void *data, const char *text, const char *fix), void *data);
