/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions of seat0, from what logind and attempts say. */
#include "helper/seat.h"

#include "helper/seat_internal.h"

#include <errno.h>
#include <stdio.h>

int seat_new(const struct seat_events *events, void *userdata, struct seat **ret) {
        struct seat *s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->events = *events;
        s->userdata = userdata;
        *ret = s;
        return 0;
}

struct seat *seat_free(struct seat *s) {
        if (!s)
                return NULL;
        for (size_t i = 0; i < s->n; i++)
                free(s->sessions[i]);
        free(s->kept);
        free(s);
        return NULL;
}

static struct seat_session *find(const struct seat *s, const char *id) {
        for (size_t i = 0; *id && i < s->n; i++)
                if (strcmp(s->sessions[i]->id, id) == 0)
                        return s->sessions[i];
        return NULL;
}

const struct seat_session *seat_find(const struct seat *s, const char *session) {
        return find(s, session);
}

const struct seat_session *seat_at(const struct seat *s, size_t i) {
        return i < s->n ? s->sessions[i] : NULL;
}

static struct seat_session *shown(const struct seat *s) {
        for (size_t i = 0; i < s->n; i++)
                if (s->sessions[i]->shown)
                        return s->sessions[i];
        return NULL;
}

const struct seat_session *seat_shown(const struct seat *s) {
        return shown(s);
}

enum broker_presence seat_presence(const struct seat *s, uid_t uid, uint64_t tap_usec) {
        enum broker_presence p = BROKER_ABSENT;
        for (size_t i = 0; i < s->n; i++) {
                const struct seat_session *e = s->sessions[i];
                if (e->uid != uid)
                        continue;
                if (e->shown)
                        return tap_usec > e->since_mono_usec ? BROKER_SHOWN : BROKER_JUST_SHOWN;
                if (e->managed && !e->closing)
                        p = BROKER_OPEN;
        }
        return p;
}

static struct let_in *find_let_in(struct seat *s, uid_t uid, uint64_t now_mono) {
        for (size_t i = 0; i < LET_IN_MAX; i++) {
                struct let_in *l = &s->let_in[i];
                if (l->until_usec > now_mono && l->proof.uid == uid)
                        return l;
        }
        return NULL;
}

void seat_manage(struct seat *s, uid_t uid) {
        for (size_t i = 0; i < s->n; i++)
                s->sessions[i]->managed |= s->sessions[i]->uid == uid;
}

static void forget_let_ins(struct seat *s) {
        memset(s->let_in, 0, sizeof(s->let_in));
}

/* The newest takes the place of the same person's last, or of the oldest. */
void seat_let_in(struct seat *s, const struct seat_proof *p, struct seat_now now) {
        struct let_in *place = find_let_in(s, p->uid, now.mono_usec);
        for (size_t i = 0; !place && i < LET_IN_MAX; i++)
                if (s->let_in[i].until_usec <= now.mono_usec)
                        place = &s->let_in[i];
        for (size_t i = 0; !place && i < LET_IN_MAX; i++)
                if (i == 0 || s->let_in[i].until_usec < place->until_usec)
                        place = &s->let_in[i];
        if (!place)
                place = &s->let_in[0];
        *place = (struct let_in){.proof = *p, .until_usec = now.mono_usec + SEAT_LET_IN_USEC};
        /* Let in to what is on the screen already (a locker of the session's own): nothing else follows. */
        struct seat_session *e = shown(s);
        if (e && e->uid == p->uid) {
                e->proof = *p;
                *place = (struct let_in){0};
                s->events.changed(s->userdata);
        }
}

void seat_let_in_later(struct seat *s, const char *attempt, struct seat_now now) {
        for (size_t i = 0; i < LET_IN_MAX; i++)
                if (s->let_in[i].until_usec > 0 && *attempt &&
                    strcmp(s->let_in[i].proof.attempt, attempt) == 0)
                        s->let_in[i].until_usec = now.mono_usec + SEAT_LET_IN_USEC;
}

void seat_leaves(struct seat *s, const char *reason, const char *requestor) {
        (void) snprintf(s->reason, sizeof(s->reason), "%s", reason);
        (void) snprintf(s->requestor, sizeof(s->requestor), "%s", requestor);
}

/* --- coming and going */

static void take_kept(struct seat *s, struct seat_session *e) {
        for (size_t i = 0; i < s->n_kept; i++) {
                struct seat_session *k = &s->kept[i];
                if (strcmp(k->id, e->id) != 0 || k->uid != e->uid)
                        continue;
                e->managed = k->managed;
                e->shown = k->shown;
                e->parked_once = k->parked_once;
                e->announced = true;
                e->proof = k->proof;
                e->since_usec = k->since_usec;
                e->since_mono_usec = k->since_mono_usec;
                (void) snprintf(e->proof.user, sizeof(e->proof.user), "%s", e->user);
        }
}

static void take_opened(struct seat *s, struct seat_session *e, struct seat_now now);

void seat_session(struct seat *s, const struct logind_session *l, struct seat_now now) {
        struct seat_session *e = find(s, l->id);
        if (e) {
                e->closing |= l->closing;
                return;
        }
        if (!l->person || strcmp(l->seat, SEAT) != 0 || s->n == SEAT_SESSIONS_MAX ||
            !(e = calloc(1, sizeof(*e))))
                return;
        memcpy(e->id, l->id, sizeof(e->id));
        memcpy(e->user, l->user, sizeof(e->user));
        e->uid = l->uid;
        e->closing = l->closing;
        e->begun_usec = now.boot_usec - (l->since_usec < now.mono_usec ? now.mono_usec - l->since_usec : 0);
        e->since_usec = now.boot_usec;
        e->since_mono_usec = now.mono_usec;
        e->proof.uid = (uid_t) -1;
        take_kept(s, e);
        s->sessions[s->n++] = e;
        take_opened(s, e, now);
}

void seat_session_gone(struct seat *s, const struct logind_session *l) {
        for (size_t i = 0; i < s->n; i++) {
                struct seat_session *e = s->sessions[i];
                if (strcmp(e->id, l->id) != 0)
                        continue;
                s->sessions[i] = s->sessions[--s->n];
                if (strcmp(s->leaving, e->id) == 0)
                        s->leaving[0] = 0;
                s->events.gone(s->userdata, e);
                free(e);
                s->events.changed(s->userdata);
                return;
        }
}

static void record_left(struct seat *s, const struct seat_session *e, const char *reason,
                        const char *requestor) {
        if (e->closing || !find(s, e->id))
                return;
        seat_record_left(s, e, strcmp(reason, "idle") == 0 ? RECORD_IDLE_LOCK : RECORD_LOCK, reason,
                         requestor);
}

/* What is recorded of it may have to wait: for whom it has made room, or whether it ends by itself. */
static void keep_leaving(struct seat *s, const struct seat_session *e) {
        memcpy(s->leaving, e->id, sizeof(s->leaving));
        memcpy(s->left_reason, s->reason, sizeof(s->left_reason));
        memcpy(s->left_requestor, s->requestor, sizeof(s->left_requestor));
}

static void park(struct seat *s, struct seat_session *e, bool for_person, struct seat_now now) {
        e->shown = false;
        e->since_usec = now.boot_usec;
        e->since_mono_usec = now.mono_usec;
        (void) snprintf(s->last, sizeof(s->last), "%s", e->id);
        if (s->reason[0] && !for_person)
                record_left(s, e, s->reason, s->requestor);
        else
                keep_leaving(s, e);
        s->reason[0] = 0;
        s->events.parked(s->userdata, e);
}

/* It is still there, and something else is on the screen that is no handoff from it. */
static void settle_leaving(struct seat *s, const char *now_shown) {
        struct seat_session *e = find(s, s->leaving);
        s->leaving[0] = 0;
        if (!e || strcmp(e->id, now_shown) == 0)
                return;
        record_left(s, e, s->left_reason[0] ? s->left_reason : "switched",
                    s->left_reason[0] ? s->left_requestor : "unknown");
}

/* By a proof of now. One by a badge's number alone begins nothing. */
static bool prove(struct seat *s, struct seat_session *e, struct seat_now now) {
        struct let_in *l = find_let_in(s, e->uid, now.mono_usec);
        if (!l || (l->proof.grace_only && !e->managed))
                return false;
        e->proof = l->proof;
        e->managed |= l->proof.attempt[0];
        return true;
}

static void come(struct seat *s, struct seat_session *e, bool was_parked, struct seat_now now) {
        const struct seat_session *last = find(s, s->last);
        if (e->proof.uid == e->uid && e->proof.attempt[0]) {
                if (last && last->uid != e->uid) {
                        seat_record_handoff(s, last, e, now.mono_usec);
                        s->leaving[0] = 0; /* said with it */
                } else if (was_parked)
                        seat_record_back(s, e, now.mono_usec);
        }
        (void) snprintf(s->last, sizeof(s->last), "%s", e->id);
        s->events.shown(s->userdata, e);
}

static void show(struct seat *s, struct seat_session *e, struct seat_now now) {
        bool was_parked = e->parked_once, proven = prove(s, e, now);
        if (e->managed && was_parked && !proven) {
                seat_record_guard(s, e);
                e->since_mono_usec = now.mono_usec;
                s->events.guard(s->userdata);
                return;
        }
        forget_let_ins(s);
        e->shown = true;
        e->since_usec = now.boot_usec;
        e->since_mono_usec = now.mono_usec;
        s->reason[0] = 0;
        e->announced = proven || was_parked; /* else who it is says seat_opened() */
        if (e->announced)
                come(s, e, was_parked, now);
        else
                s->events.shown(s->userdata, e);
}

/* A session that has just begun is told of by the hook: until then it may be a handoff yet. */
static bool may_be_handoff(const struct seat_session *e) {
        return e && e->shown && !e->announced;
}

void seat_active(struct seat *s, const struct logind_session *l, struct seat_now now) {
        struct seat_session *before = shown(s), *e = l ? find(s, l->id) : NULL;
        if (before && before == e)
                return;
        if (before) {
                before->parked_once = true;
                if (s->leaving[0])
                        settle_leaving(s, before->id); /* who came after it was no handoff */
                park(s, before, e, now);
        }
        if (e)
                show(s, e, now);
        if (l && !may_be_handoff(e))
                settle_leaving(s, l->id);
        s->events.changed(s->userdata);
}

void seat_found_active(struct seat *s, const struct logind_session *l, struct seat_now now) {
        struct seat_session *before = shown(s), *e = l ? find(s, l->id) : NULL;
        for (size_t i = 0; i < s->n; i++)
                s->sessions[i]->parked_once = s->sessions[i] != e;
        if (before && before != e) { /* it left while nobody looked */
                before->shown = false;
                s->events.parked(s->userdata, before);
        }
        if (e && !e->shown && e->managed && s->n_kept > 0) {
                e->parked_once = true;
                show(s, e, now);
        } else if (e) {
                e->shown = true;
                e->announced = true;
                (void) snprintf(s->last, sizeof(s->last), "%s", e->id);
                s->events.shown(s->userdata, e);
        }
        free(s->kept);
        s->kept = NULL;
        s->n_kept = 0;
        s->events.changed(s->userdata);
}

static void tie(struct seat *s, struct seat_session *e, const struct seat_proof *p, struct seat_now now) {
        e->managed = true;
        e->proof = *p;
        if (e->shown && !e->announced) {
                e->announced = true;
                come(s, e, false, now);
                settle_leaving(s, e->id);
        }
        s->events.changed(s->userdata);
}

void seat_opened(struct seat *s, const char *session, const struct seat_proof *p, struct seat_now now) {
        struct seat_session *e = find(s, session);
        if (e && e->uid == p->uid) {
                tie(s, e, p, now);
        } else if (!e && *session && strlen(session) < LOGIND_ID_SIZE) {
                struct opened *o = &s->opened[s->opened_at];
                s->opened_at = (s->opened_at + 1) % OPENED_MAX;
                *o = (struct opened){.proof = *p};
                memcpy(o->session, session, strlen(session));
        }
}

/* The hook was faster than logind. */
static void take_opened(struct seat *s, struct seat_session *e, struct seat_now now) {
        for (size_t i = 0; i < OPENED_MAX; i++)
                if (s->opened[i].session[0] && strcmp(s->opened[i].session, e->id) == 0 &&
                    s->opened[i].proof.uid == e->uid) {
                        s->opened[i].session[0] = 0;
                        tie(s, e, &s->opened[i].proof, now);
                }
}

void seat_closing(struct seat *s, uid_t uid, const char *attempt) {
        for (size_t i = 0; i < s->n; i++)
                if (s->sessions[i]->uid == uid && *attempt &&
                    strcmp(s->sessions[i]->proof.attempt, attempt) == 0)
                        s->sessions[i]->closing = true;
}

void seat_ends(struct seat *s, const char *session, const char *reason, const char *requestor) {
        struct seat_session *e = find(s, session);
        if (!e || e->closing)
                return;
        seat_record_left(s, e, RECORD_SIGN_OUT, reason, requestor);
        e->closing = true;
}
