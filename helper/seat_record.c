/* SPDX-License-Identifier: Apache-2.0 */
/* What happens at the seat, as records. */
#include "helper/seat_internal.h"

#include "helper/broker_code.h"

#include <stdio.h>

/* One that cannot be made for want of memory is told as an alert by the recorder, which has its own. */
static void submit(struct seat *s, struct record *r, int error) {
        if (error >= 0)
                error = record_set(r, RECORD_FIELD_SEAT, SEAT);
        if (error >= 0)
                s->events.record(s->userdata, r);
        record_clear(r);
}

static int set_unless_empty(struct record *r, enum record_field f, const char *value) {
        return *value ? record_set(r, f, value) : 0;
}

static int set_person(struct record *r, const struct seat_session *e) {
        int x = record_set(r, RECORD_FIELD_USER, e->user);
        return x < 0 ? x : record_set_u64(r, RECORD_FIELD_UID, e->uid);
}

/* By what its owner is there, and since the tap how long that took. */
static int set_proof(struct record *r, const struct seat_session *e, uint64_t now_mono) {
        const struct seat_proof *p = &e->proof;
        int x;
        if ((x = set_unless_empty(r, RECORD_FIELD_ATTEMPT, p->attempt)) < 0 ||
            (x = broker_set_code(r, p->attempt)) < 0 ||
            (x = set_unless_empty(r, RECORD_FIELD_ROLE, p->role)) < 0 ||
            (x = record_set(r, RECORD_FIELD_FACTORS, p->factors[0] ? p->factors : "none")) < 0 ||
            (x = record_set(r, RECORD_FIELD_AAL, p->aal[0] ? p->aal : "0")) < 0 ||
            (x = set_unless_empty(r, RECORD_FIELD_GRACE, p->grace)) < 0 ||
            (x = set_unless_empty(r, RECORD_FIELD_LAST_STRONG_USEC, p->last_strong)) < 0 ||
            (x = set_unless_empty(r, RECORD_FIELD_TAP_TO_VERDICT_USEC, p->verdict_usec)) < 0)
                return x;
        if (p->tap_usec == 0 || p->tap_usec > now_mono)
                return 0;
        return record_set_u64(r, RECORD_FIELD_TAP_TO_SESSION_USEC, now_mono - p->tap_usec);
}

void seat_record_handoff(struct seat *s, const struct seat_session *from, const struct seat_session *to,
                         uint64_t now_mono) {
        struct record r = {.event = RECORD_HANDOFF, .outcome = RECORD_SUCCESS};
        int x;
        if ((x = set_person(&r, to)) >= 0 && (x = record_set(&r, RECORD_FIELD_FROM_USER, from->user)) >= 0 &&
            (x = record_set(&r, RECORD_FIELD_FROM_SESSION, from->id)) >= 0 &&
            (x = record_set(&r, RECORD_FIELD_TO_SESSION, to->id)) >= 0)
                x = set_proof(&r, to, now_mono);
        submit(s, &r, x);
}

void seat_record_back(struct seat *s, const struct seat_session *e, uint64_t now_mono) {
        struct record r = {.event = RECORD_UNLOCK, .outcome = RECORD_SUCCESS};
        int x;
        if ((x = set_person(&r, e)) >= 0 && (x = record_set(&r, RECORD_FIELD_TO_SESSION, e->id)) >= 0)
                x = set_proof(&r, e, now_mono);
        submit(s, &r, x);
}

void seat_record_left(struct seat *s, const struct seat_session *e, enum record_event event,
                      const char *reason, const char *requestor) {
        struct record r = {.event = event, .outcome = RECORD_SUCCESS};
        int x;
        if ((x = set_person(&r, e)) >= 0 && (x = record_set(&r, RECORD_FIELD_FROM_SESSION, e->id)) >= 0 &&
            (x = record_set(&r, RECORD_FIELD_REASON, reason)) >= 0 &&
            (x = record_set(&r, RECORD_FIELD_REQUESTOR, requestor)) >= 0)
                x = set_unless_empty(&r, RECORD_FIELD_ATTEMPT, e->proof.attempt);
        submit(s, &r, x);
}

void seat_record_guard(struct seat *s, const struct seat_session *e) {
        struct record r = {.event = RECORD_GUARD_ALERT, .outcome = RECORD_FAILURE};
        char detail[200];
        int x;
        (void) snprintf(detail, sizeof(detail),
                        "The session %s of %s came to the screen, and nobody was let in.", e->id, e->user);
        if ((x = set_person(&r, e)) >= 0 && (x = record_set(&r, RECORD_FIELD_TO_SESSION, e->id)) >= 0 &&
            (x = record_set(&r, RECORD_FIELD_REASON, "session-shown")) >= 0 &&
            (x = record_set(&r, RECORD_FIELD_REQUESTOR, "unknown")) >= 0)
                x = record_set(&r, RECORD_FIELD_DETAIL, detail);
        submit(s, &r, x);
}
