/* SPDX-License-Identifier: Apache-2.0 */
/* Tickets that are shown, and those that are used up by a sign-in. */
#include "helper/registrar/registrar_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

int registrar_fill(const struct registrar *r, const struct store_ticket *t, const struct store_person *p,
                   struct record *record) {
        uint64_t version;
        int e;
        if ((t->name[0] && (e = record_set(record, RECORD_FIELD_TICKET, t->name)) < 0) ||
            (t->issuer[0] && (e = record_set(record, RECORD_FIELD_ISSUER, t->issuer)) < 0) ||
            (p && (e = record_set(record, RECORD_FIELD_PERSON, p->uuid)) < 0) ||
            (p && (e = record_set(record, RECORD_FIELD_USER, p->user)) < 0) ||
            (e = record_set(record, RECORD_FIELD_POLICY, r->rules->hash)) < 0 ||
            (e = store_version(r->people, &version)) < 0)
                return e;
        return record_set_u64(record, RECORD_FIELD_STORE_VERSION, version);
}

/* Nobody waits for it: the answer is no in any case. */
static void record_refusal(const struct registrar *r, const struct registrar_case *c,
                           const struct store_ticket *t, const struct store_person *p,
                           enum registrar_status status) {
        _cleanup_(record_clear) struct record record = {.event = RECORD_TICKET_REFUSED,
                                                        .outcome = RECORD_FAILURE};
        if (registrar_fill(r, t, p, &record) >= 0 &&
            record_set(&record, RECORD_FIELD_REASON, reason_name(ticket_reason(status))) >= 0)
                (void) r->record(r->userdata, c->attempt, &record);
}

static bool is_live(const struct store_ticket *t, const struct policy_clock *now) {
        struct policy_approval span = {.from_usec = t->added_usec,
                                       .from_boottime_usec = t->added_boottime_usec,
                                       .until_usec = t->not_after_usec};
        memcpy(span.from_boot_id, t->added_boot_id, sizeof(span.from_boot_id));
        return policy_span_holds(&span, now);
}

enum registrar_status registrar_state(const struct store_ticket *t, const struct store_person *p,
                                      const struct policy_clock *now) {
        bool used_up = t->ended_usec != 0 && t->ended_usec == t->used_usec;
        if (used_up)
                return REGISTRAR_USED;
        if (t->ended_usec != 0)
                return REGISTRAR_REVOKED;
        if (!is_live(t, now))
                return REGISTRAR_EXPIRED;
        if (p->ended_usec != 0 || (p->not_after_usec > 0 && now->realtime_usec >= p->not_after_usec))
                return REGISTRAR_PERSON;
        return p->state == PERSON_SUSPENDED ? REGISTRAR_SUSPENDED : REGISTRAR_OK;
}

/* A code that no ticket has: counted first, since a count that is lost is a guess for nothing. */
static enum registrar_status refuse_wrong(const struct registrar *r, const struct registrar_case *c,
                                          const struct ticket_mac *mac, const struct policy_clock *clock) {
        struct store_ticket meant = {0};
        if (store_count_wrong_code(r->people, mac, clock, meant.name) < 0)
                return REGISTRAR_FAILED;
        record_refusal(r, c, &meant, NULL, REGISTRAR_WRONG);
        return REGISTRAR_WRONG;
}

static enum registrar_status look(const struct registrar *r, struct registrar_case *c,
                                  const struct registrar_message *m, const struct policy_clock *clock,
                                  struct store_ticket *t, struct store_person *p, uint64_t *ret_wait) {
        struct ticket_mac mac;
        if (!r->rules->tickets)
                return REGISTRAR_NOT_HERE;
        if (store_ticket_pause(r->people, clock, ret_wait) < 0)
                return REGISTRAR_FAILED;
        if (*ret_wait > 0) {
                record_refusal(r, c, &(struct store_ticket){0}, NULL, REGISTRAR_PAUSED);
                return REGISTRAR_PAUSED;
        }
        if (ticket_mac(r->key, &m->check.code, &mac) < 0)
                return REGISTRAR_FAILED;
        int e = store_find_ticket(r->people, &mac, t);
        if (e == -ENOENT)
                return refuse_wrong(r, c, &mac, clock);
        if (e < 0 || store_find_person_by_id(r->people, t->person, p) < 0)
                return REGISTRAR_FAILED;
        enum registrar_status status = registrar_state(t, p, clock);
        if (status == REGISTRAR_OK && m->check.user[0] && strcmp(m->check.user, p->user) != 0)
                status = REGISTRAR_OF_ANOTHER;
        if (status != REGISTRAR_OK)
                record_refusal(r, c, t, p, status);
        return status;
}

static int check(const struct registrar *r, struct registrar_case *c, const struct registrar_message *m,
                 const struct policy_clock *clock, struct registrar_message *ret) {
        struct registrar_ticket *out = &ret->ticket;
        struct store_ticket t = {0};
        struct store_person p = {0};
        uint64_t wait = 0;
        if (c->attempt[0])
                return -EBADMSG; /* one code a connection */
        memcpy(c->attempt, m->check.attempt, sizeof(c->attempt));
        ret->type = REGISTRAR_TICKET;
        enum registrar_status status = look(r, c, m, clock, &t, &p, &wait);
        if (status == REGISTRAR_OK &&
            (getrandom(c->make, sizeof(c->make), 0) != (ssize_t) sizeof(c->make) ||
             getrandom(c->trial, sizeof(c->trial), 0) != (ssize_t) sizeof(c->trial)))
                status = REGISTRAR_FAILED;
        out->status = status;
        out->wait_usec = wait;
        if (status != REGISTRAR_OK)
                return 0;
        c->checked = true;
        c->ticket = t.id;
        c->person = p.id;
        c->again = out->used = t.used_usec != 0;
        out->may_enrol = t.use != TICKET_SIGN_IN && !c->again;
        out->may_sign_in = t.use != TICKET_ENROL;
        out->until_usec = t.not_after_usec;
        memcpy(out->name, t.name, sizeof(out->name));
        memcpy(out->user, p.user, sizeof(out->user));
        memcpy(out->issuer, t.issuer, sizeof(out->issuer));
        memcpy(out->make, c->make, sizeof(out->make));
        memcpy(out->trial, c->trial, sizeof(out->trial));
        return 0;
}

void registrar_change_clear(struct registrar_change *w) {
        for (size_t i = 0; i < w->n_records; i++)
                record_clear(&w->records[i]);
        w->n_records = 0;
}

enum registrar_status registrar_reread(struct registrar_change *w, enum ticket_use other) {
        if (store_find_ticket_by_id(w->r->people, w->c->ticket, &w->ticket) < 0 ||
            store_find_person_by_id(w->r->people, w->c->person, &w->person) < 0 ||
            w->ticket.person != w->person.id)
                return REGISTRAR_FAILED;
        enum registrar_status status = registrar_state(&w->ticket, &w->person, w->clock);
        return status == REGISTRAR_OK && w->ticket.use == other ? REGISTRAR_NOT_HERE : status;
}

enum registrar_status registrar_note(struct registrar_change *w, enum record_event event,
                                     const struct registrar_field fields[static 3]) {
        if (w->n_records == REGISTRAR_RECORDS_MAX)
                return REGISTRAR_FAILED;
        struct record *record = &w->records[w->n_records++];
        *record = (struct record){.event = event, .outcome = RECORD_SUCCESS};
        int e = registrar_fill(w->r, &w->ticket, &w->person, record);
        for (size_t i = 0; e >= 0 && i < 3; i++)
                if (fields[i].value && fields[i].value[0])
                        e = record_set(record, fields[i].field, fields[i].value);
        if (e >= 0)
                e = w->r->record(w->r->userdata, w->c->attempt, record);
        return e < 0 ? REGISTRAR_FAILED : REGISTRAR_OK;
}

/* What was recorded is to come true: where it cannot any more, the records are taken back. */
static void take_back(struct registrar_change *w) {
        for (size_t i = 0; i < w->n_records; i++) {
                struct record *record = &w->records[i];
                record->outcome = RECORD_FAILURE;
                if (record_set(record, RECORD_FIELD_REASON, reason_name(REASON_STORE)) >= 0)
                        (void) w->r->record(w->r->userdata, w->c->attempt, record);
        }
}

#define COMMIT_TRIES 5U /* each waits 2 s for readers */

enum registrar_status registrar_commit(struct registrar_change *w, enum registrar_status status) {
        int e = status == REGISTRAR_OK ? -EBUSY : -ECANCELED;
        for (unsigned i = 0; e == -EBUSY && i < COMMIT_TRIES; i++)
                e = store_commit(w->r->people);
        if (e >= 0)
                return REGISTRAR_OK;
        (void) store_rollback(w->r->people);
        take_back(w);
        return status == REGISTRAR_OK ? REGISTRAR_FAILED : status;
}

/* --- a sign-in without factors */

static enum registrar_status note_use(struct registrar_change *w) {
        char until[24];
        (void) snprintf(until, sizeof(until), "%" PRIu64, w->ticket.not_after_usec);
        return registrar_note(
                w, RECORD_TICKET_USE,
                (struct registrar_field[3]){
                        {RECORD_FIELD_LOWERED, "ticket"},
                        {RECORD_FIELD_UNTIL_USEC, until},
                        {RECORD_FIELD_DETAIL, w->c->again ? "gives back the session it began" : NULL}});
}

/* Hers, and suspended: that is why it is named. */
static enum registrar_status lift_tapped(const struct registrar_change *w, const struct registrar_badge *b,
                                         char ret_token[9]) {
        struct store_badge held;
        if (b->n_indexes == 0)
                return REGISTRAR_OK;
        int e = registrar_find_badge(w->r, b, &held);
        if (e < 0)
                return e == -ENOENT ? REGISTRAR_BADGE_TAKEN : REGISTRAR_FAILED;
        if (held.ended_usec != 0 || held.person != w->person.id)
                return REGISTRAR_BADGE_TAKEN;
        return registrar_lift_badge(w, &held, ret_token);
}

/* Inside a transaction. One that only gives back a session changes nothing. */
static enum registrar_status use_it(struct registrar_change *w, const struct registrar_badge *b) {
        char lifted[9] = "";
        enum registrar_status status = registrar_reread(w, TICKET_ENROL);
        if (status == REGISTRAR_OK && w->c->again && b->n_indexes > 0)
                status = REGISTRAR_USED;
        if (status == REGISTRAR_OK && !w->c->again)
                status = lift_tapped(w, b, lifted);
        if (status != REGISTRAR_OK)
                return status;
        if (!w->c->again) {
                int e = store_use_ticket(w->r->people, w->ticket.id, false, w->now_usec);
                if (e < 0)
                        return e == -EALREADY ? REGISTRAR_USED : REGISTRAR_FAILED;
        }
        status = note_use(w);
        return status == REGISTRAR_OK ? registrar_note_found(w, lifted, "") : status;
}

static int use(const struct registrar *r, const struct registrar_case *c, const struct registrar_badge *b,
               const struct policy_clock *clock, struct registrar_message *ret) {
        _cleanup_(registrar_change_clear) struct registrar_change w = {
                .r = r, .c = c, .clock = clock, .now_usec = clock->realtime_usec};
        ret->type = REGISTRAR_DONE;
        ret->done = REGISTRAR_FAILED;
        if (store_begin(r->people) < 0)
                return 0;
        ret->done = registrar_commit(&w, use_it(&w, b));
        return 0;
}

int registrar_answer(const struct registrar *r, struct registrar_case *c, const struct registrar_message *m,
                     const struct policy_clock *clock, struct registrar_message *ret) {
        *ret = (struct registrar_message){.type = REGISTRAR_TYPE_INVALID};
        if (m->type == REGISTRAR_CHECK)
                return check(r, c, m, clock, ret);
        if ((m->type != REGISTRAR_USE && m->type != REGISTRAR_ENROL) || !c->checked || c->done)
                return -EBADMSG;
        c->done = true; /* one answer: challenges are good once */
        return m->type == REGISTRAR_USE ? use(r, c, &m->use, clock, ret)
                                        : registrar_enrol(r, c, &m->enrol, clock, ret);
}
