/* SPDX-License-Identifier: Apache-2.0 */
/* What a session has to show at a given moment: values in, values out, no window and no bus. Times are
 * microseconds of one clock, given by the caller. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "greeter/session_words.h"

/* From the lowest on the screen to the uppermost. */
enum view {
        VIEW_COVER,     /* the session is parked: nothing of it is to be seen */
        VIEW_BANNER,    /* quiet: who is signed in */
        VIEW_COUNTDOWN, /* the lock comes */
        VIEW_NAME,      /* just shown: whose session this is */
        VIEW_NOTICE,    /* one or two sentences of wardtapd */
        VIEW_EMERGENCY, /* emergency access, as long as it lasts */
        VIEW_MAX,
};

#define STATE_NAME_USEC (2U * 1000U * 1000U)
#define STATE_COUNTDOWN_SECONDS_MAX 3600U
#define STATE_NOTICE_SECONDS_MAX 600U
#define STATE_EMERGENCY_SECONDS_MAX 43200U
#define STATE_NEVER UINT64_MAX

/* All zero is "nothing to show". */
struct state {
        char name[WORDS_NAME_SIZE]; /* full name, clean */
        bool parked, quiet;
        uint64_t name_until, countdown_until, notice_until; /* 0: not shown */
        char notice[WORDS_TEXT_SIZE];
        uint64_t emergency_until; /* 0: not shown */
        char emergency[WORDS_TEXT_SIZE];
};

/* The session is on the screen: the name for STATE_NAME_USEC, and no cover, countdown or banner. */
void state_shown(struct state *s, uint64_t now);
/* The session left the screen. A notice stays: it is for whoever stands there. */
void state_parked(struct state *s);
/* It is parked no more, without a word about who is there. */
void state_uncover(struct state *s);
/* The lock comes in so many seconds (0: it was called off; more than the maximum count as that). Nothing in
 * a parked session. */
void state_countdown(struct state *s, uint64_t now, uint32_t seconds);
/* Nobody has touched anything for a while, or somebody just did. Nothing in a parked session. */
void state_quiet(struct state *s, bool quiet);
/* Text (cleaned here, any bytes) for so many seconds, which begin when the name is gone; the one before is
 * replaced. 0 seconds or no visible text take it away. */
void state_notice(struct state *s, uint64_t now, const char *text, uint32_t seconds);

/* The same for emergency access: it stays through everything but a parked session, until its time is over.
 */
void state_emergency(struct state *s, uint64_t now, const char *text, uint32_t seconds);

/* True when the view is to be seen now, with its text. Lines are separated by \n; the first is the most
 * important. */
bool state_text(const struct state *s, uint64_t now, enum view view, char ret[static WORDS_TEXT_SIZE]);
/* When something changes by itself, after now; STATE_NEVER when nothing will. */
uint64_t state_next(const struct state *s, uint64_t now);
