/* SPDX-License-Identifier: Apache-2.0 */
/* Times as people write and read them: local, in ISO 8601 form. Inside they are microseconds since 1970. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define WHEN_TEXT_MAX 40U

/* "2026-11-20 09:21:35", or "" for 0. Returns buf. */
const char *when_local(uint64_t usec, char buf[WHEN_TEXT_MAX]);
/* "2026-11-20T09:21:35+01:00". Returns buf. */
const char *when_rfc3339(uint64_t usec, char buf[WHEN_TEXT_MAX]);
/* "3 days", "2 h 5 min", "40 s", "less than a second". Returns buf. */
const char *when_span(uint64_t usec, char buf[WHEN_TEXT_MAX]);

/* "310 ms", or from 10 seconds on "12 s". Returns buf. */
const char *when_short(uint64_t usec, char buf[WHEN_TEXT_MAX]);

/* Reads "2026-11-20", "2026-11-20 09:21", "2026-11-20T09:21:35", with "Z" or "+01:00" behind it where it is
 * not local, or "09:21" for that time on the day of now_usec. A day alone is its first moment, or, with
 * end_of_day, its last. -EINVAL: not one of these, or a time that does not exist (30 February, an hour that
 * summer time skips). */
int when_parse(const char *text, bool end_of_day, uint64_t now_usec, uint64_t *ret_usec);
