/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files that decide about tickets. */
#pragma once

#include "helper/registrar/registrar.h"
#include "policy/approve.h"
#include "policy/fido.h"
#include "policy/reason.h"

/* What every record about a ticket says. `p` may be NULL, a ticket's name empty. */
int registrar_fill(const struct registrar *r, const struct store_ticket *t, const struct store_person *p,
                   struct record *record);
/* What a ticket is good for now: OK also when it has signed in and gives that session back. */
enum registrar_status registrar_state(const struct store_ticket *t, const struct store_person *p,
                                      const struct policy_clock *now);

/* What one message changes, in one transaction, and the records of it: TICKET_USE, and one for badge and key
 * each. Those are written before the change is committed. */
#define REGISTRAR_RECORDS_MAX 3U
struct registrar_change {
        const struct registrar *r;
        const struct registrar_case *c;
        const struct policy_clock *clock;
        uint64_t now_usec; /* its CLOCK_REALTIME */
        struct store_ticket ticket;
        struct store_person person;
        struct record records[REGISTRAR_RECORDS_MAX];
        size_t n_records; /* that were written, or may have been */
};
void registrar_change_clear(struct registrar_change *w);
/* Reads the case's ticket and person inside the transaction. NOT_HERE when it was issued for `other`. */
enum registrar_status registrar_reread(struct registrar_change *w, enum ticket_use other);
/* Has one more record written: what each says of the ticket, and these fields where they have a value. */
struct registrar_field {
        enum record_field field;
        const char *value;
};
enum registrar_status registrar_note(struct registrar_change *w, enum record_event event,
                                     const struct registrar_field fields[static 3]);
/* Ends the transaction: commits when status is OK. Else, or when that fails, it is undone, and the records
 * are taken back by others. */
enum registrar_status registrar_commit(struct registrar_change *w, enum registrar_status status);

/* The badge with these indexes, ended or not. -ENOENT, or another error of the store. */
int registrar_find_badge(const struct registrar *r, const struct registrar_badge *b,
                         struct store_badge *ret);
/* Puts what its owner has in her hand in use again, if a colleague reported it lost before the ticket was
 * issued: OK, and the badge's token or true. OK also where it is in use, and nothing changes.
 * BADGE_SUSPENDED or KEY_SUSPENDED where it was suspended otherwise. Inside a transaction. */
enum registrar_status registrar_lift_badge(const struct registrar_change *w, const struct store_badge *held,
                                           char ret_token[9]);
enum registrar_status registrar_lift_key(const struct registrar_change *w, const struct store_key *held,
                                         bool *ret_lifted);
/* The record of what was lifted; an empty token means nothing was. */
enum registrar_status registrar_note_found(struct registrar_change *w, const char *badge, const char *key);
/* ENROL, after CHECK. */
int registrar_enrol(const struct registrar *r, const struct registrar_case *c,
                    const struct registrar_enrol *e, const struct policy_clock *clock,
                    struct registrar_message *ret);
