/* SPDX-License-Identifier: Apache-2.0 */
/* When what somebody was given for a while ends: at those times everybody who is signed in is judged again.
 * Kept in /run over a restart; a reboot ends all sessions anyway. */
#pragma once

#include "common/bytes.h"

#define ENDS_MAX 64U
#define ENDS_FILE "/run/wardtapd/ends"
#define ENDS_LONGEST_USEC (7ULL * 24U * 3600U * 1000000U) /* a lease */

struct ends {
        uint64_t at_usec[ENDS_MAX]; /* CLOCK_BOOTTIME, ascending */
        size_t n;
};

/* One more: until_usec is CLOCK_REALTIME, as records say it. One that is over, or more than a week away, is
 * none. When there is no room the last one goes: those who are signed in are judged again in time anyway
 * (Recheck=). True when something changed. */
bool ends_add(struct ends *e, uint64_t until_usec, uint64_t now_realtime_usec, uint64_t now_boottime_usec);
/* Drops those that are over; true when there was one. */
bool ends_pass(struct ends *e, uint64_t now_boottime_usec);
/* How long until the next; 0: it is over already; UINT64_MAX: there is none. */
uint64_t ends_next(const struct ends *e, uint64_t now_boottime_usec);

/* version u8, count u8, each u64. ends_write() takes a writer; ends_read() takes all of b or nothing.
 * -EBADMSG. */
#define ENDS_SIZE_MAX (2U + 8U * ENDS_MAX)
void ends_write(const struct ends *e, struct writer *w);
int ends_read(struct bytes b, struct ends *ret);
