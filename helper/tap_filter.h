/* SPDX-License-Identifier: Apache-2.0 */
/* Which taps are meant, and which are a badge that lies near the reader, swings past it on a coat, or has
 * only just done what it was for. Pure: time comes in as an argument (CLOCK_MONOTONIC, in microseconds). A
 * badge is known by its first index (common/broker.h), never by its number.
 *
 * What is counted: every time a reader says that a card came, and the card was read. One that lies still is
 * said once. One at the edge of the field is said again and again: pcscd asks such readers about every 0.4
 * s, and each time it finds the card anew the watch tells of a removal and an insertion, also when both fell
 * between two looks (the reader's event counter shows it). So each flicker that lasts long enough to be read
 * counts. One that is too short to be read, and cards without a number, count together, as one badge of that
 * reader. Of two cards in one wallet a reader reports one or the other, as its anticollision has it: each
 * counts for itself.
 *
 * The rules, in this order:
 *   same    A badge is ignored for TAP_FILTER_SAME_USEC after it was used (tap_filter_used()), on any
 * reader; and after that, too, as long as it flickers: until it was away from that reader for
 *           TAP_FILTER_BOUNCE_USEC. Otherwise a badge that was laid down after a tap-out would let its owner
 *           in again, by itself. What cannot be read on that reader in the first TAP_FILTER_SAME_USEC is
 *           taken for that badge, on its way out of the field.
 *   nearby  Seen more than TAP_FILTER_NEARBY_MAX times within TAP_FILTER_NEARBY_WINDOW_USEC, a badge is
 *           ignored on that reader until it was away for TAP_FILTER_NEARBY_AWAY_USEC.
 *   crowd   So is everything on a reader where more than TAP_FILTER_CROWD_MAX taps came through within
 *           TAP_FILTER_CROWD_WINDOW_USEC, until no card came for TAP_FILTER_NEARBY_AWAY_USEC: faster than
 *           people queue, so it is a pile of badges or a machine. What the rules above ignored does not make
 *           a crowd: one badge cannot close a reader.
 *   held    At an open session, with input within the last TAP_FILTER_INPUT_USEC, a badge counts once it was
 *           there for TAP_FILTER_HOLD_USEC.
 * Two kinds of taps are exempt: they pass, and are not counted. One that an enrolment waits for: `wardtap
 * badge enrol` asks for the badge twice, only root may ask, and such a tap signs nobody in. And all of a
 * station where nobody knows what is on the screen (no logind): there a tap goes to whoever waits for one
 * and does nothing by itself. What was seen of a badge before its owner proved to be there, by a touch or a
 * PIN, is not counted either: she means it.
 *
 * None of this keeps out a copied badge: one tap of it is enough. It keeps what nobody meant from happening,
 * and it must not become a way to silence others. A flood on one reader touches no other reader, since each
 * has its own places for TAP_FILTER_BADGES_MAX badges. On its own reader it cannot have an ignored badge
 * forgotten: that one keeps its place, and others go by fewest sightings, then by age. When all places are
 * taken by ignored badges, badges without a place are ignored; that takes a machine on the reader. */
#pragma once

#include "common/broker.h"
#include "common/util.h"

#define TAP_FILTER_SAME_USEC (3U * 1000U * 1000U)
#define TAP_FILTER_BOUNCE_USEC (1000U * 1000U)
#define TAP_FILTER_NEARBY_MAX 4U
#define TAP_FILTER_NEARBY_WINDOW_USEC (60U * 1000U * 1000U)
#define TAP_FILTER_NEARBY_AWAY_USEC (10U * 1000U * 1000U)
#define TAP_FILTER_CROWD_MAX 12U
#define TAP_FILTER_CROWD_WINDOW_USEC (10U * 1000U * 1000U)
#define TAP_FILTER_INPUT_USEC (3U * 1000U * 1000U)
#define TAP_FILTER_HOLD_USEC (1000U * 1000U)

#define TAP_FILTER_BADGES_MAX 64U /* of each reader */
#define TAP_FILTER_USED_MAX 8U    /* more are not used within 3 s */

enum tap_filter_verdict {
        TAP_TAKE,         /* it is meant */
        TAP_HOLD,         /* it is, if it is not removed before *ret_wait_until */
        TAP_NOT_HELD,     /* should have been held, and is gone already */
        TAP_SAME,         /* has just been used */
        TAP_NEARBY_FIRST, /* lies near the reader; to be recorded: once, until it was away */
        TAP_NEARBY,       /* still does */
};

struct tap_filter_question {
        const char *reader;    /* its name, 1 to DEVICE_READER_MAX bytes */
        const uint8_t *index;  /* BADGE_INDEX_SIZE bytes; NULL: the card has no number, or was not read */
        uint64_t seen_usec;    /* when the card came */
        bool seat_has_session; /* a person's session is on the screen: the tap is a tap-over or tap-out */
        uint64_t
                last_input_usec; /* on the seat; 0: none yet, UINT64_MAX: nobody knows, taken for just now */
        bool exempt;             /* see above */
};

struct tap_filter;

int tap_filter_new(struct tap_filter **ret); /* -ENOMEM; nothing else allocates */
struct tap_filter *tap_filter_free(struct tap_filter *f);
DEFINE_CLEANUP(struct tap_filter, tap_filter_free)

/* A card was read, or could not be. Sets *ret_wait_until (CLOCK_MONOTONIC) with TAP_HOLD only. */
enum tap_filter_verdict tap_filter_tap(struct tap_filter *f, const struct tap_filter_question *q,
                                       uint64_t now_usec, uint64_t *ret_wait_until);
/* The watch says that a card came to the reader, or left it; a reader that goes takes its card along. Told
 * for every card, before tap_filter_tap(): without it, TAP_NOT_HELD takes the place of TAP_HOLD. */
void tap_filter_inserted(struct tap_filter *f, const char *reader, uint64_t now_usec);
void tap_filter_removed(struct tap_filter *f, const char *reader, uint64_t now_usec);
/* All readers are gone. */
void tap_filter_lost(struct tap_filter *f, uint64_t now_usec);
/* A badge did what its owner tapped it for: she was let in, or tapped out. Not after a refusal, since she
 * taps again at once when the screen asks her to. `proved`: her key was touched, or her PIN typed, as well.
 */
void tap_filter_used(struct tap_filter *f, const uint8_t index[static BADGE_INDEX_SIZE], bool proved,
                     uint64_t now_usec);
