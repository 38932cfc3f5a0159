/* SPDX-License-Identifier: Apache-2.0 */
/* `wardtap review`: the list of what a reviewer must see. It says what is, not what time it is: as long as
 * nothing changes it is the same to the byte, so that its hash names what was looked through. */
#pragma once

#include <json.h>

#include "cli/census.h"

/* In the order in which they are listed. New ones may come anywhere; their names stand in lists that were
 * signed off, and stay. */
enum review_kind {
        REVIEW_ORPHAN,           /* enrolled, and the system has no such account */
        REVIEW_LOOKUP,           /* whether it has could not be found out */
        REVIEW_NO_ROLE,          /* the rules give no role here */
        REVIEW_SHARED_KEY,       /* two people hold a key with the same public key */
        REVIEW_NEVER_USED,       /* person, badge or key, on this station */
        REVIEW_UNUSED,           /* not for so many days */
        REVIEW_EXPIRED,          /* the person's time is over, and nobody ended what was held */
        REVIEW_EXPIRING,         /* within REVIEW_EXPIRING_DAYS */
        REVIEW_TEMPORARY,        /* a badge, an account, a ticket or a role that somebody has for a while */
        REVIEW_EXCEPTION,        /* of the rules, past its end */
        REVIEW_BREAK_GLASS,      /* not there, not drilled or rotated in time, or not reviewed */
        REVIEW_FAILURES,         /* so many in a row that tries are slowed down */
        REVIEW_SITE_KEY,         /* keys of badges and of tickets, and badges still under one before it */
        REVIEW_PASSWORD_USER,    /* a local account with a usable password */
        REVIEW_PASSWORD_SERVICE, /* a PAM service that takes one */
        REVIEW_KIND_MAX,
};
/* "orphan", "never-used", ... */
const char *review_kind_name(enum review_kind kind);

#define REVIEW_UNUSED_DAYS 90U
#define REVIEW_EXPIRING_DAYS 30U
#define REVIEW_SITE_KEY_DAYS 730U /* NIST SP 800-57 part 1, 5.3.6: a key for authentication, two years */

#define REVIEW_TICKET_KEY "ticket-key" /* an item */

struct review_finding {
        enum review_kind kind;
        char user[65], name[129]; /* whom it is about; "" where it is about nobody */
        char item[129];           /* token of a badge or key, "person", a service, a key's id, ... */
        char detail[161];         /* what more there is to know; not translated, as records are */
        uint64_t since_usec;      /* until, where it is about an end; 0: unknown */
};

struct review {
        struct review_finding *findings; /* owned; by kind, user and item once sorted */
        size_t n, size;
        unsigned unused_days;
        char station[65];
        bool no_history; /* state.db could not be read: nothing is said of use and failures */
};

/* For _cleanup_(review_clear). */
void review_clear(struct review *r);
/* One more; `about` may be NULL. -ENOMEM. */
int review_add(struct review *r, enum review_kind kind, const struct census_person *about, const char *item,
               uint64_t since_usec, const char *format, ...) __attribute__((format(printf, 6, 7)));
void review_sort(struct review *r);

/* What the census alone tells, at this time. -ENOMEM. */
int review_people(struct review *r, const struct census *c, uint64_t now_usec);
/* What the rules tell: exceptions whose end is over. Nobody is let in by them any more, and they still stand
 * there. 0, -ENOMEM. */
int review_rules(struct review *r, const struct census *c, uint64_t now_usec);
/* Badges, leases, tickets and roles for a while that are not over; leases whose hour is over and that nobody
 * has ended; homes that were not wiped after one. 0, -ENOMEM. */
int review_temporary(struct review *r, const struct census *c, uint64_t now_usec);
/* What emergency access lacks, and whose review is owed. 0, -ENOMEM. */
int review_break_glass(struct review *r, const struct census *c, uint64_t now_usec);
/* What to do about one of these two kinds (translated): "@" is the user, "#" the item. */
const char *review_while_todo(const struct review_finding *f);
/* What this station tells: site keys, passwords. 0, -ENOMEM. */
int review_station(struct review *r, const struct census *c, uint64_t now_usec);
/* True for a field of shadow(5) that some password fits, or none at all (""). */
bool review_is_password(const char *field);

/* The list in the one form that is hashed (caller frees *ret): one JSON object on one line. -EIO, -ENOMEM.
 */
#define REVIEW_HASH_SIZE 65U
int review_canonical(const struct review *r, char **ret, char ret_hash[REVIEW_HASH_SIZE]);
/* The same object. */
struct json_object *review_json(const struct review *r);
/* The table, and how many; what to do stands with each. */
void review_print(const struct review *r);

/* --- Lists that were signed off */
#define PATH_REVIEWS "/var/lib/wardtap/reviews" /* root:root 0700 */

struct review_kept {
        uint64_t attested_usec;
        char requestor[65], statement[161], hash[REVIEW_HASH_SIZE];
        uint64_t findings;
        bool intact; /* the list is the one that has this hash */
};
/* Puts the list (review_canonical()) there with what was stated. -EEXIST: it was signed off in this very
 * second already; or another negative errno. */
int review_keep(const struct review_kept *k, const char *list);
/* Takes it away again: it was not recorded. */
void review_forget(const struct review_kept *k);
/* Reads one such file, whole. -EBADMSG: it is none. */
int review_read_kept(const char *text, size_t n, struct review_kept *ret);
/* Calls f for each file of the folder in the order of their names, which is that of time; kept is NULL for
 * one that cannot be read. The first answer of f below 0, or an error of the folder; -ENOENT: no folder. */
int review_each_kept(int (*f)(const char *file, const struct review_kept *kept, void *data), void *data);
