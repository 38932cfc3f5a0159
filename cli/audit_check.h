/* SPDX-License-Identifier: Apache-2.0 */
/* Checks a journal's audit records, one entry after the other as they stand there, in memory that does not
 * grow with their number: finds what was removed, changed, inserted, reordered or forged. It reads nothing
 * and prints nothing.
 *
 * Records of an epoch are kept as runs, of which only the first and the last record are known: an honest
 * journal is one run. What is missing between two runs was removed. A record that is there twice, because
 * wardtapd sent it again, is compared with the hash of the first, of which the last AUDIT_COMPARED are
 * kept. */
#pragma once

#include "cli/audit_entry.h"
#include "common/util.h"

#define AUDIT_COMPARED 65536U
#define AUDIT_RUNS_MAX 256U  /* of all epochs; beyond them the oldest gap is said and forgotten */
#define AUDIT_EPOCHS_MAX 64U /* what is of one more is not checked, and said to be so */
#define AUDIT_FINDINGS_MAX 200U
#define AUDIT_FORGED_MAX 50U /* of these: any user can forge, and must not crowd out the others */

enum audit_kind {
        AUDIT_REMOVED,   /* numbers between a and b are not there */
        AUDIT_CHANGED,   /* `what` between a and b; with span > 1 some of so many from it on */
        AUDIT_UNFIT,     /* a and b, the last, do not fit together: one of the two was changed */
        AUDIT_INSERTED,  /* `what` is not wardtapd's, or there was another of its number, between a and b */
        AUDIT_REORDERED, /* `what` (span) stands after a, although it came before it */
        AUDIT_FORGED,    /* `what` was written by somebody else, between a and b */
        AUDIT_CUT_OFF,   /* the end, after a: `until` is the number that should be the last, 0: unknown */
        AUDIT_EXTENDED,  /* a is later than the last that wardtapd knows, `until` */
        AUDIT_MARK,      /* the record that was to be there (`until`) is not, or (span 1) another is */
        AUDIT_KIND_MAX,
};

/* Each mark is empty (seq 0) where there is no such record. */
struct audit_finding {
        enum audit_kind kind;
        unsigned epoch; /* index; AUDIT_EPOCHS_MAX where it has none */
        struct audit_mark what, a, b;
        uint64_t span, until;
        bool one_before;                /* AUDIT_CHANGED: the one before `what` may have been, too */
        char by[256], uid[11], pid[11]; /* who forged it */

        /* while it is being worked out */
        struct audit_mark before;
        uint64_t links;
        bool wants_next;
};

struct audit_epoch {
        char id[33], station_id[33], station[65];
        struct audit_mark first, last; /* in number */
        uint64_t records, twice, late;
        bool alien;                /* came and went within another: not an epoch of wardtapd's */
        struct audit_mark highest; /* of those seen so far, with where it stands */
};

struct audit_check;

int audit_check_new(const struct audit_trust *trust, struct audit_check **ret);
struct audit_check *audit_check_free(struct audit_check *c);
DEFINE_CLEANUP(struct audit_check, audit_check_free)

/* The next entry of the journal. */
void audit_check_add(struct audit_check *c, struct audit_entry *e);

/* A record that has to be there, with this hash where has_hash; as an auditor noted it before. */
struct audit_anchor {
        uint64_t seq; /* 0: none */
        bool has_hash;
        uint8_t hash[AUDIT_HASH_SIZE];
};
/* "812" or "812:" and 64 hexadecimal digits. -EINVAL. */
int audit_anchor_read(const char *text, struct audit_anchor *ret);
/* Set before the first entry. Nothing may be missing from `from` on, and `to` must be reached. */
void audit_check_expect(struct audit_check *c, const struct audit_anchor *from,
                        const struct audit_anchor *to);

/* What wardtapd says of itself: the numbers of its last record before and after the journal was read, and
 * how many it had not yet read back from the journal before. */
struct audit_known {
        char epoch[33];
        uint64_t before, pending, after;
        bool has_hash; /* of the last record that the journal has of this epoch (audit_check_last()) */
        uint8_t hash[AUDIT_HASH_SIZE];
};
/* The number of the last record of an epoch so far; 0 for none. */
uint64_t audit_check_last(const struct audit_check *c, const char *epoch);
/* After the last entry; known may be NULL. The findings are complete then. */
void audit_check_end(struct audit_check *c, const struct audit_known *known);

/* Borrowed, in the order of epochs and numbers. */
const struct audit_finding *audit_check_findings(const struct audit_check *c, size_t *ret_n);
const struct audit_epoch *audit_check_epochs(const struct audit_check *c, size_t *ret_n);

struct audit_counts {
        uint64_t records, twice,
                late;  /* each record once; sent again; taken by the journal after later ones */
        uint64_t gone; /* came without word of which program sent them, and were passed over */
        uint64_t untold[AUDIT_KIND_MAX]; /* findings beyond AUDIT_FINDINGS_MAX and AUDIT_FORGED_MAX */
};
struct audit_counts audit_check_counts(const struct audit_check *c);
