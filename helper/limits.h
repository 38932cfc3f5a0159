/* SPDX-License-Identifier: Apache-2.0 */
/* Which parked sessions end when a station has too many, or too little memory. Values in, values out:
 * nothing here looks at the system. A session that is on a screen is never named. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define LIMITS_NONE ((size_t) -1)

struct limits_session {
        const char *id; /* logind's; borrowed, and only carried along */
        uid_t uid;
        uint64_t parked_usec;  /* CLOCK_BOOTTIME or any other that all of them share; 0: it is active */
        uint64_t memory_bytes; /* of limits_largest() alone; 0 where it is not known */
};

/* How many sessions a station may have: the rules' MaxSessions=, or for 0 one per 2 GB of memory, rounded
 * down, at least 1 and at most 6. A station of "8 GB" has a little less than that, since the firmware and
 * the kernel keep some; a quarter of a GB is therefore forgiven. */
unsigned limits_max(unsigned max_sessions, uint64_t memory_bytes);

/* Sessions that must end so that at most `max` are left, the one parked longest first; of two parked at the
 * same moment, the one that stands first. `s` has all of them, a new one included. Puts their places in `s`
 * into ret, which has room for n, and returns how many: never more than needed, and fewer where the others
 * are active. */
size_t limits_over(const struct limits_session *s, size_t n, unsigned max, size_t *ret);

/* The parked session with the most memory; of equals the one parked longest. LIMITS_NONE where none is
 * parked. */
size_t limits_largest(const struct limits_session *s, size_t n);

/* Whether a station with these amounts in bytes (MemAvailable, MemTotal) is short of memory itself: less
 * than a fifth is available. Tasks of a group with a limit of its own wait for memory too, and ending
 * another's session would not help them. */
bool limits_is_short(uint64_t available_bytes, uint64_t total_bytes);
