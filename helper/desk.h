/* SPDX-License-Identifier: Apache-2.0 */
/* What happens at seat0: which tap means what at an open session, how a session leaves the screen and comes
 * back, and the guard that sends away what nobody was let in to. Follows logind and the display manager,
 * keeps the table of seat.h, and writes it to a file that a restart reads. */
#pragma once

#include "helper/recorder.h"
#include "helper/seat.h"
#include "helper/sessions.h"
#include "helper/switcher.h"
#include "helper/taps.h"

#define DESK_FILE "/run/wardtapd/seat"
/* A terminal on which nothing ever is: whatever must leave the screen at once is switched away from to it,
 * and the greeter comes when it is ready. */
#define DESK_EMPTY_TERMINAL 63U
/* Where logind begins a login prompt as soon as it comes to the screen: ReserveVT= of logind.conf(5), as it
 * is unless a site sets it otherwise. */
#define DESK_RESERVED_TERMINAL 6U
/* So long the greeter, or a session, may take to come to the screen. */
#define DESK_MOVE_USEC (30U * 1000U * 1000U)
/* So long after a refusal it is asked for again. */
#define DESK_AGAIN_USEC (2U * 1000U * 1000U)
/* So long a notice stays on the screen. */
#define DESK_NOTICE_SECONDS 6U

struct desk_events {
        /* What is on the screen, or who may have taps, has changed. */
        void (*changed)(void *userdata);
        void (*shown)(void *userdata, const struct seat_session *s);
        void (*parked)(void *userdata, const struct seat_session *s);
        void (*gone)(void *userdata, const struct seat_session *s);
        /* Words for whoever is at the open session that is on the screen. */
        void (*notice)(void *userdata, const struct seat_session *s, const char *kind, const char *text,
                       unsigned seconds);
        /* All that was there before we started has been told: once. */
        void (*known)(void *userdata);
        /* Of a session, or of the station. */
        void (*hint)(void *userdata, const struct logind_session *s);
        void (*inhibited)(void *userdata, bool idle);
};

struct desk_config {
        sd_event *event;
        struct taps *taps;
        struct switcher *switcher;
        struct recorder *recorder;
        struct station *station;
        struct sessions *sessions;
        const char *auth_socket; /* PATH_AUTH_SOCKET */
        const char *state;       /* the file */
        struct desk_events events;
        void *userdata;
};

struct desk;

/* Reads the file, if there is one; one that cannot be used is a line in the log, and what is open counts as
 * parked. */
int desk_new(const struct desk_config *c, struct desk **ret);
struct desk *desk_free(struct desk *d);
DEFINE_CLEANUP(struct desk, desk_free)

/* A connection to the system bus; NULL when it was lost. */
void desk_connected(struct desk *d, sd_bus *bus);

/* What is on the screen of seat0 now. */
void desk_look(struct desk *d, struct taps_screen *ret);
/* Taps may wait for somebody: has one at an open session judged. */
void desk_consider(struct desk *d);
/* Parks the session on the screen and shows the greeter. -ENOENT when nobody's is. */
int desk_lock(struct desk *d, const char *reason, const char *requestor);
/* Ends a session, with all its programs. -ENOENT when it is none of seat0's. */
int desk_sign_out(struct desk *d, const char *session, const char *reason, const char *requestor);

/* A session of some person that is not seat0's: at another seat, or at none (over the network). The i-th;
 * NULL after the last. */
const struct logind_session *desk_elsewhere(const struct desk *d, size_t i);
/* Ends those that this uid has at another seat. What somebody has over the network goes on. */
void desk_sign_out_other_seats(struct desk *d, uid_t uid, const char *reason, const char *requestor);
/* Ends all of those that this uid (-1: none), or this user (NULL: none), has; each is recorded. */
void desk_sign_out_elsewhere(struct desk *d, uid_t uid, const char *user, const char *reason,
                             const char *requestor);

/* Where this person's session is, for an attempt that asks; of a tap, when it was seen, else 0. */
enum broker_presence desk_presence(const struct desk *d, uid_t uid, const char *seat, uint64_t tap_usec);
/* Somebody works in a session of this person's at another seat than this one ("" is seat0), as logind has
 * it. */
bool desk_is_at_other_seat(const struct desk *d, uid_t uid, const char *seat);
/* A sign-in let somebody in at this seat ("" is seat0). */
void desk_let_in(struct desk *d, const char *seat, const struct seat_proof *p);
/* The display manager can show somebody from where the screen is now: a greeter of its own, or a session.
 * From a console it believes that its last session is on the screen still, and does nothing for that person.
 */
bool desk_can_switch(const struct desk *d);
/* The greeter that was asked for is refused: it is asked for again soon, and then a prompt is looked for. */
void desk_no_greeter(struct desk *d);
/* What is asked of the display manager now for a person at an open session. */
void desk_begins_to_show(struct desk *d, const struct seat_proof *p);
/* logind's id of a session of this person that waits behind the screen for its owner, the one that was on it
 * last; NULL for none. */
const char *desk_parked_session(const struct desk *d, uid_t uid);
/* Has logind bring it to the screen. -ENOTCONN without a bus. */
int desk_activate(struct desk *d, const char *session);
/* It does not: nothing of that is under way any more. */
void desk_shows_not(struct desk *d);
/* It shows her: the grant of this attempt was used. */
void desk_shows(struct desk *d, const char *attempt);
/* The person whose session is on the screen tapped: as TapOut= says. -ESTALE when it is not hers. */
int desk_tap_out(struct desk *d, uid_t uid, const char *user, const char *what);
/* logind's session of an attempt has begun at this seat ("": of which is not known), or is about to end.
 * By OtherSeats=end, what this person has at other seats ends then, recorded. */
void desk_opened(struct desk *d, const char *session, uid_t uid, const char *seat,
                 const struct seat_proof *p);
void desk_closing(struct desk *d, uid_t uid, const char *attempt);

const struct seat *desk_seat(const struct desk *d);
/* The PAM service by which a session comes to the screen: the display manager's, or our own. */
const char *desk_service(const struct desk *d);
