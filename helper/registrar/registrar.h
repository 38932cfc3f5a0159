/* SPDX-License-Identifier: Apache-2.0 */
/* What wardtap-registrar decides about one ticket: a connection's questions, one after the other, against
 * people.db. It believes nothing that an attempt says but what signatures and the ticket's code prove, and
 * writes badge, key and "used" in one transaction whose records are on disk before it is committed. */
#pragma once

#include "common/record.h"
#include "common/registrar.h"
#include "policy/attestation.h"
#include "policy/rules.h"
#include "policy/ticket.h"

/* Has wardtapd write a record: 0 when it is on disk, else a negative errno. */
typedef int (*registrar_recorder)(void *userdata, const char *attempt, const struct record *r);

/* What it works with; borrowed. */
struct registrar {
        struct store *people; /* for writing */
        const struct ticket_key *key;
        const struct rules *rules;
        const struct attestation_roots *roots; /* vendors whom the site trusts; NULL: none */
        registrar_recorder record;
        void *userdata;
};

/* One connection. Zero-initialise. */
struct registrar_case {
        char attempt[33];
        bool checked; /* a good ticket was shown */
        bool done;
        bool again; /* it had been used when it was shown */
        int64_t ticket, person;
        uint8_t make[REGISTRAR_CHALLENGE_SIZE], trial[REGISTRAR_CHALLENGE_SIZE];
};

/* Answers one message of an attempt. -EBADMSG for one that is not its to send, or not now: it is hung up on.
 */
int registrar_answer(const struct registrar *r, struct registrar_case *c, const struct registrar_message *m,
                     const struct policy_clock *clock, struct registrar_message *ret);
