/* SPDX-License-Identifier: Apache-2.0 */
/* Everybody who is enrolled and has not ended, with what each holds, what the system and the rules say of
 * them, and when they were last seen on this station: what `wardtap review` and `wardtap readiness` judge.
 * Gathered once, so that the judging is of values alone. */
#pragma once

#include "policy/rules.h"
#include "policy/store.h"

struct census_badge {
        char token[9], key_id[STORE_KEY_ID_SIZE + 1];
        uint64_t added_usec, used_usec; /* 0 = never on this station */
};

struct census_key {
        char token[17];
        uint8_t public_key_hash[32];
        bool usable; /* the role allows its model, and its attestation is what the role wants */
        uint64_t added_usec, used_usec;
};

enum census_account {
        ACCOUNT_NONE,    /* the system knows no such user */
        ACCOUNT_UNKNOWN, /* whether it does could not be found out */
        ACCOUNT_LOCAL,   /* in /etc/passwd: there whatever the network does */
        ACCOUNT_REMOTE,
};

struct census_person {
        char user[65], full_name[129];
        enum person_state state;
        uint64_t not_before_usec, not_after_usec, added_usec;
        struct census_badge *badges; /* owned; not ended */
        size_t n_badges;
        struct census_key *keys; /* owned; not ended */
        size_t n_keys;
        enum census_account account;
        uint64_t known_usec; /* when the account was last seen here; 0 = it is not remembered */
        bool needs_ticket;   /* the home is NFS with Kerberos */
        /* What the rules say, whatever the hour and the day. */
        const char *role;    /* borrowed from the rules; NULL: none here, */
        enum reason no_role; /* because of this */
        unsigned approves;   /* 1U << enum approve_action each: what the person may approve for others */
        unsigned needed;     /* factors */
        /* What happened here. */
        uint64_t strong_usec, last_failure_usec;
        unsigned failures; /* in a row */
};

struct census {
        struct rules *rules;          /* owned; NULL: none are in force */
        struct census_person *people; /* owned; in the order in which they were enrolled */
        size_t n, size;
        bool has_state;  /* what happened here could be read, or nothing has yet */
        bool has_groups; /* there is a service to sign in by, so that roles could be judged */
};

/* CLI_OK and *ret, else an enum cli_exit after a complaint. Needs root, who alone may read all of it. */
int census_take(struct census *ret);
/* For _cleanup_(census_clear). */
void census_clear(struct census *c);

/* The latest sign of the person on this station; 0 = none. */
uint64_t census_last_seen(const struct census_person *p);
