/* SPDX-License-Identifier: Apache-2.0 */
/* Times as people write and read them. */
#include "cli/when.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECOND ((uint64_t) 1000000)
#define YEAR_MAX 2200 /* beyond it a typing mistake is likelier than a plan */

static bool local(uint64_t usec, struct tm *ret) {
        time_t t = (time_t) (usec / SECOND);
        return usec > 0 && localtime_r(&t, ret);
}

const char *when_local(uint64_t usec, char buf[WHEN_TEXT_MAX]) {
        struct tm tm;
        if (!local(usec, &tm) || strftime(buf, WHEN_TEXT_MAX, "%Y-%m-%d %H:%M:%S", &tm) == 0)
                buf[0] = 0;
        return buf;
}

const char *when_rfc3339(uint64_t usec, char buf[WHEN_TEXT_MAX]) {
        struct tm tm;
        if (!local(usec, &tm) || strftime(buf, WHEN_TEXT_MAX - 1, "%Y-%m-%dT%H:%M:%S%z", &tm) == 0) {
                buf[0] = 0;
                return buf;
        }
        size_t n = strlen(buf); /* +0100 -> +01:00 */
        memmove(buf + n - 1, buf + n - 2, 3);
        buf[n - 2] = ':';
        return buf;
}

const char *when_span(uint64_t usec, char buf[WHEN_TEXT_MAX]) {
        uint64_t s = usec / SECOND, min = s / 60, h = min / 60;
        if (h >= 48)
                (void) snprintf(buf, WHEN_TEXT_MAX, "%" PRIu64 " days", h / 24);
        else if (h > 0 && min % 60 > 0)
                (void) snprintf(buf, WHEN_TEXT_MAX, "%" PRIu64 " h %" PRIu64 " min", h, min % 60);
        else if (h > 0)
                (void) snprintf(buf, WHEN_TEXT_MAX, "%" PRIu64 " h", h);
        else if (min > 0)
                (void) snprintf(buf, WHEN_TEXT_MAX, "%" PRIu64 " min", min);
        else if (s > 0)
                (void) snprintf(buf, WHEN_TEXT_MAX, "%" PRIu64 " s", s);
        else
                (void) snprintf(buf, WHEN_TEXT_MAX, "less than a second");
        return buf;
}

const char *when_short(uint64_t usec, char buf[WHEN_TEXT_MAX]) {
        if (usec < 10 * SECOND)
                (void) snprintf(buf, WHEN_TEXT_MAX, "%" PRIu64 " ms", (usec + 500) / 1000);
        else
                (void) snprintf(buf, WHEN_TEXT_MAX, "%" PRIu64 " s", (usec + SECOND / 2) / SECOND);
        return buf;
}

/* The time of day at s, as far as the end or a zone. */
static const char *take_clock(const char *s, struct tm *tm) {
        const char *end = strptime(s, "%H:%M", tm);
        if (end && *end == ':')
                end = strptime(end, ":%S", tm);
        return end;
}

static int local_moment(const struct tm *wanted, time_t *ret) {
        struct tm tm = *wanted;
        tm.tm_isdst = -1;
        time_t t = mktime(&tm);
        if (t < 0 || tm.tm_mday != wanted->tm_mday || tm.tm_mon != wanted->tm_mon ||
            tm.tm_hour != wanted->tm_hour || tm.tm_min != wanted->tm_min)
                return -EINVAL;
        *ret = t;
        return 0;
}

static int zoned_moment(const struct tm *wanted, long offset, time_t *ret) {
        struct tm tm = *wanted;
        time_t t = timegm(&tm);
        if (t < 0 || tm.tm_mday != wanted->tm_mday || tm.tm_mon != wanted->tm_mon || t < offset)
                return -EINVAL;
        *ret = t - offset;
        return 0;
}

int when_parse(const char *text, bool end_of_day, uint64_t now_usec, uint64_t *ret_usec) {
        struct tm tm = {0}, zone = {0};
        time_t t, now = (time_t) (now_usec / SECOND);
        bool day_alone = false;
        int r;

        const char *end = strptime(text, "%Y-%m-%d", &tm);
        if (!end) {
                if (!localtime_r(&now, &tm))
                        return -EINVAL;
                tm.tm_sec = 0;
                end = take_clock(text, &tm);
        } else if (*end == 'T' || *end == ' ') {
                end = take_clock(end + 1, &tm);
        } else {
                day_alone = true;
        }
        if (!end || tm.tm_year + 1900 > YEAR_MAX || tm.tm_sec > 59)
                return -EINVAL;
        if (day_alone && end_of_day) {
                tm.tm_hour = 23;
                tm.tm_min = tm.tm_sec = 59;
        }
        if (*end == 0) {
                r = local_moment(&tm, &t);
        } else {
                end = strptime(end, "%z", &zone);
                r = !end || *end || day_alone ? -EINVAL : zoned_moment(&tm, zone.tm_gmtoff, &t);
        }
        if (r < 0)
                return r;
        *ret_usec = (uint64_t) t * SECOND + (day_alone && end_of_day ? SECOND - 1 : 0);
        return 0;
}
