/* SPDX-License-Identifier: Apache-2.0 */
/* Counts what records say of sign-ins, one record after the other, in memory that grows with the number of
 * days, roles or stations and not with that of records. It knows people only as numbers, and of each count
 * only whether enough of them stand behind it. */
#pragma once

#include "cli/audit_entry.h"
#include "common/util.h"
#include "policy/reason.h"

#define STATS_PEOPLE_MIN 5U    /* with fewer, a count would say what one of them does */
#define STATS_GROUPS_MAX 4096U /* days, roles or stations; the last one takes what has no other */
#define STATS_REST "(others)"
#define STATS_NAME_SIZE 65U

/* What is counted of records of one kind, and the people (numbers that say nothing else) behind it. */
struct stats_cell {
        uint64_t n;
        uint64_t people[STATS_PEOPLE_MIN]; /* different ones, the first n_people of them */
        unsigned n_people;                 /* STATS_PEOPLE_MIN: as many, or more */
};
/* One more record, of this person; 0: nobody knows whose. */
void stats_cell_add(struct stats_cell *c, uint64_t person);
/* The people behind a join those behind c. */
void stats_cell_join(struct stats_cell *c, const struct stats_cell *a);

/* By what was proven at a full sign-in; a badge's number is no proof. */
enum stats_factors {
        STATS_NONE,
        STATS_BADGE,
        STATS_KEY,
        STATS_BADGE_KEY,
        STATS_KEY_VERIFY,
        STATS_BADGE_KEY_VERIFY,
        STATS_FACTORS_OTHER,
        STATS_FACTORS_MAX,
};
/* "badge+key" as records say it. */
const char *stats_factors_name(enum stats_factors f);

enum stats_measure {
        STATS_SIGN_INS,   /* by Wardtap with what the rules want; grace not counted */
        STATS_REENTRIES,  /* by the badge, within grace */
        STATS_EXCEPTIONS, /* of the sign-ins: with the fewer factors of an exception */
        STATS_FALLBACKS,  /* by the site's own way */
        STATS_TICKETS,    /* used: a sign-in by one alone, or the first one after enrolling with one */
        STATS_TEMPORARY,  /* by a temporary badge alone, which are no sign-ins and no re-entries */
        STATS_RECOVERIES, /* people who were enrolled anew */
        STATS_APPROVALS, /* by somebody's key: a role for a while, a temporary badge, each half of a recovery
                          */
        STATS_NOT_APPROVED,
        STATS_BREAK_GLASS, /* true emergencies, each once however often its session was resumed */
        STATS_DRILLS,
        STATS_REFUSALS,
        STATS_TAPS, /* from a tap to a session on the screen */
        STATS_MEASURE_MAX,
};

/* Times in steps of at most 3 %, from a millisecond to a quarter of an hour. */
#define STATS_STEPS_PER_DOUBLING 32U
#define STATS_STEPS (20U * STATS_STEPS_PER_DOUBLING)

struct stats_group {
        char name[STATS_NAME_SIZE]; /* "2026-11-20", a role, a station; "" for all */
        struct stats_cell measures[STATS_MEASURE_MAX];
        struct stats_cell factors[STATS_FACTORS_MAX]; /* of STATS_SIGN_INS */
        struct stats_cell reasons[REASON_MAX];        /* of STATS_REFUSALS */
        uint32_t steps[STATS_STEPS];                  /* of STATS_TAPS */
};
/* So many hundredths of the taps came to a session within this time, in microseconds; 0 when there were
 * none. */
uint64_t stats_percentile(const struct stats_group *g, unsigned hundredths);
/* Of full sign-ins: those in which a key signed. */
uint64_t stats_strong(const struct stats_group *g);

enum stats_by { STATS_BY_NOTHING, STATS_BY_DAY, STATS_BY_ROLE, STATS_BY_STATION, STATS_BY_MAX };

struct stats;

int stats_new(enum stats_by by, struct stats **ret);
struct stats *stats_free(struct stats *s);
DEFINE_CLEANUP(struct stats, stats_free)

/* The next record, which wardtapd itself wrote, and which was not counted yet. False when it says nothing of
 * sign-ins. -ENOMEM. Records of the fallback, of times and of approvals say no role of the person they are
 * about; they get the last one she had. */
int stats_add(struct stats *s, const struct audit_entry *e, uint64_t time_usec);

/* Borrowed: all of it, and the groups in the order of their names; nothing is added after that. */
const struct stats_group *stats_all(const struct stats *s);
const struct stats_group *const *stats_groups(struct stats *s, size_t *ret_n);
/* Records that were counted, and the first and last of them. */
struct stats_span {
        uint64_t records, first_usec, last_usec;
        char station[STATS_NAME_SIZE]; /* of the first; */
        bool many_stations;            /* others had another */
};
const struct stats_span *stats_span(const struct stats *s);
