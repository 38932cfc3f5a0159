/* SPDX-License-Identifier: Apache-2.0 */
/* What the broker does for each message of a client. */
#include "common/crockford.h"
#include "common/socket.h"
#include "helper/broker_internal.h"
#include "helper/broker_rights.h"
#include "helper/log.h"

#include <errno.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

static int serve_hello(struct client *c, const struct broker_message *m) {
        int r = rights_hello(m, c->peer.uid);
        if (r < 0)
                return r;
        c->greeted = true;
        c->purpose = m->hello.purpose;
        memcpy(c->attempt, m->hello.attempt, sizeof(c->attempt));
        memcpy(c->service, m->hello.service, sizeof(c->service));
        memcpy(c->seat, m->hello.seat, sizeof(c->seat));
        return 0;
}

static int serve_want_tap(struct client *c) {
        enum taps_rank rank = c->purpose == BROKER_ENROL     ? TAPS_ENROL
                              : c->purpose == BROKER_STEP_UP ? TAPS_STEP_UP
                                                             : TAPS_SIGN_IN;
        int r = taps_want(c->broker->config.taps, c->id, c->seat, rank, now_monotonic_usec());
        if (r < 0)
                return r;
        c->readers_said = -1; /* told at once, whatever it was told before */
        return broker_tell_waiting(c);
}

static int serve_ask_session(struct client *c, const struct broker_message *m) {
        const struct broker_message answer = {
                .type = BROKER_SESSION,
                .session.open = sessions_has(c->broker->config.sessions, m->ask_session.uid)};
        return broker_tell(c, &answer);
}

static int answer_recorded(struct client *c, int status) {
        const struct broker_message m = {.type = BROKER_RECORDED, .recorded.status = status};
        return broker_tell(c, &m);
}

/* The code that the screen shows: the first 6 characters of the attempt's id. */
static int set_code(struct record *r, const char *attempt) {
        uint8_t id[16];
        char code[7];
        size_t n;
        if (r->fields[RECORD_FIELD_CODE] || hex_decode(attempt, id, sizeof(id), &n) < 0 || n != sizeof(id))
                return 0;
        crockford_encode(id, 6, code);
        return record_set(r, RECORD_FIELD_CODE, code);
}

static void remember(struct broker *b, const char *attempt, const struct record *r) {
        const char *user = r->fields[RECORD_FIELD_USER], *uid = r->fields[RECORD_FIELD_UID];
        uint64_t number;
        if (!user || !uid || parse_u64(uid, UINT32_MAX - 1, &number) < 0 ||
            (r->event != RECORD_SIGN_IN && r->event != RECORD_RESUME))
                return;
        struct recent *e = &b->recent[b->recent_at];
        b->recent_at = (b->recent_at + 1) % RECENT_MAX;
        memcpy(e->attempt, attempt, strlen(attempt) + 1);
        memcpy(e->user, user, strlen(user) + 1); /* at most 64 bytes, by record.h */
        e->uid = (uid_t) number;
        e->grace = r->fields[RECORD_FIELD_GRACE];
}

static const struct recent *recall(const struct broker *b, const char *attempt) {
        for (size_t i = 0; i < RECENT_MAX; i++)
                if (*attempt && strcmp(b->recent[i].attempt, attempt) == 0)
                        return &b->recent[i];
        return NULL;
}

static void use_tap_up(struct client *c, enum record_event event) {
        struct broker *b = c->broker;
        const char *reader;
        if (!rights_is_verdict(event) || taps_verdict(b->config.taps, c->id, event == RECORD_UNKNOWN_BADGE,
                                                      now_monotonic_usec(), &reader) != 1)
                return;
        recorder_note(b->config.recorder, RECORD_READER_SLOWED, reader, NULL, NULL);
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
        if (*c->attempt &&
            ((e = record_set(r, RECORD_FIELD_ATTEMPT, c->attempt)) < 0 || (e = set_code(r, c->attempt)) < 0))
                return e;
        c->in_flight++;
        remember(c->broker, c->attempt, r);
        recorder_submit(recorder, r, c->id);
        use_tap_up(c, r->event);
        return 0;
}

static int record_session(struct broker *b, enum record_event event, uid_t uid, const char *attempt,
                          const char *reason, uint64_t client) {
        _cleanup_(record_clear) struct record r = {.event = event, .outcome = RECORD_SUCCESS};
        const struct recent *known = recall(b, attempt);
        int e;
        if ((e = record_set_u64(&r, RECORD_FIELD_UID, uid)) < 0 ||
            (e = record_set(&r, RECORD_FIELD_USER, known ? known->user : NULL)) < 0 ||
            (e = record_set(&r, RECORD_FIELD_REASON, reason)) < 0 ||
            (*attempt && (e = record_set(&r, RECORD_FIELD_ATTEMPT, attempt)) < 0) ||
            (*attempt && (e = set_code(&r, attempt)) < 0))
                return e;
        recorder_submit(b->config.recorder, &r, client);
        return 0;
}

/* Only who was just let in has a session to begin. A badge's number under grace resumes a session and never
 * begins one: a program that tries has let somebody in where nothing was to be resumed, so from then on that
 * person's grace is over, and the next sign-in is a full one. */
static int may_open(struct broker *b, uid_t uid, const char *attempt) {
        const struct recent *known = recall(b, attempt);
        char detail[128];
        if (!known || known->uid != uid)
                return -EKEYREJECTED;
        if (!known->grace)
                return 0;
        sessions_end_grace(b->config.sessions, uid);
        (void) snprintf(detail, sizeof(detail), "a session of %s was to begin under grace; it was refused",
                        known->user);
        recorder_note(b->config.recorder, RECORD_ALERT, NULL, "session-under-grace", detail);
        return -EKEYREJECTED;
}

static int serve_session(struct client *c, const struct broker_message *m, int passed) {
        struct sessions *s = c->broker->config.sessions;
        _cleanup_(closep) int pidfd = passed;
        uid_t uid = m->session_change.uid;
        const char *attempt = m->session_change.attempt;
        bool open = m->type == BROKER_SESSION_OPEN;
        if (open != (pidfd >= 0) || !rights_is_attempt(attempt) || uid == (uid_t) -1)
                return -EBADMSG;
        if (c->in_flight >= BROKER_IN_FLIGHT_MAX)
                return -ENOBUFS;
        int r = open ? may_open(c->broker, uid, attempt) : sessions_close(s, uid, attempt);
        if (r >= 0 && open)
                r = sessions_open(s, uid, attempt, TAKE_FD(pidfd));
        if (r < 0)
                return answer_recorded(c, r);
        c->in_flight++;
        return record_session(c->broker, open ? RECORD_SESSION_OPEN : RECORD_SESSION_CLOSE, uid, attempt,
                              NULL, c->id);
}

void broker_session_ended(struct broker *b, uid_t uid, const char *attempt) {
        (void) record_session(b, RECORD_SESSION_CLOSE, uid, attempt, "process-ended", 0);
        if (b->config.changed)
                b->config.changed(b->config.userdata);
}

static int serve(struct client *c, struct broker_message *m, int passed) {
        switch (m->type) {
        case BROKER_WANT_TAP:
                return serve_want_tap(c);
        case BROKER_ASK_SESSION:
                return serve_ask_session(c, m);
        case BROKER_RECORD:
                return serve_record(c, m);
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
