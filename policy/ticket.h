/* SPDX-License-Identifier: Apache-2.0 */
/* Tickets: a code on paper that lets one person enrol at a station, or sign in once without badge or key.
 * people.db keeps no code, only HMAC-SHA256 of it under a random key of this station that root alone may
 * read. That is enough: whoever reads the database (attempts may) lacks the key, and cannot try codes;
 * whoever has both has all of the station, and still 2^55 codes before him, for a ticket that lives for
 * hours. A slow hash would only keep the person at the screen waiting. */
#pragma once

#include "common/registrar.h"
#include "common/ticket.h"
#include "policy/store.h"

#define TICKET_KEY_SIZE 32U
#define TICKET_MAC_SIZE 32U
#define TICKET_SELECTOR_SIZE 8U
/* Wrong codes that begin as this ticket's does, and it ends. */
#define TICKET_FAILURES_MAX 5U
/* Wrong codes at one station, and all tickets pause there for so long after the last. */
#define TICKET_GUARD_MAX 5U
#define TICKET_GUARD_USEC (10U * 60U * 1000U * 1000U)
/* The longest and the shortest life. */
#define TICKET_LIFE_MAX_USEC (14ULL * 24 * 3600 * 1000000)
#define TICKET_LIFE_MIN_USEC (60ULL * 1000000)

enum ticket_use { TICKET_ENROL, TICKET_SIGN_IN, TICKET_ANY, TICKET_USE_MAX };
/* What an answer of wardtap-registrar means; REASON_NONE for OK. */
enum reason ticket_reason(enum registrar_status status);

/* "enrol", "sign-in", "any". */
const char *ticket_use_name(enum ticket_use use);
/* TICKET_USE_MAX for another word. */
enum ticket_use ticket_use_from_name(const char *name);

/* The key under which codes are kept; wiped by whoever has it. `create` makes one where there is none, in a
 * transaction of people.db, so that two do not make two. -ENOENT; -EACCES: it is not root's (or the
 * caller's) alone; -EBADMSG: no key. */
struct ticket_key {
        uint8_t bytes[TICKET_KEY_SIZE];
};
void ticket_key_erase(struct ticket_key *k);
int ticket_key_load(const char *path, bool create, struct ticket_key *ret);

/* What is kept of a code: of all of it, and of its first group, by which a wrong code is known to have been
 * meant for this ticket. -EIO. */
struct ticket_mac {
        uint8_t selector[TICKET_SELECTOR_SIZE], mac[TICKET_MAC_SIZE];
};
int ticket_mac(const struct ticket_key *key, const struct ticket_code *code, struct ticket_mac *ret);

struct store_ticket {
        int64_t id, person;
        char name[TICKET_NAME_CHARS + 1];
        struct ticket_mac mac;
        enum ticket_use use;
        char issuer[65], identified[129]; /* who issued it, and how the person was identified */
        unsigned failures;                /* wrong codes that began as this one does */
        int64_t version;
        uint64_t not_after_usec, added_usec;
        uint64_t used_usec, ended_usec; /* 0 = not yet. One that has signed somebody in has not ended: until
                                           not_after it gives that session back */
        char end_reason[129];
        uint64_t added_boottime_usec; /* CLOCK_BOOTTIME when it was issued ... */
        char added_boot_id[33];       /* ... in this boot; "": not known */
};

/* Makes name and id. -ENOENT: no such person, or ended. -EINVAL: a text or time that cannot be. */
int store_add_ticket(struct store *s, struct store_ticket *t, uint64_t now_usec);
int store_find_ticket_by_id(struct store *s, int64_t id, struct store_ticket *ret);
/* The ticket with this code, ended or not. -ENOENT. */
int store_find_ticket(struct store *s, const struct ticket_mac *mac, struct store_ticket *ret);
/* In order of id, as store_each_badge(). */
int store_each_ticket(struct store *s, int (*f)(const struct store_ticket *, void *), void *data);
/* By name, among those not ended. -ENOENT. */
int store_end_ticket(struct store *s, const char *name, const char *reason, uint64_t now_usec,
                     struct store_ticket *ret, struct store_person *ret_person);
/* Marks it as used; `end`: and as ended, "used". -EALREADY when it was used or has ended. */
int store_use_ticket(struct store *s, int64_t id, bool end, uint64_t now_usec);

/* What a wrong code costs: the station's count, and that of each live ticket which begins so; one that was
 * guessed at too often ends. *ret_name is the ticket it was meant for, or "". */
int store_count_wrong_code(struct store *s, const struct ticket_mac *mac, const struct policy_clock *clock,
                           char ret_name[TICKET_NAME_CHARS + 1]);
/* How long codes are refused from now on, whatever they are; 0: they are not. Of this boot the boot clock
 * counts; a count of an earlier boot is as old as this boot, at least. */
int store_ticket_pause(struct store *s, const struct policy_clock *clock, uint64_t *ret_usec);
