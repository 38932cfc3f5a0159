/* SPDX-License-Identifier: Apache-2.0 */
/* The idle clock (idle_clock.h says what counts, and why) on the event loop.
 *
 * Input costs no timer: the one timer there is goes off when something would be due, looks at the last
 * input, and is set for the next time. Nobody on the screen and nothing parked, and there is none.
 *
 * What was before a restart comes back by idle_shown(), idle_parked() and idle_hint(): all their times are
 * arguments, in microseconds of CLOCK_BOOTTIME. A time of CLOCK_MONOTONIC, as logind tells, is
 * idle_boottime_of() that.
 */
#pragma once

#include "helper/idle_clock.h"

#include <systemd/sd-event.h>

/* Called from the loop only, never from within a function of this header. They may call any of these but
 * idle_free(). None may be NULL. */
struct idle_callbacks {
        /* seconds > 0: a countdown begins, and after so many the session is locked; 0: it is called off.
         * Told once: whoever shows it counts by itself. */
        void (*countdown)(void *userdata, const char *session, unsigned seconds);
        /* Lock it now; tell idle_parked() when that is done. Asked again each minute until then, unless
         * there is input. */
        void (*lock)(void *userdata, const char *session);
        /* End it; idle_gone() when that is done. reason: "parked", as in records. Asked again each minute.
         */
        void (*sign_out)(void *userdata, const char *session, const char *reason);
        /* It is older than its cap: a badge under grace opens it no more once it is locked. Told once. */
        void (*cap)(void *userdata, const char *session);
        /* Nobody was there for a minute, or somebody is again: show who is signed in, or stop. */
        void (*quiet)(void *userdata, const char *session, bool quiet);
};

struct idle;

int idle_new(sd_event *event, const struct idle_callbacks *callbacks, void *userdata, struct idle **ret);
/* Calls nothing back. */
struct idle *idle_free(struct idle *i);
DEFINE_CLEANUP(struct idle, idle_free)

/* These are idle_clock.h's, now. A greeter on the screen: idle_parked() for the session that was there. */
int idle_shown(struct idle *i, const char *session, uint64_t start_usec, uint64_t since_usec,
               const struct idle_rules *rules);
int idle_parked(struct idle *i, const char *session, uint64_t start_usec, uint64_t when_usec,
                const struct idle_rules *rules);
void idle_gone(struct idle *i, const char *session);
int idle_set_rules(struct idle *i, const char *session, const struct idle_rules *rules);
void idle_input(struct idle *i);
int idle_hint(struct idle *i, const char *session, bool idle, uint64_t since_usec);
void idle_inhibited(struct idle *i, bool inhibited);

/* A time of CLOCK_MONOTONIC in that of CLOCK_BOOTTIME, as if there was no suspend since. 0 for 0. */
uint64_t idle_boottime_of(uint64_t monotonic_usec);
