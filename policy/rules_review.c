/* SPDX-License-Identifier: Apache-2.0 */
/* What of good rules depends on the time, or is worth a look before they are applied. */
#include "policy/rules_internal.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

static void day_of(uint64_t usec, char *buf, size_t size) {
        time_t t = (time_t) (usec / USEC_PER_SEC);
        struct tm tm;
        if (!localtime_r(&t, &tm) || strftime(buf, size, "%Y-%m-%d %H:%M", &tm) == 0)
                (void) snprintf(buf, size, "a time without a date");
}

static int review_exceptions(const struct rules *r, uint64_t now, struct rules_errors *errors,
                             struct rules_errors *notes) {
        char day[32], last[32];
        int e = 0;
        day_of(now + RULES_EXCEPTION_MAX_USEC, last, sizeof(last));
        for (size_t i = 0; e == 0 && i < r->n_exceptions; i++) {
                const struct rule_exception *x = &r->exceptions[i];
                day_of(x->until_usec, day, sizeof(day));
                if (x->until_usec <= now)
                        e = rules_error_addf(
                                notes, "", 0,
                                "[Exception %s] has ended (%s) and is of no effect: remove it, or "
                                "ask its owner, %s.",
                                x->name, day, x->owner);
                else if (x->until_usec - now > RULES_EXCEPTION_MAX_USEC)
                        e = rules_error_addf(
                                errors, "", 0,
                                "[Exception %s] ends too late: write an Until= of at most 90 days "
                                "from now, %s.",
                                x->name, last);
        }
        return e;
}

static const char *common_word(const struct words *a, const struct words *b) {
        for (size_t i = 0; i < a->n; i++)
                if (words_contain(b, a->words[i]))
                        return a->words[i];
        return NULL;
}

/* Some span of `a` begins within `b`. */
static bool begins_within(const struct hours *a, const struct hours *b) {
        for (size_t i = 0; i < a->n; i++)
                for (unsigned day = 0; day < 7; day++)
                        if ((a->spans[i].days & 1U << day) && hours_contain(b, day, a->spans[i].from))
                                return true;
        return false;
}

/* What two sets of spans have in common begins where a span of one of them does, also over midnight. */
static bool hours_meet(const struct hours *a, const struct hours *b) {
        return a->n == 0 || b->n == 0 || begins_within(a, b) || begins_within(b, a);
}

static bool stations_meet(const struct rule_role *a, const struct rule_role *b) {
        return a->stations.n == 0 || b->stations.n == 0 || common_word(&a->stations, &b->stations);
}

/* Only where it is certain that one person fits both at once: a group, a station or tag, and a moment in
 * common. Who is in two groups is not known here. */
static int review_roles(const struct rules *r, struct rules_errors *notes) {
        int e = 0;
        for (size_t i = 0; e == 0 && i < r->n_roles; i++)
                for (size_t j = i + 1; e == 0 && j < r->n_roles; j++) {
                        const struct rule_role *a = &r->roles[i], *b = &r->roles[j];
                        const char *group = common_word(&a->groups, &b->groups);
                        if (group && stations_meet(a, b) && hours_meet(&a->hours, &b->hours))
                                e = rules_error_addf(notes, "", 0,
                                                     "[Role %s] and [Role %s] both fit people of %s: the "
                                                     "first, %s, counts.",
                                                     a->name, b->name, group, a->name);
                }
        return e;
}

int rules_review(const struct rules *r, uint64_t now_usec, struct rules_errors *ret_errors,
                 struct rules_errors *ret_notes) {
        _cleanup_(rules_errors_clear) struct rules_errors errors = {0}, notes = {0};
        int e = review_exceptions(r, now_usec, &errors, &notes);
        if (e == 0)
                e = review_roles(r, &notes);
        if (e < 0)
                return e;
        *ret_errors = errors;
        *ret_notes = notes;
        errors = notes = (struct rules_errors){0};
        return 0;
}
