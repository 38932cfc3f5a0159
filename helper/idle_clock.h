/* SPDX-License-Identifier: Apache-2.0 */
/* When a session is to be locked, signed out or asked for a full sign-in because of time alone: a state
 * machine without a clock, a loop or a file. The time comes in as an argument, what is due comes out.
 *
 * All times are microseconds of CLOCK_BOOTTIME. What counts through suspend must be measured by it (parked,
 * session cap). The idle lock is too: a station that was put to sleep with a session on its screen locks
 * when it wakes, instead of showing a record for the rest of its minutes. Times that are told and lie in the
 * future count as now, so that no file or claim puts anything off.
 *
 * Since when is nobody there?
 * - Since the last input that wardtap-idle reported, or since the session came to the screen (a tap is a
 *   person), whichever was later.
 * - What was before this clock was made (wardtapd was restarted) it did not see. It takes it that there was
 *   input at that moment, so that nobody who types is locked by a restart.
 * - logind's IdleHint is what a session says of itself, and counts only for the time that was not seen:
 * where it says "idle since before this clock was made", and no input was seen, that is believed instead,
 * back to the moment in which the session came to the screen. So it can only bring the lock forward. Against
 * input that was seen it counts for nothing: a desktop that calls itself idle after five minutes must
 * neither lock somebody who types nor cut short the half hour that the rules give an operating theatre. A
 * hint "not idle" puts nothing off.
 * - Where wardtap-idle is not there nobody's input is seen, and the time goes on from the last that was: the
 *   session locks, however much is typed, at the latest when IdleLock= is over. A claim in its place would
 * let a session that says "not idle", or says nothing, as most do, stand open for good.
 *
 * An inhibitor (where the rules honour them) puts off the countdown and the lock alone; a countdown that
 * runs is called off. From its release the whole time counts anew: who watched a film to its end has the
 * minutes that the rules give. It puts off neither "quiet", nor the end of parked sessions, nor the cap.
 */
#pragma once

#include "common/util.h"
#include "policy/rules.h"

#include <stdbool.h>
#include <stdint.h>

#define IDLE_SESSIONS_MAX 256U
#define IDLE_SESSION_ID_MAX 64U /* bytes, without the ending zero */
/* After so long without input "who is signed in" is shown. */
#define IDLE_QUIET_USEC (60U * 1000U * 1000U)
/* A lock or a sign-out that was asked for, and of which nobody said that it is done, is asked for again. */
#define IDLE_AGAIN_USEC (60U * 1000U * 1000U)

/* What the rules say for one session: its place and its role, put together. */
struct idle_rules {
        uint64_t idle_lock_usec;       /* 0 = never */
        uint64_t idle_countdown_usec;  /* the last part of it; 0 = none; one as long as it counts as half */
        uint64_t parked_sign_out_usec; /* 0 = never */
        uint64_t session_cap_usec;     /* 0 = never */
        bool inhibitors;               /* honoured */
};
/* The shorter cap of both counts. role may be NULL (a session that Wardtap did not let in). */
void idle_rules_of(const struct rule_place *place, const struct rule_role *role, struct idle_rules *ret);

enum idle_action_type {
        IDLE_COUNTDOWN, /* seconds > 0: it begins, and so many are left; 0: it is called off */
        IDLE_LOCK, /* the idle time is over. Asked again each IDLE_AGAIN_USEC while it stays on the screen
                      without input */
        IDLE_SIGN_OUT, /* a parked session's time is over. Asked again each IDLE_AGAIN_USEC until it is gone
                        */
        IDLE_CAP,   /* once: the session is older than its cap, and wants a full sign-in at its next lock */
        IDLE_QUIET, /* on: nobody was there for IDLE_QUIET_USEC; off: somebody is again */
        IDLE_ACTION_MAX,
};
struct idle_action {
        enum idle_action_type type;
        char session[IDLE_SESSION_ID_MAX + 1];
        unsigned seconds; /* IDLE_COUNTDOWN */
        bool on;          /* IDLE_QUIET */
};

struct idle_clock;

int idle_clock_new(uint64_t now_usec, struct idle_clock **ret);
struct idle_clock *idle_clock_free(struct idle_clock *c);
DEFINE_CLEANUP(struct idle_clock, idle_clock_free)

/* This session is on the screen since since_usec; it was opened at start_usec. One that was there is parked
 * from now on, until idle_clock_parked() says since when. Told again, a later since_usec counts as input.
 * -EINVAL for an id that is empty or too long, -ENOSPC. */
int idle_clock_shown(struct idle_clock *c, const char *session, uint64_t start_usec, uint64_t since_usec,
                     const struct idle_rules *rules, uint64_t now_usec);
/* This session is locked, wherever its screen is, and its person not there, since when_usec. Told again, the
 * earlier time stays. -EINVAL, -ENOSPC. */
int idle_clock_parked(struct idle_clock *c, const char *session, uint64_t start_usec, uint64_t when_usec,
                      const struct idle_rules *rules, uint64_t now_usec);
/* It has ended; nothing is called off. Unknown ones are none. */
void idle_clock_gone(struct idle_clock *c, const char *session);
/* Other rules hold for it from now on. -ENOENT. */
int idle_clock_set_rules(struct idle_clock *c, const char *session, const struct idle_rules *rules,
                         uint64_t now_usec);

/* Somebody typed, moved or touched. True when something is due at once because of it, which otherwise
 * needs no look at the clock. */
bool idle_clock_input(struct idle_clock *c, uint64_t now_usec);
/* What the session says of itself; since_usec counts only with idle. -ENOENT. */
int idle_clock_hint(struct idle_clock *c, const char *session, bool idle, uint64_t since_usec,
                    uint64_t now_usec);
/* Whether somebody holds an inhibitor of the kind "idle" in the mode "block". */
void idle_clock_inhibited(struct idle_clock *c, bool inhibited, uint64_t now_usec);

/* When to look again; now_usec or earlier when something is due, UINT64_MAX for never. */
uint64_t idle_clock_next(const struct idle_clock *c, uint64_t now_usec);
/* Takes one thing that is due. False when there is none (any more). */
bool idle_clock_take(struct idle_clock *c, uint64_t now_usec, struct idle_action *ret);
