/* SPDX-License-Identifier: Apache-2.0 */
/* Everybody who is enrolled and has not ended, with what each holds, what the system and the rules say of
 * them, and when they were last seen on this station: what `wardtap review` and `wardtap readiness` judge.
 * Gathered once, so that the judging is of values alone. */
#pragma once

#include "cli/emergency.h"
#include "policy/rules.h"
#include "policy/store.h"

struct census_badge {
        char token[9], key_id[STORE_KEY_ID_SIZE + 1];
        uint64_t added_usec, used_usec; /* 0 = never on this station */
        uint64_t suspended_usec;        /* 0 = not */
        uint64_t lent_until_usec;       /* 0 = the person's own */
};

struct census_key {
        char token[17];
        uint8_t public_key_hash[32];
        bool usable; /* not suspended; the role allows its model, and its attestation is what the role wants
                      */
        uint64_t added_usec, used_usec, suspended_usec;
};

/* What somebody has for a while. */
enum census_while {
        WHILE_BADGE,   /* from the pool */
        WHILE_LEASE,   /* of an agency account */
        WHILE_UNWIPED, /* that has ended, and the home still holds what the holder left */
        WHILE_TICKET,
        WHILE_ROLE,
};
struct census_temporary {
        enum census_while kind;
        char item[129]; /* token, holder, the ticket's name, role */
        char by[STORE_APPROVER_MAX +
                1];          /* whose key approved it, or who issued it; "" where nobody is named */
        uint64_t until_usec; /* WHILE_UNWIPED: since */
};

enum census_account {
        ACCOUNT_NONE,    /* the system knows no such user */
        ACCOUNT_UNKNOWN, /* whether it does could not be found out */
        ACCOUNT_LOCAL,   /* in /etc/passwd: there whatever the network does */
        ACCOUNT_REMOTE,
};

struct census_person {
        int64_t id;
        char user[65], full_name[129];
        enum person_kind kind;
        enum person_state state;
        uint64_t not_before_usec, not_after_usec, added_usec;
        struct census_badge *badges; /* owned; not ended */
        size_t n_badges;
        struct census_key *keys; /* owned; not ended */
        size_t n_keys;
        struct census_temporary *temporary; /* owned; not ended, but maybe over */
        size_t n_temporary;
        bool leased;         /* an agency account that somebody has, or had until an hour ago */
        uint64_t lease_usec; /* when its last lease began, or ended; 0 = it was never lent */
        enum census_account account;
        uint64_t known_usec; /* when the account was last seen here; 0 = it is not remembered */
        bool needs_ticket;   /* the home is NFS with Kerberos */
        /* What the rules say, whatever the hour and the day. */
        const char *role;    /* borrowed from the rules; NULL: none here, */
        enum reason no_role; /* because of this */
        unsigned approves;   /* 1U << enum approve_action each: what the person may approve for others */
        unsigned needed;     /* factors */
        bool tickets;        /* the role lets people in by a ticket, and greeters ask for one */
        /* What happened here. */
        uint64_t strong_usec, last_failure_usec;
        unsigned failures; /* in a row */
};

/* Emergency access: what is owed (emergency.h), and reviews that are open. */
struct census_due {
        enum emergency_lack what;
        char user[65];       /* the account; "" where it is about none */
        uint64_t since_usec; /* 0 = never */
};
struct census_open {
        char review[STORE_REVIEW_SIZE], user[65];
        uint64_t from_usec;
        unsigned owed; /* enum reviewer */
};

struct census {
        struct rules *rules;          /* owned; NULL: none are in force */
        struct census_person *people; /* owned; in the order in which they were enrolled */
        size_t n, size;
        struct census_due *due; /* owned; reviews are not in it */
        size_t n_due;
        struct census_open *open; /* owned; newest first */
        size_t n_open;
        bool has_state;  /* what happened here could be read, or nothing has yet */
        bool has_groups; /* there is a service to sign in by, so that roles could be judged */
};

/* CLI_OK and *ret, else an enum cli_exit after a complaint. Needs root, who alone may read all of it. */
int census_take(struct census *ret);
/* For _cleanup_(census_clear). */
void census_clear(struct census *c);

/* The latest sign of the person on this station; 0 = none. */
uint64_t census_last_seen(const struct census_person *p);

/* --- census_while.c: into a census that has everybody else's rows. Negative errno. */
int census_add_temporary(struct census *c, struct store *people);
int census_add_emergencies(struct census *c, struct store *people, uint64_t now_usec);
/* One more row, of this person. -ENOMEM. */
int census_add_while(struct census_person *p, enum census_while kind, const char *item, const char *by,
                     uint64_t until_usec);
