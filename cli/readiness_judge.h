/* SPDX-License-Identifier: Apache-2.0 */
/* Can passwords be switched off today? A judgement over values: it reads nothing and prints nothing. */
#pragma once

#include "cli/census.h"

/* What a person lacks. */
enum readiness_gap {
        GAP_ACCOUNT,  /* the system has none, or it could not be looked up */
        GAP_ROLE,     /* the rules give none here */
        GAP_BADGE,    /* the role wants one */
        GAP_KEY,      /* the same; or none that it allows */
        GAP_RECOVERY, /* no second one of what may be lost, and nobody who may let back in */
        GAP_OFFLINE,  /* nothing is known of the account when the network is down */
        GAP_HOME,     /* a home that only a password opens */
        GAP_MAX,
};
/* "account", "role", "badge", ...: in JSON, untranslated (msgid). */
const char *readiness_gap_name(enum readiness_gap g);

enum readiness_break_glass {
        BREAK_GLASS_NOT_CONFIGURED, /* the rules have no way for an emergency */
        BREAK_GLASS_ELSEWHERE,      /* they have, but not at this station */
        BREAK_GLASS_NO_ACCOUNT, /* only with a badge in hand: no account that a kit or a witness would open
                                 */
        BREAK_GLASS_OVERDUE,    /* it, or a kit, was not tried in time, or a kit's key not renewed */
        BREAK_GLASS_COVERED,
};
/* By rules, accounts, kits and drills, as the census has them. */
enum readiness_break_glass readiness_break_glass(const struct census *c, uint64_t now_usec);

/* What is true of the station as a whole. */
struct readiness_facts {
        enum readiness_break_glass break_glass;
};

struct readiness_person {
        const struct census_person *person; /* borrowed */
        size_t n_badges, n_keys;            /* that could be used: her own, and not suspended */
        unsigned gaps;                      /* 1U << enum readiness_gap each; 0 = ready */
        bool has_recovery;
};

struct readiness {
        struct readiness_person *people; /* owned; by role (none comes last), then by user */
        size_t n, n_ready;
        bool ready; /* rules are in force, somebody is enrolled, nobody lacks anything, and there is
                       break-glass */
};

/* A recovery is a second key (or badge, where the role wants no key), or others with a key whose roles may
 * let somebody back in: one who approves tickets, where they are good for this role, or two who approve
 * recoveries. Judges everybody who may sign in at all: not suspended, within the person's own time, no
 * emergency account, and an agency's only while somebody has it. 0, -ENOMEM. */
int readiness_judge(const struct census *c, const struct readiness_facts *f, uint64_t now_usec,
                    struct readiness *ret);
/* For _cleanup_(readiness_clear). */
void readiness_clear(struct readiness *r);
