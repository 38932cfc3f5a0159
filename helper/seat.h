/* SPDX-License-Identifier: Apache-2.0 */
/* Who is at seat0, by what proof, and who waits behind the screen: a table of sessions that logind's signals
 * and attempts' records keep. Nothing here reads a clock or talks to anybody; what is to be done and
 * recorded is told through the events.
 *
 * A session that an attempt opened or gave back is managed. It is parked the moment it leaves the screen,
 * and may come back only after its owner was let in again: within SEAT_LET_IN_USEC, once, and not after
 * somebody else's session has come to the screen. Any other way is the guard's business. A session that the
 * site's own ways opened (a password, an administrator on a console) is not managed: it may be shown, as it
 * would be without Wardtap. */
#pragma once

#include "common/broker.h"
#include "common/record.h"
#include "helper/logind.h"

#define SEAT "seat0"
#define SEAT_SESSIONS_MAX LOGIND_SESSIONS_MAX
/* So long somebody who was let in may take to come to the screen. */
#define SEAT_LET_IN_USEC BROKER_GRANT_USEC

/* Why a person may be shown a session: the record of an attempt, or the site's own fallback. */
struct seat_proof {
        uid_t uid;
        char user[65], name[65], attempt[33],
                role[65]; /* name: the full one, "" where it is not known; attempt "": a fallback */
        char factors[33], aal[2], grace[65], last_strong[21],
                verdict_usec[21]; /* as recorded; "" for none */
        bool grace_only;   /* by a badge's number alone: good for resuming, never to begin a session */
        uint64_t tap_usec; /* CLOCK_MONOTONIC when the badge was seen; 0: no badge */
        uint64_t until_boot_usec; /* CLOCK_BOOTTIME: by a ticket or a temporary badge, whose end that is; 0:
                                     by something without end */
        char ticket[9];           /* its short name; "" without one */
        char reader[129], badge[33],
                key[BROKER_DEVICE_SIZE]; /* with what, the key as devices know it; "" for none */
};

struct seat_session {
        char id[LOGIND_ID_SIZE], user[65];
        uid_t uid;
        uint64_t begun_usec; /* CLOCK_BOOTTIME, of the session */
        bool managed, shown, closing;
        bool parked_once;         /* was on the screen, and has left it */
        bool announced;           /* who is there is known and was said; else seat_opened() will tell */
        uint64_t since_usec;      /* CLOCK_BOOTTIME: on the screen, or behind it, since then */
        uint64_t since_mono_usec; /* the same on CLOCK_MONOTONIC */
        struct seat_proof proof;  /* the last one; uid -1: none */
};

struct seat_events {
        /* Fields are the seat's; those of the writer are filled in by whoever takes it. */
        void (*record)(void *userdata, struct record *r);
        /* A managed session came to the screen without its owner: it must leave at once. Recorded already.
         */
        void (*guard)(void *userdata);
        /* A person has come to the screen, or has left it. */
        void (*shown)(void *userdata, const struct seat_session *s);
        void (*parked)(void *userdata, const struct seat_session *s);
        void (*gone)(void *userdata, const struct seat_session *s);
        /* Something of what seat_write() writes has changed. */
        void (*changed)(void *userdata);
};

/* Both clocks at one moment. */
struct seat_now {
        uint64_t mono_usec, boot_usec;
};

struct seat;

int seat_new(const struct seat_events *events, void *userdata, struct seat **ret);
struct seat *seat_free(struct seat *s);
DEFINE_CLEANUP(struct seat, seat_free)

/* As logind's events. Sessions of other seats, or of no person, are left out. */
void seat_session(struct seat *s, const struct logind_session *l, struct seat_now now);
void seat_session_gone(struct seat *s, const struct logind_session *l);
void seat_active(struct seat *s, const struct logind_session *l, struct seat_now now);
/* After a start: what is on the screen now was there before, and is no news. What seat_read() did not name
 * as shown stays parked. */
void seat_found_active(struct seat *s, const struct logind_session *l, struct seat_now now);

/* Somebody was let in. */
void seat_let_in(struct seat *s, const struct seat_proof *p, struct seat_now now);
/* The display manager has begun to show that person only now. */
void seat_let_in_later(struct seat *s, const char *attempt, struct seat_now now);
/* A session has begun that an attempt let its owner into; logind's id. */
void seat_opened(struct seat *s, const char *session, const struct seat_proof *p, struct seat_now now);
/* It is about to end by itself. */
void seat_closing(struct seat *s, uid_t uid, const char *attempt);
/* Why the session on the screen is about to leave it, and who asked: "node" for the station itself. The last
 * word counts; forgotten when it has left. */
void seat_leaves(struct seat *s, const char *reason, const char *requestor);
/* Wardtap ends this session: recorded, with why and who asked. */
void seat_ends(struct seat *s, const char *session, const char *reason, const char *requestor);

/* The person on the screen; NULL: a greeter, a console without a login, or nothing. */
const struct seat_session *seat_shown(const struct seat *s);
const struct seat_session *seat_find(const struct seat *s, const char *session);
/* The i-th; NULL after the last. */
const struct seat_session *seat_at(const struct seat *s, size_t i);
/* Where this person's managed session is, for a tap that was seen at tap_usec (CLOCK_MONOTONIC). */
enum broker_presence seat_presence(const struct seat *s, uid_t uid, uint64_t tap_usec);

/* What a restart must not forget: which sessions are managed, by which attempt, which one is on the screen
 * and which was the last. The caller frees *ret. seat_read() takes all of b or nothing (-EBADMSG), for
 * sessions that seat_session() tells of later. -ENOMEM. */
int seat_write(const struct seat *s, uint8_t **ret, size_t *ret_n);
int seat_read(struct seat *s, struct bytes b);
/* The same where nothing was kept: this person's sessions count as managed, and as parked unless they are on
 * the screen. */
void seat_manage(struct seat *s, uid_t uid);
