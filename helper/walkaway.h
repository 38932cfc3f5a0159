/* SPDX-License-Identifier: Apache-2.0 */
/* Walking away: by which badge and which key each session was signed in, and whether that one is still
 * there. When it is taken away from under the session on the screen, its owner has left. Time is an argument
 * (CLOCK_MONOTONIC, in microseconds), and nothing here asks a device or a session anything.
 *
 * - A badge or key counts from WALKAWAY_STAY_USEC after the sign-in, or after its session came to the
 * screen: taken away before, it was a tap or a touch, and nothing follows. (Many wait for their desktop
 * first.)
 * - Only the one that signed in counts: the badge by its reader and token, the key by its device. Another's
 *   changes nothing, whether it comes or goes. Who comes back under grace keeps the key of the sign-in
 * before.
 * - A badge that slipped in its reader and is there again within WALKAWAY_BACK_USEC was not taken away. The
 *   same for keys is done before (helper/keys.h).
 * - A reader, a watch or pcscd that is lost says nothing about the badge: nothing follows as long as nothing
 *   is known. A broken hub must not lock a ward out of its work, and the idle lock still runs. When the
 * reader is back without the badge, or the watch without the key, that is known, and counts: whoever pulls a
 * plug to keep a session open gains the time until he puts it back.
 *
 * What this locks is a convenience beside the idle lock, not a proof: ids of devices are claims. A device
 * that claims to be another's key keeps that session open as the key itself would, until the idle lock. */
#pragma once

#include "common/bytes.h"
#include "common/util.h"
#include "devices/client.h"

#include <systemd/sd-event.h>

#define WALKAWAY_STAY_USEC (5U * 1000U * 1000U)
#define WALKAWAY_BACK_USEC (1U * 1000U * 1000U)
/* For a card to be read, and for a reader that is back to see what lies in it. */
#define WALKAWAY_READ_USEC (4U * 1000U * 1000U)
#define WALKAWAY_SESSIONS_MAX 256U
#define WALKAWAY_SESSION_SIZE 33U /* logind's ids are shorter */
#define WALKAWAY_TOKEN_SIZE 9U

/* What a session was signed in with; "" for what was not used, or is not known. */
struct walkaway_proof {
        const char *reader, *token; /* of the tap */
        const char *device;         /* of the key: struct device_key's id */
        const char *attempt;        /* by which she was let in */
};

struct walkaway_events {
        /* The owner of the session on the screen has left: reason "badge-removed" or "key-removed". What
         * follows is said by WalkAway= of the role. Never twice for one sign-in and the same reason. */
        void (*left)(void *userdata, const char *session, const char *reason);
        /* walkaway_write() would write something else now. May be NULL. */
        void (*changed)(void *userdata);
};

struct walkaway;

/* event: for the timers; NULL for a caller who calls walkaway_expire() at walkaway_next() himself. -ENOMEM.
 */
int walkaway_new(sd_event *event, const struct walkaway_events *events, void *userdata,
                 struct walkaway **ret);
struct walkaway *walkaway_free(struct walkaway *w);
DEFINE_CLEANUP(struct walkaway, walkaway_free)

/* Its owner was let into this session (logind's id), to begin or to resume it; said again of the same
 * attempt, also after a restart, it changes nothing. -ENOSPC, -ENOMEM: then her walking away is not noticed.
 */
int walkaway_signed_in(struct walkaway *w, const char *session, const struct walkaway_proof *p,
                       uint64_t now_usec);
/* The session on the screen; the one before it is not any more. Before or after walkaway_signed_in(). */
void walkaway_shown(struct walkaway *w, const char *session, uint64_t now_usec);
void walkaway_parked(struct walkaway *w, const char *session);
void walkaway_gone(struct walkaway *w, const char *session);

/* A card lies in the reader, or no more (watch_events.card_present). */
void walkaway_card(struct walkaway *w, const char *reader, bool present, uint64_t now_usec);
/* It was read: the token of the badge, or NULL when it could not be. True when this is the badge that lay
 * there before and has only slipped: no tap. May call `left` first, for the badge that lay there before. */
bool walkaway_card_read(struct walkaway *w, const char *reader, const char *token, uint64_t now_usec);
/* The reader is not there any more, or nobody watches it. */
void walkaway_reader_gone(struct walkaway *w, const char *reader);

/* As keys_changed (helper/keys_state.h). */
void walkaway_key(struct walkaway *w, const char *device, bool plugged, uint64_t when_usec);
/* All keys that are there have been said, for the first time since the start. */
void walkaway_keys_listed(struct walkaway *w, uint64_t now_usec);

/* The key that signed this session's owner in is still plugged in: "FULL NAME, take your key". */
bool walkaway_key_left(const struct walkaway *w, const char *session);

void walkaway_expire(struct walkaway *w, uint64_t now_usec);
uint64_t walkaway_next(const struct walkaway *w);

/* What a restart of wardtapd must not forget; good until the next boot. The caller frees *ret. -ENOMEM. */
int walkaway_write(const struct walkaway *w, uint8_t **ret, size_t *ret_n);
/* Takes all of b or nothing, before any other call. Whether what it names is still there is known when
 * readers and keys have been listed. -EBADMSG, -ENOMEM. */
int walkaway_read(struct walkaway *w, struct bytes b);
