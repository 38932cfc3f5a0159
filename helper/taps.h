/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets which tap: a pure table of readers, taps and waiting clients. Time comes in as an argument
 * (CLOCK_MONOTONIC, in microseconds); nothing here reads a clock, a socket or a card.
 *
 * A tap is given to exactly one client. It is fresh for BROKER_TAP_FRESH_USEC after it was seen; a newer one
 * of the same reader replaces it; it comes back when its client hangs up without a verdict, and is void when
 * its reader or pcscd goes. A client that enrols goes before attempts and gets only a tap that was seen
 * after it asked; that tap is nobody else's afterwards. A step-up goes after all sign-ins, and gets no tap
 * of before either: a program waiting in the background must not take what was meant for a greeter.
 *
 * At an open session a tap is for the attempt that wardtapd asks for (TAPS_SEAT): one's own is a tap-out,
 * another's a tap-over, and no program of that session gets it. When it is given one, others that wait at
 * that seat are dropped: of two taps at once the first counts. A sign-in that waits neither on a terminal
 * nor for a greeter is forgotten by its display manager and gets none where logind knows the screen.
 *
 * Whoever waits on a virtual terminal gets a tap only while that terminal is on the screen, and then before
 * greeters; whoever waits for a greeter, only while that greeter is: what a person sees is what her tap is
 * for. LightDM ends a greeter and leaves its attempt waiting. */
#pragma once

#include "common/broker.h"
#include "common/util.h"
#include "devices/client.h"

#define TAPS_CLIENTS_MAX 128U
/* So many unknown badges on one reader within the window, and its taps are ignored for a while. */
#define TAPS_UNKNOWN_MAX 10U
#define TAPS_UNKNOWN_WINDOW_USEC (60U * 1000U * 1000U)
#define TAPS_SLOWED_USEC (30U * 1000U * 1000U)

/* logind's ids of sessions are shorter. */
#define TAPS_GREETER_SIZE 33U

struct taps;

/* What is on the screen of seat0. */
struct taps_screen {
        unsigned vt;                     /* virtual terminal; 0: not known, then all are taken for it */
        char greeter[TAPS_GREETER_SIZE]; /* logind's id of the greeter; "": none, or not known */
        uint64_t greeter_usec;           /* CLOCK_MONOTONIC when that greeter began; 0: not known */
        bool seat;                       /* logind says what is on the screen */
        bool manager;                    /* and a display manager is there, whose greeters wait for taps */
        bool person;                     /* and it is somebody's open session */
};

/* Who goes first. */
enum taps_rank { TAPS_STEP_UP, TAPS_SEAT, TAPS_SIGN_IN, TAPS_ENROL };

int taps_new(struct taps **ret);
/* Wipes the numbers. */
struct taps *taps_free(struct taps *t);
DEFINE_CLEANUP(struct taps, taps_free)

/* A reader came, or went with its tap. -ENOSPC for more than DEVICE_READERS_MAX. Both say whether something
 * changed (1) or not (0). */
int taps_add_reader(struct taps *t, const char *reader);
int taps_remove_reader(struct taps *t, const char *reader);
size_t taps_readers(const struct taps *t);
/* The i-th reader's name, for i < taps_readers(). */
const char *taps_reader(const struct taps *t, size_t i);
bool taps_is_slowed(const struct taps *t, const char *reader, uint64_t now_usec);

/* A card was tapped on `tap->reader`, at the seat. Copies the tap and gives it its id. -ENODEV when the
 * reader is not there, -EBUSY when it is slowed, -ESTALE when the tap is not fresh or was seen after now. */
int taps_add(struct taps *t, const struct tap *tap, const char *seat, uint64_t now_usec);

/* A client waits for a tap from now on, at a seat ("" is seat0) and virtual terminal (0: none); one that
 * waits already keeps its place, and what it holds is used up. -ENOSPC, -EINVAL. */
int taps_want(struct taps *t, uint64_t client, const char *seat, unsigned vt, enum taps_rank rank,
              uint64_t now_usec);
/* What is on the screen from now on. A sign-in that waits on no virtual terminal waits for the greeter that
 * is there when it asks, or for the first that comes and had begun by then. */
void taps_set_screen(struct taps *t, const struct taps_screen *screen);
/* The greeter that a client waits for; "" for none. */
const char *taps_greeter_of(const struct taps *t, uint64_t client);
/* The client is gone: what it held becomes free again, unless a newer tap took its place. */
void taps_client_gone(struct taps *t, uint64_t client);
/* The client recorded a verdict: what it held is used up. 1 when this was one unknown badge too many and the
 * reader is slowed from now on (*ret_reader borrows its name), else 0. */
int taps_verdict(struct taps *t, uint64_t client, bool unknown, uint64_t now_usec, const char **ret_reader);

/* The next tap that has an owner now: 1 with the client and the tap (its number is there only for a client
 * that enrols), or 0. The tap is the client's from then on. Call again until 0. */
int taps_hand_out(struct taps *t, uint64_t now_usec, uint64_t *ret_client, struct tap *ret_tap);

/* Wipes taps that are not fresh any more. */
void taps_expire(struct taps *t, uint64_t now_usec);
/* Nobody gets those of this seat that were seen up to then (CLOCK_MONOTONIC) and that nobody has. */
void taps_drop(struct taps *t, const char *seat, uint64_t seen_usec);
/* The virtual terminal on which the sign-in waits that would get a tap of this seat first; 0 for none. */
unsigned taps_waiting_terminal(const struct taps *t, const char *seat);
/* Somebody at this seat, whom the screen does not hide, is being judged by a tap. */
bool taps_is_judging(const struct taps *t, const char *seat);
/* And she, or whoever comes, may tap nevertheless: an attempt waits for that while it asks for a code or for
 * a key. */
bool taps_is_listening(const struct taps *t, const char *seat);
/* When the next one expires; UINT64_MAX for never. */
uint64_t taps_next_expiry(const struct taps *t);
/* There is a fresh tap at this seat that nobody has, and nobody who signs in there waits or is being judged.
 */
bool taps_is_unheard(const struct taps *t, const char *seat, uint64_t now_usec);
/* How many clients wait that what is on the screen does not hide. */
unsigned taps_waiting(const struct taps *t);
bool taps_is_waiting(const struct taps *t, uint64_t client);
/* The same, and what is on the screen does not hide it. */
bool taps_is_seen_waiting(const struct taps *t, uint64_t client);
/* It has had a tap and is judging it, and what is on the screen does not hide it. */
bool taps_is_seen_judging(const struct taps *t, uint64_t client);
/* A client that enrols waits for a tap seen at that time. */
bool taps_is_enrolling(const struct taps *t, const char *seat, uint64_t seen_usec);
/* What the client holds, borrowed until anything changes; NULL: nothing. */
const struct tap *taps_held(struct taps *t, uint64_t client);
