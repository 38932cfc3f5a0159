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
/* The same without a complaint: a negative errno. */
int emergency_items_read(struct store *people, bool journal, struct emergency_items *ret);
/* By id; NULL for none. */
const struct emergency_item *emergency_items_find(const struct emergency_items *l, const char *review);
const struct store_review *emergency_item_part(const struct emergency_item *i, enum review_part part);
/* Who has not closed it and must: enum reviewer; 0 when it is not open. */
unsigned emergency_item_owed(const struct emergency_items *l, const struct emergency_item *i);
unsigned emergency_items_open(const struct emergency_items *l);
/* When the newest drill was, or any emergency at all, and 0 for never. */
uint64_t emergency_items_last_drill(const struct emergency_items *l);

/* --- emergency_due.c: what emergency access lacks at this station */
enum emergency_lack {
        EMERGENCY_LACKS_REVIEW,  /* emergencies that nobody has reviewed to the end: n */
        EMERGENCY_LACKS_RULES,   /* the rules have no [BreakGlass] */
        EMERGENCY_NOT_HERE,      /* they have, for other stations */
        EMERGENCY_LACKS_DRILL,   /* nothing of it was tried in time; since_usec: when it was last */
        EMERGENCY_LACKS_ACCOUNT, /* this system knows no such account */
        EMERGENCY_NOT_ENROLLED,
        EMERGENCY_IS_PERSONAL, /* enrolled as somebody's own */
        EMERGENCY_LACKS_KIT,   /* no badge or no key that could be used: a witness alone opens it */
        EMERGENCY_KIT_UNTRIED, /* its kit, in time; since_usec: when it was last */
        EMERGENCY_KIT_OLD,     /* its key is due for another one; since_usec: when that was enrolled */
        EMERGENCY_LACK_MAX,
};
struct emergency_due {
        enum emergency_lack what;
        const char *user;    /* the emergency account; NULL where it is about none */
        uint64_t since_usec; /* 0 = never */
        unsigned n;
};
/* Calls f for each. people may be NULL: nothing is said of accounts then. */
void emergency_due(const struct emergency_items *l, struct store *people, uint64_t now_usec,
                   void (*f)(void *data, const struct emergency_due *d), void *data);
/* One sentence (for people, translated), and what to do. */
#define EMERGENCY_DUE_SIZE 256U
void emergency_due_text(const struct emergency_due *d, uint64_t now_usec, char ret[EMERGENCY_DUE_SIZE]);
const char *emergency_due_fix(enum emergency_lack what);
