/* SPDX-License-Identifier: Apache-2.0 */
/* Hours=: the grammar above struct hours_span in rules.h. */
#include "policy/rules_internal.h"

#include <errno.h>

static void skip_space(const char **s) {
        *s += strspn(*s, " \t");
}

/* True, and *s moves behind it, when c comes next. */
static bool take_char(const char **s, char c) {
        skip_space(s);
        if (**s != c)
                return false;
        (*s)++;
        return true;
}

static int take_day(const char **s, unsigned *ret) {
        static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
        skip_space(s);
        for (unsigned i = 0; i < ELEMENTSOF(days); i++)
                if (strncmp(*s, days[i], 3) == 0) {
                        *s += 3;
                        *ret = i;
                        return 0;
                }
        return -EINVAL;
}

/* "Mon", "Mon-Fri", "Fri-Mon". */
static int take_days(const char **s, unsigned *days) {
        unsigned from, to;
        int r = take_day(s, &from);
        if (r < 0)
                return r;
        to = from;
        if (take_char(s, '-') && (r = take_day(s, &to)) < 0)
                return r;
        for (unsigned day = from;; day = (day + 1) % 7) {
                *days |= 1U << day;
                if (day == to)
                        return 0;
        }
}

static int take_two_digits(const char **s, unsigned *ret) {
        const char *p = *s;
        for (size_t i = 0; i < 2; i++)
                if (p[i] < '0' || p[i] > '9')
                        return -EINVAL;
        *ret = (unsigned) (p[0] - '0') * 10U + (unsigned) (p[1] - '0');
        *s += 2;
        return 0;
}

static int take_minute(const char **s, unsigned max, uint16_t *ret) {
        unsigned hour, minute;
        skip_space(s);
        if (take_two_digits(s, &hour) < 0 || **s != ':')
                return -EINVAL;
        (*s)++;
        if (take_two_digits(s, &minute) < 0 || minute > 59 || hour * 60 + minute > max)
                return -EINVAL;
        *ret = (uint16_t) (hour * 60 + minute);
        return 0;
}

static int take_span(const char **s, struct hours_span *ret) {
        struct hours_span span = {0};
        unsigned days = 0;
        int r;
        skip_space(s);
        if (**s < '0' || **s > '9')
                do {
                        if ((r = take_days(s, &days)) < 0)
                                return r;
                } while (take_char(s, ','));
        if ((r = take_minute(s, MINUTES_PER_DAY - 1, &span.from)) < 0)
                return r;
        if (!take_char(s, '-'))
                return -EINVAL;
        if ((r = take_minute(s, MINUTES_PER_DAY, &span.to)) < 0)
                return r;
        span.days = (uint8_t) (days ? days : ALL_DAYS);
        *ret = span;
        return 0;
}

int value_hours(const struct rule_key *key, const char *text, void *field, char **ret_why) {
        struct hours_span spans[RULES_SPANS_MAX];
        struct hours *hours = field;
        const char *s = text;
        size_t n = 0;
        do {
                if (n == RULES_SPANS_MAX)
                        return value_refuse(ret_why, "%s= is too long: at most %u spans fit.", key->name,
                                            RULES_SPANS_MAX);
                if (take_span(&s, &spans[n]) < 0)
                        return value_refuse(ret_why, "%s=%s cannot be read: write days and times as in %s.",
                                            key->name, text, "Mon-Fri 07:00-15:00, Sat,Sun 22:00-06:00");
                n++;
        } while (take_char(&s, ','));
        skip_space(&s);
        if (*s)
                return value_refuse(ret_why,
                                    "%s=%s cannot be read from \"%s\" on: separate spans by a comma.",
                                    key->name, text, s);
        struct hours_span *copy = reallocarray(NULL, n, sizeof(*copy));
        if (!copy)
                return -ENOMEM;
        memcpy(copy, spans, n * sizeof(*copy));
        free(hours->spans);
        *hours = (struct hours){copy, n};
        return 0;
}
