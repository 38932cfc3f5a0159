/* SPDX-License-Identifier: Apache-2.0 */
/* What the broker does for each message of a client. */
#include "common/socket.h"
#include "helper/broker_internal.h"
#include "helper/broker_rights.h"
#include "helper/log.h"

#include <errno.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

/* "tty2", also with "/dev/" before it; 0 for what is no virtual terminal. */
static unsigned vt_of(const char *tty) {
        uint64_t n;
        if (strncmp(tty, "/dev/", 5) == 0)
                tty += 5;
        return strncmp(tty, "tty", 3) == 0 && parse_u64(tty + 3, 63, &n) >= 0 ? (unsigned) n : 0;
}

static int serve_hello(struct client *c, const struct broker_message *m) {
        int r = rights_hello(m, c->peer.uid);
        if (r < 0)
                return r;
        c->greeted = true;
        c->purpose = m->hello.purpose;
        memcpy(c->attempt, m->hello.attempt, sizeof(c->attempt));
        memcpy(c->service, m->hello.service, sizeof(c->service));
        memcpy(c->seat, m->hello.seat, sizeof(c->seat));
        c->vt = vt_of(m->hello.tty);
        return 0;
}

/* What somebody who has just left should read at the greeter. */
static int tell_words(struct client *c) {
        struct broker *b = c->broker;
        struct broker_message m = {.type = BROKER_WORDS};
        const char *text = b->config.words(b->config.userdata);
        if (!*text || !taps_is_seen_waiting(b->config.taps, c->id))
                return 0;
        (void) text_copy(m.words, sizeof(m.words), text);
        return broker_tell(c, &m);
}

static int serve_want_tap(struct client *c) {
        enum taps_rank rank = c->purpose == BROKER_ENROL     ? TAPS_ENROL
                              : c->purpose == BROKER_STEP_UP ? TAPS_STEP_UP
                              : c->purpose == BROKER_SEAT    ? TAPS_SEAT
                                                             : TAPS_SIGN_IN;
        broker_look(c->broker);
        int r = taps_want(c->broker->config.taps, c->id, c->seat, c->vt, rank, now_monotonic_usec());
        if (r < 0)
                return r;
        if (rank == TAPS_SIGN_IN && c->vt == 0 && (!c->seat[0] || strcmp(c->seat, "seat0") == 0))
                greeter_waits(c->broker->config.greeter);
        broker_drop_orphans(c);
        c->readers_said = -1; /* told at once, whatever it was told before */
        r = broker_tell_waiting(c);
        return r < 0 ? r : tell_words(c);
}

/* When its badge was seen; 0 without one. */
static uint64_t tapped_usec(const struct client *c) {
        const struct tap *t = taps_held(c->broker->config.taps, c->id);
        return t ? t->seen_usec : 0;
}

static int serve_ask_session(struct client *c, const struct broker_message *m) {
        struct broker *b = c->broker;
        struct broker_message answer = {.type = BROKER_SESSION,
                                        .session.presence = desk_presence(b->config.desk, m->ask_session.uid,
                                                                          c->seat, tapped_usec(c))};
        enum closed_reason reason;
        b->config.passing(b->config.userdata, answer.session.passing);
        (void) closed_find(b->config.closed, m->ask_session.uid, &answer.session.closed_usec, &reason);
        if (wipes_is_busy(b->config.wipes, m->ask_session.uid))
                answer.session.presence = BROKER_OPEN; /* nobody else may have the account yet */
        answer.session.emergency_usec = emergencies_until(b->config.emergencies, m->ask_session.uid);
        answer.session.drill = emergencies_is_drill(b->config.emergencies);
        answer.session.other_seat = desk_is_at_other_seat(b->config.desk, m->ask_session.uid, c->seat);
        return broker_tell(c, &answer);
}

static int serve_want_again(struct client *c) {
        if (!c->has_badge)
                return -EBADMSG;
        c->wants_again = true;
        return 0;
}

static int answer_recorded(struct client *c, int status) {
        const struct broker_message m = {.type = BROKER_RECORDED, .recorded.status = status};
        return broker_tell(c, &m);
}

static void copy_field(const struct record *r, enum record_field f, char *buf, size_t size) {
        (void) text_copy(buf, size, r->fields[f]); /* record.h bounds each */
}

static int serve_key_used(struct client *c, const struct broker_message *m) {
        memcpy(c->device, m->key_used.device, sizeof(c->device));
        memcpy(c->name, m->key_used.name, sizeof(c->name));
        return 0;
}

/* By a ticket: until its end. One that gives a session back begins none, as a badge under grace does not. */
static void fill_ticket(const struct record *r, struct seat_proof *p) {
        const char *lowered = r->fields[RECORD_FIELD_LOWERED], *until = r->fields[RECORD_FIELD_UNTIL_USEC];
        if (!lowered || strcmp(lowered, "exception") == 0)
                return; /* an exception's end is the rules', and is judged with them */
        if (strcmp(lowered, "emergency") == 0)
                return; /* helper/emergency.h follows it */
        uint64_t usec, now = now_realtime_usec();
        p->until_boot_usec = 1; /* over */
        if (until && parse_u64(until, INT64_MAX, &usec) >= 0 && usec > now)
                p->until_boot_usec = now_boottime_usec() + (usec - now); /* whoever sets the clock */
        p->grace_only = p->grace_only || r->event == RECORD_RESUME;
        copy_field(r, RECORD_FIELD_TICKET, p->ticket, sizeof(p->ticket));
}

static void fill_proof(const struct client *c, const struct record *r, uid_t uid, struct seat_proof *p) {
        *p = (struct seat_proof){
                .uid = uid, .grace_only = r->fields[RECORD_FIELD_GRACE], .tap_usec = tapped_usec(c)};
        memcpy(p->attempt, c->attempt, sizeof(p->attempt));
        copy_field(r, RECORD_FIELD_USER, p->user, sizeof(p->user));
        copy_field(r, RECORD_FIELD_ROLE, p->role, sizeof(p->role));
        copy_field(r, RECORD_FIELD_FACTORS, p->factors, sizeof(p->factors));
        copy_field(r, RECORD_FIELD_AAL, p->aal, sizeof(p->aal));
        copy_field(r, RECORD_FIELD_GRACE, p->grace, sizeof(p->grace));
        copy_field(r, RECORD_FIELD_LAST_STRONG_USEC, p->last_strong, sizeof(p->last_strong));
        copy_field(r, RECORD_FIELD_TAP_TO_VERDICT_USEC, p->verdict_usec, sizeof(p->verdict_usec));
        copy_field(r, RECORD_FIELD_READER, p->reader, sizeof(p->reader));
        copy_field(r, RECORD_FIELD_BADGE, p->badge, sizeof(p->badge));
        memcpy(p->key, c->device, sizeof(p->key));
        memcpy(p->name, c->name, sizeof(p->name));
        fill_ticket(r, p);
}

/* Why she had to sign in anew, which the attempt does not know. */
static int say_why(const struct client *c, struct record *r) {
        const char *uid = r->fields[RECORD_FIELD_UID];
        uint64_t number;
        if (r->event != RECORD_SIGN_IN || r->fields[RECORD_FIELD_DETAIL] || !uid ||
            parse_u64(uid, UINT32_MAX - 1, &number) < 0 ||
            !sessions_is_capped(c->broker->config.sessions, (uid_t) number))
                return 0;
        return record_set(r, RECORD_FIELD_DETAIL, "session-cap");
}

/* Now that she has shown her key, it is no emergency any more. */
static void begin_grace(struct broker *b, uid_t uid, const char *factors) {
        sessions_begin_grace(b->config.sessions, uid);
        if (strstr(factors, "key"))
                emergencies_stop(b->config.emergencies, uid, "signed-in");
}

/* Whoever was let in may be shown her session, and begin one. */
static void remember(struct client *c, const struct record *r) {
        struct broker *b = c->broker;
        const char *user = r->fields[RECORD_FIELD_USER], *uid = r->fields[RECORD_FIELD_UID];
        uint64_t number;
        if (!user || !uid || parse_u64(uid, UINT32_MAX - 1, &number) < 0 ||
            (r->event != RECORD_SIGN_IN && r->event != RECORD_RESUME &&
             r->event != RECORD_BREAK_GLASS_START))
                return;
        struct recent *e = &b->recent[b->recent_at];
        b->recent_at = (b->recent_at + 1) % RECENT_MAX;
        fill_proof(c, r, (uid_t) number, &e->proof);
        /* What an emergency lets in proves nothing that a badge could resume later. */
        if (!e->proof.grace_only && e->proof.until_boot_usec == 0 && !r->fields[RECORD_FIELD_LOWERED])
                begin_grace(b, (uid_t) number, e->proof.factors);
        desk_let_in(b->config.desk, c->seat, &e->proof);
}

static const struct seat_proof *recall(const struct broker *b, const char *attempt) {
        for (size_t i = 0; i < RECENT_MAX; i++)
                if (*attempt && strcmp(b->recent[i].proof.attempt, attempt) == 0)
                        return &b->recent[i].proof;
        return NULL;
}

static void use_tap_up(struct client *c, enum record_event event) {
        struct broker *b = c->broker;
        const char *reader;
        if (event == RECORD_SIGN_IN || event == RECORD_RESUME || event == RECORD_TAP_OUT ||
            event == RECORD_BREAK_GLASS_START)
                b->config.used(b->config.userdata, taps_held(b->config.taps, c->id), c->device[0]);
        if (!rights_is_verdict(event) || taps_verdict(b->config.taps, c->id, event == RECORD_UNKNOWN_BADGE,
                                                      now_monotonic_usec(), &reader) != 1)
                return;
        recorder_note(b->config.recorder, RECORD_READER_SLOWED, reader, NULL, NULL);
}

/* Recorded before it is done. What came to the screen meanwhile is not hers to park. */
static int serve_tap_out(struct client *c, struct record *r) {
        struct desk *desk = c->broker->config.desk;
        const struct seat_session *shown = seat_shown(desk_seat(desk));
        const char *uid = r->fields[RECORD_FIELD_UID], *what = r->fields[RECORD_FIELD_REASON];
        uint64_t number;
        if (!uid || !what || parse_u64(uid, UINT32_MAX - 1, &number) < 0)
                return -EBADMSG;
        if (!shown || shown->uid != (uid_t) number)
                return answer_recorded(c, -ESTALE);
        c->in_flight++;
        recorder_submit(c->broker->config.recorder, r, c->id);
        use_tap_up(c, r->event);
        (void) desk_tap_out(desk, (uid_t) number, shown->user, what);
        return 0;
}

/* Whoever was let in a moment ago begins no session after her end, nor after that of her lease. */
static void forget_proofs(struct broker *b, const struct record *r) {
        const char *user = r->fields[RECORD_FIELD_USER];
        for (size_t i = 0; user && i < RECENT_MAX; i++)
                if (strcmp(b->recent[i].proof.user, user) == 0)
                        b->recent[i] = (struct recent){0};
}

void broker_administered(struct client *c) {
        struct broker *b = c->broker;
        const struct record *r = &c->administered;
        if (r->event == RECORD_EVENT_INVALID)
                return;
        if (r->outcome == RECORD_SUCCESS &&
            (r->event == RECORD_PERSON_OFFBOARD || r->event == RECORD_LEASE_END))
                forget_proofs(b, r);
        b->config.administered(b->config.userdata, r);
}

/* Acted upon when it is on disk: what cannot be recorded ends nobody's session. One at a time, as its sender
 * waits for the answer before the change. */
static int serve_administration(struct client *c, struct record *r) {
        if (c->in_flight > 0)
                return -ENOBUFS;
        c->in_flight++;
        c->administered = *r;
        *r = (struct record){.event = RECORD_EVENT_INVALID};
        recorder_submit(c->broker->config.recorder, &c->administered, c->id);
        return 0;
}

/* It is kept until it is on disk. Whoever waits is let in by then, whatever the disk says. */
static int serve_emergency(struct client *c, struct record *r) {
        c->in_flight++;
        int e = emergencies_begin(c->broker->config.emergencies, r, c->id);
        if (e < 0) {
                c->in_flight--;
                return e;
        }
        remember(c, r);
        use_tap_up(c, r->event);
        return 0;
}

static int serve_record(struct client *c, struct broker_message *m) {
        struct record *r = &m->record;
        struct recorder *recorder = c->broker->config.recorder;
        int e = rights_record(c->purpose, c->attempt, r);
        if (e < 0) {
                log_line(SD_WARNING, "Process %d (user %u) asked for a record that it may not write: %s",
                         (int) c->peer.pid, (unsigned) c->peer.uid, record_event_name(r->event));
                return answer_recorded(c, e);
        }
        if (c->in_flight >= BROKER_IN_FLIGHT_MAX)
                return -ENOBUFS;
        if (*c->attempt && ((e = record_set(r, RECORD_FIELD_ATTEMPT, c->attempt)) < 0 ||
                            (e = broker_set_code(r, c->attempt)) < 0))
                return e;
        if (r->event == RECORD_TAP_OUT)
                return serve_tap_out(c, r);
        if ((e = say_why(c, r)) < 0)
                return e;
        if (c->purpose == BROKER_ADMIN || c->purpose == BROKER_ENROL)
                return serve_administration(c, r);
        if (r->event == RECORD_BREAK_GLASS_START)
                return serve_emergency(c, r);
        c->in_flight++;
        remember(c, r);
        recorder_submit(recorder, r, c->id);
        use_tap_up(c, r->event);
        return 0;
}

static int record_session(struct broker *b, enum record_event event, uid_t uid, const char *attempt,
                          const char *reason, uint64_t client) {
        _cleanup_(record_clear) struct record r = {.event = event, .outcome = RECORD_SUCCESS};
        const struct seat_proof *known = recall(b, attempt);
        int e;
        if ((e = record_set_u64(&r, RECORD_FIELD_UID, uid)) < 0 ||
            (e = record_set(&r, RECORD_FIELD_USER, known ? known->user : NULL)) < 0 ||
            (e = record_set(&r, RECORD_FIELD_REASON, reason)) < 0 ||
            (*attempt && (e = record_set(&r, RECORD_FIELD_ATTEMPT, attempt)) < 0) ||
            (*attempt && (e = broker_set_code(&r, attempt)) < 0))
                return e;
        recorder_submit(b->config.recorder, &r, client);
        return 0;
}

/* Only somebody whom this attempt has let in, as its record says. */
static int serve_switch(struct client *c, const struct broker_message *m) {
        struct broker *b = c->broker;
        const struct seat_proof *known = recall(b, c->attempt);
        bool seat = c->purpose == BROKER_SEAT;
        struct switcher_wish wish = {.client = c->id, .uid = m->person.uid};
        int r = -EOPNOTSUPP;
        if (!known || known->uid != m->person.uid || strcmp(known->user, m->person.user) != 0)
                return -EPERM;
        memcpy(wish.user, m->person.user, sizeof(wish.user));
        memcpy(wish.service, c->service, sizeof(wish.service));
        memcpy(wish.attempt, c->attempt, sizeof(wish.attempt));
        if (!seat)
                memcpy(wish.unit, m->person.unit, sizeof(wish.unit));
        if (seat ? desk_can_switch(b->config.desk) : wish.unit[0] != 0)
                r = switcher_begin(b->config.switcher, &wish);
        if (r >= 0) {
                desk_begins_to_show(b->config.desk, known);
                return 0; /* its end is told by broker_switched() */
        }
        const struct broker_message no = {.type = BROKER_SWITCHED, .switched.status = -EOPNOTSUPP};
        return broker_tell(c, &no);
}

static int serve_ask_grant(struct client *c, const struct broker_message *m) {
        struct broker_message answer = {.type = BROKER_GRANT};
        answer.grant.status = switcher_take(c->broker->config.switcher, m->person.uid, m->person.user,
                                            c->service, m->person.unit, answer.grant.attempt);
        return broker_tell(c, &answer);
}

/* Only who was just let in has a session to begin. A badge's number under grace resumes a session and never
 * begins one: a program that tries has let somebody in where nothing was to be resumed, so from then on that
 * person's grace is over, and the next sign-in is a full one. */
static int may_open(struct broker *b, uid_t uid, const char *attempt) {
        const struct seat_proof *known = recall(b, attempt);
        char detail[128];
        if (!known || known->uid != uid)
                return -EKEYREJECTED;
        if (!known->grace_only)
                return 0;
        sessions_end_grace(b->config.sessions, uid);
        (void) snprintf(detail, sizeof(detail), "a session of %s was to begin under grace; it was refused",
                        known->user);
        recorder_note(b->config.recorder, RECORD_ALERT, NULL, "session-under-grace", detail);
        return -EKEYREJECTED;
}

/* The site's own way has given her own session back to her. */
static void let_in_by_fallback(struct client *c, const struct broker_message *m) {
        struct seat_proof p = {.uid = m->session_change.uid};
        memcpy(p.user, m->session_change.user, sizeof(p.user));
        desk_let_in(c->broker->config.desk, c->seat, &p);
}

/* Somebody was let in by what the site allows beside Wardtap, or after it. That is a record, and no session
 * that a badge resumes. */
static int serve_fallback(struct client *c, const struct broker_message *m) {
        _cleanup_(record_clear) struct record r = {.event = RECORD_FALLBACK, .outcome = RECORD_SUCCESS};
        bool denied = station_fallback(c->broker->config.station) == FALLBACK_DENY;
        const char *user = m->session_change.user, *session = m->session_change.session;
        int e;
        if (m->type != BROKER_SESSION_OPEN || !*user)
                return -EBADMSG;
        if (*session && strcmp(session, c->broker->fallback) == 0)
                return answer_recorded(c, 0); /* the module stands twice in that stack */
        if ((e = record_set(&r, RECORD_FIELD_USER, user)) < 0 ||
            (e = record_set_u64(&r, RECORD_FIELD_UID, m->session_change.uid)) < 0 ||
            (e = record_set(&r, RECORD_FIELD_SERVICE, c->service)) < 0 ||
            (e = record_set(&r, RECORD_FIELD_SEAT, *c->seat ? c->seat : NULL)) < 0 ||
            (e = record_set(&r, RECORD_FIELD_TO_SESSION, *session ? session : NULL)) < 0 ||
            (m->session_change.resumed && (e = record_set(&r, RECORD_FIELD_REASON, "resumed")) < 0))
                return e;
        if (denied) {
                r.outcome = RECORD_FAILURE;
                recorder_submit(c->broker->config.recorder, &r, 0);
                return answer_recorded(c, -EKEYREJECTED);
        }
        c->in_flight++;
        recorder_submit(c->broker->config.recorder, &r, c->id);
        if (m->session_change.resumed)
                let_in_by_fallback(c, m);
        memcpy(c->broker->fallback, session, sizeof(c->broker->fallback));
        return 0;
}

/* Her attempt has told her. */
static void forget_closed(struct broker *b, uid_t uid) {
        enum closed_reason reason;
        uint64_t when;
        (void) closed_take(b->config.closed, uid, &when, &reason);
}

static int serve_session(struct client *c, const struct broker_message *m, int passed) {
        struct sessions *s = c->broker->config.sessions;
        _cleanup_(closep) int pidfd = passed;
        uid_t uid = m->session_change.uid;
        const char *attempt = m->session_change.attempt;
        bool open = m->type == BROKER_SESSION_OPEN;
        if (c->in_flight >= BROKER_IN_FLIGHT_MAX)
                return -ENOBUFS;
        if (!*attempt && pidfd < 0 && uid != (uid_t) -1)
                return serve_fallback(c, m);
        if (open != (pidfd >= 0) || !rights_is_attempt(attempt) || uid == (uid_t) -1)
                return -EBADMSG;
        int r = open ? may_open(c->broker, uid, attempt) : sessions_close(s, uid, attempt);
        if (r >= 0 && open)
                r = sessions_open(s, uid, attempt, TAKE_FD(pidfd));
        if (r < 0)
                return answer_recorded(c, r);
        c->in_flight++;
        if (open)
                forget_closed(c->broker, uid);
        if (open)
                desk_opened(c->broker->config.desk, m->session_change.session, uid, c->seat,
                            recall(c->broker, attempt));
        else
                desk_closing(c->broker->config.desk, uid, attempt);
        return record_session(c->broker, open ? RECORD_SESSION_OPEN : RECORD_SESSION_CLOSE, uid, attempt,
                              NULL, c->id);
}

void broker_session_ended(struct broker *b, uid_t uid, const char *attempt) {
        (void) record_session(b, RECORD_SESSION_CLOSE, uid, attempt, "process-ended", 0);
        if (b->config.changed)
                b->config.changed(b->config.userdata);
}

static void erase_tap(struct tap *t) {
        explicit_bzero(t, sizeof(*t));
}

/* Numbers that an administrator brings as a file: they become what a store holds, and are kept nowhere. A
 * number that no badge can have has no index, and ends the conversation: the asker has checked them. */
static int serve_ask_indexes(struct client *c, const struct broker_message *m) {
        struct broker *b = c->broker;
        _cleanup_(broker_message_clear) struct broker_message answer = {.type = BROKER_INDEXES};
        for (size_t i = 0; i < m->numbers.n; i++) {
                _cleanup_(erase_tap) struct tap t = {0};
                const struct badge_number *number = &m->numbers.numbers[i];
                int r = badge_index(b->config.badge_keys, number->bytes, number->n, &t);
                if (r < 0)
                        return r;
                for (size_t k = 0; k < t.n_indexes; k++) {
                        memcpy(answer.indexes.key_ids[k], t.indexes[k].key_id,
                               sizeof(answer.indexes.key_ids[k]));
                        memcpy(answer.indexes.index[i][k], t.indexes[k].index, BADGE_INDEX_SIZE);
                }
                answer.indexes.n_keys = t.n_indexes;
        }
        answer.indexes.n = m->numbers.n;
        return broker_tell(c, &answer);
}

static int serve(struct client *c, struct broker_message *m, int passed) {
        switch (m->type) {
        case BROKER_WANT_TAP:
                return serve_want_tap(c);
        case BROKER_ASK_SESSION:
                return serve_ask_session(c, m);
        case BROKER_KEY_USED:
                return serve_key_used(c, m);
        case BROKER_WANT_AGAIN:
                return serve_want_again(c);
        case BROKER_RECORD:
                return serve_record(c, m);
        case BROKER_ASK_INDEXES:
                return serve_ask_indexes(c, m);
        case BROKER_SWITCH:
                return serve_switch(c, m);
        case BROKER_ASK_GRANT:
                return serve_ask_grant(c, m);
        case BROKER_SESSION_OPEN:
        case BROKER_SESSION_CLOSE:
                return serve_session(c, m, passed);
        default:
                return -EBADMSG;
        }
}

int broker_serve(struct client *c, const uint8_t *p, size_t n, int passed) {
        _cleanup_(broker_message_clear) struct broker_message m = {.type = BROKER_TYPE_INVALID};
        _cleanup_(closep) int fd = passed;
        int r = broker_read((struct bytes){p, n}, &m);
        if (r < 0)
                return r;
        if (fd >= 0 && m.type != BROKER_SESSION_OPEN)
                return -EBADMSG;
        if (!c->greeted)
                return m.type == BROKER_HELLO ? serve_hello(c, &m) : -EBADMSG;
        if (!rights_message(c->purpose, m.type))
                return -EPERM;
        return serve(c, &m, TAKE_FD(fd));
}
