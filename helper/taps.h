/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets which tap: a pure table of readers, taps and waiting clients. Time comes in as an argument
 * (CLOCK_MONOTONIC, in microseconds); nothing here reads a clock, a socket or a card.
 *
 * A tap is given to exactly one client. It is fresh for BROKER_TAP_FRESH_USEC after it was seen; a newer one
 * of the same reader replaces it; it comes back when its client hangs up without a verdict, and is void when
 * its reader or pcscd goes. A client that enrols goes before attempts and gets only a tap that was seen
 * after it asked; that tap is nobody else's afterwards. A step-up goes after all sign-ins, and gets no tap
 * of before either: a program waiting in the background must not take what was meant for a greeter. */
#pragma once

#include "common/broker.h"
#include "common/util.h"
#include "devices/client.h"

#define TAPS_CLIENTS_MAX 128U
/* So many unknown badges on one reader within the window, and its taps are ignored for a while. */
#define TAPS_UNKNOWN_MAX 10U
#define TAPS_UNKNOWN_WINDOW_USEC (60U * 1000U * 1000U)
#define TAPS_SLOWED_USEC (30U * 1000U * 1000U)

struct taps;

/* Who goes first. */
enum taps_rank { TAPS_STEP_UP, TAPS_SIGN_IN, TAPS_ENROL };

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

/* A client waits for a tap from now on ("" is seat0); one that waits already keeps its place, and what it
 * holds is used up. -ENOSPC, -EINVAL. */
int taps_want(struct taps *t, uint64_t client, const char *seat, enum taps_rank rank, uint64_t now_usec);
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
/* When the next one expires; UINT64_MAX for never. */
uint64_t taps_next_expiry(const struct taps *t);
/* How many clients wait. */
unsigned taps_waiting(const struct taps *t);
bool taps_is_waiting(const struct taps *t, uint64_t client);
