/* SPDX-License-Identifier: Apache-2.0 */
/* Compares rules by the tables of rules_section.c, so that no key can be forgotten here. */
#include "policy/rules_diff.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "policy/rules_internal.h"

#define TEXT_MAX 16384U

/* A value as text; what does not fit is cut, in both alike. */
struct text {
        char p[TEXT_MAX];
        size_t n;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *format, ...) {
        va_list ap;
        va_start(ap, format);
        int n = vsnprintf(t->p + t->n, sizeof(t->p) - t->n, format, ap);
        va_end(ap);
        t->n += n > 0 ? (size_t) n : 0;
        if (t->n >= sizeof(t->p))
                t->n = sizeof(t->p) - 1;
}

/* --- values */

static void put_words(struct text *t, const struct words *w) {
        for (size_t i = 0; i < w->n; i++)
                put(t, strchr(w->words[i], ' ') ? "%s\"%s\"" : "%s%s", i ? " " : "", w->words[i]);
}

static void put_hours(struct text *t, const struct hours *h) {
        static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
        for (size_t i = 0; i < h->n; i++) {
                const struct hours_span *s = &h->spans[i];
                bool first = true;
                put(t, "%s", i ? ", " : "");
                for (unsigned d = 0; s->days != ALL_DAYS && d < 7; d++)
                        if (s->days & 1U << d) {
                                put(t, "%s%s", first ? "" : ",", days[d]);
                                first = false;
                        }
                put(t, "%s%02u:%02u-%02u:%02u", first ? "" : " ", s->from / 60U, s->from % 60U, s->to / 60U,
                    s->to % 60U);
        }
}

static void put_time(struct text *t, uint64_t usec) {
        char buf[64];
        duration_format(usec, buf, sizeof(buf));
        put(t, "%s", usec ? buf : "0");
}

static void put_until(struct text *t, uint64_t usec) {
        char buf[32] = "";
        time_t at = (time_t) (usec / USEC_PER_SEC);
        struct tm tm;
        if (localtime_r(&at, &tm) && strftime(buf, sizeof(buf), "%Y-%m-%d %H:%M", &tm) > 0)
                put(t, "%s", buf);
}

static void put_actions(struct text *t, unsigned actions) {
        for (unsigned a = 0; a < APPROVE_ACTION_MAX; a++)
                if (actions & 1U << a)
                        put(t, "%s%s", t->n ? " " : "", approve_action_name((enum approve_action) a));
}

static void put_delays(struct text *t, const struct rules *r) {
        for (size_t i = 0; i < r->n_throttle; i++) {
                put(t, "%s", i ? " " : "");
                put_time(t, r->throttle_usec[i]);
        }
}

static bool is_list(const struct rule_key *k) {
        return k->parse == value_names || k->parse == value_groups || k->parse == value_models ||
               k->parse == value_reasons;
}

static bool is_string(const struct rule_key *k) {
        return k->parse == value_name || k->parse == value_domain || k->parse == value_text ||
               k->parse == value_unit;
}

static const char *string_of(const struct rule_key *k, const void *object) {
        const char *s = *(char *const *) ((const char *) object + k->offset);
        return s ? s : "";
}

static void put_value(struct text *t, const struct rule_key *k, const void *object) {
        const void *field = (const char *) object + k->offset;
        if (is_list(k))
                put_words(t, field);
        else if (is_string(k))
                put(t, "%s", string_of(k, object));
        else if (k->parse == value_time)
                put_time(t, *(const uint64_t *) field);
        else if (k->parse == value_until)
                put_until(t, *(const uint64_t *) field);
        else if (k->parse == value_hours)
                put_hours(t, field);
        else if (k->parse == value_delays)
                put_delays(t, object);
        else if (k->parse == value_actions)
                put_actions(t, *(const unsigned *) field);
        else if (k->parse == value_reviewers)
                put(t, "%s", reviewers_name(*(const unsigned *) field));
        else if (k->parse == value_bool)
                put(t, "%s", *(const bool *) field ? "yes" : "no");
        else if (k->parse == value_choice)
                put(t, "%s", k->choices[*(const unsigned *) field]);
        else if (k->parse == value_factors)
                put(t, "%s", *(const unsigned *) field ? factors_name(*(const unsigned *) field) : "");
        else
                put(t, "%u", *(const unsigned *) field);
}

/* --- more or less */

static bool covers(const struct words *all, const struct words *some) {
        for (size_t i = 0; i < some->n; i++)
                if (!words_contain(all, some->words[i]))
                        return false;
        return true;
}

static enum rules_direction of_sets(bool after_covers, bool before_covers) {
        return after_covers == before_covers ? RULES_OTHERWISE : after_covers ? RULES_MORE : RULES_LESS;
}

/* Whose break-glass is for every group of some role. */
static bool is_of_break_glass(const struct rule_key *k) {
        const struct section_type *type = section_type(SECTION_BREAK_GLASS);
        return k >= type->keys && k < type->keys + type->n_keys;
}

/* An empty list of these is everything, not nothing. */
static bool empty_is_all(const struct rule_key *k) {
        return (k->parse == value_groups && is_of_break_glass(k)) || strcmp(k->name, "Stations") == 0 ||
               strcmp(k->name, "Services") == 0 || k->parse == value_models;
}

static enum rules_direction of_lists(const struct rule_key *k, const struct words *before,
                                     const struct words *after) {
        if (strcmp(k->name, "Tags") == 0)
                return RULES_OTHERWISE;
        bool all = empty_is_all(k);
        return of_sets(all && after->n == 0    ? true
                       : all && before->n == 0 ? false
                                               : covers(after, before),
                       all && before->n == 0  ? true
                       : all && after->n == 0 ? false
                                              : covers(before, after));
}

static enum rules_direction of_hours(const struct hours *before, const struct hours *after) {
        bool after_covers = true, before_covers = true;
        for (unsigned day = 0; day < 7; day++)
                for (unsigned minute = 0; minute < MINUTES_PER_DAY; minute++) {
                        bool b = hours_contain(before, day, minute), a = hours_contain(after, day, minute);
                        after_covers = after_covers && (a || !b);
                        before_covers = before_covers && (b || !a);
                }
        return of_sets(after_covers, before_covers);
}

static enum rules_direction of_numbers(uint64_t before, uint64_t after) {
        return after > before ? RULES_MORE : after < before ? RULES_LESS : RULES_OTHERWISE;
}

/* 0 is none of it for grace, and no end for what ends or locks a session. Delays are neither. */
static enum rules_direction of_times(const struct rule_key *k, uint64_t before, uint64_t after) {
        if (strcmp(k->name, "Grace") == 0 || strcmp(k->name, "GraceCap") == 0)
                return of_numbers(before, after);
        if (strcmp(k->name, "SessionCap") == 0 || strcmp(k->name, "IdleLock") == 0 ||
            strcmp(k->name, "ParkedSignOut") == 0)
                return of_numbers(before ? before : UINT64_MAX, after ? after : UINT64_MAX);
        return RULES_OTHERWISE;
}

/* What is asked for is a set of factors: a smaller one asks for less. */
static enum rules_direction of_factors(unsigned before, unsigned after) {
        if (before == 0 || after == 0)
                return RULES_OTHERWISE;
        return of_sets((after & ~before) == 0, (before & ~after) == 0);
}

/* Choices and switches whose later, or whose "yes", forbids. */
static bool is_stricter_upwards(const struct rule_key *k) {
        static const char *const names[] = {"Assurance",   "AuditRequired", "Fallback",
                                            "KeyAttested", "Then",          NULL};
        for (size_t i = 0; names[i]; i++)
                if (strcmp(k->name, names[i]) == 0)
                        return true;
        return false;
}

static bool is_laxer_upwards(const struct rule_key *k) {
        return strcmp(k->name, "SessionKeys") == 0 || strcmp(k->name, "Inhibitors") == 0 ||
               strcmp(k->name, "GraceMode") == 0 || strcmp(k->name, "ThrottleFree") == 0;
}

static uint64_t number_of(const struct rule_key *k, const void *field) {
        return k->parse == value_bool ? *(const bool *) field : *(const unsigned *) field;
}

static enum rules_direction direction(const struct rule_key *k, const void *before, const void *after) {
        const void *b = (const char *) before + k->offset, *a = (const char *) after + k->offset;
        if (is_list(k))
                return of_lists(k, b, a);
        if (k->parse == value_hours)
                return of_hours(b, a);
        if (k->parse == value_until)
                return of_numbers(*(const uint64_t *) b, *(const uint64_t *) a);
        if (k->parse == value_time)
                return of_times(k, *(const uint64_t *) b, *(const uint64_t *) a);
        if (k->parse == value_factors)
                return of_factors(*(const unsigned *) b, *(const unsigned *) a);
        if (k->parse == value_actions)
                return of_factors(~*(const unsigned *) b, ~*(const unsigned *) a);
        if (is_stricter_upwards(k))
                return of_numbers(number_of(k, a), number_of(k, b));
        return is_laxer_upwards(k) ? of_numbers(number_of(k, b), number_of(k, a)) : RULES_OTHERWISE;
}

/* --- sections */

struct diff {
        const struct rules *before, *after;
        int (*each)(void *userdata, const struct rules_change *c);
        void *userdata;
        struct text b, a;
};

static size_t count_of(const struct rules *r, enum section_kind kind) {
        const size_t n[SECTION_MAX] = {
                [SECTION_SITE] = 1,
                [SECTION_STATION] = 1,
                [SECTION_ROLE] = r->n_roles,
                [SECTION_PLACE] = r->n_places,
                [SECTION_SERVICE] = r->n_services,
                [SECTION_EXCEPTION] = r->n_exceptions,
                [SECTION_CHECK] = r->n_checks,
                [SECTION_BREAK_GLASS] = r->break_glass.present,
        };
        return n[kind];
}

static const void *object_at(const struct rules *r, enum section_kind kind, size_t i) {
        return section_object(&(struct section){.kind = kind, .index = i}, (struct rules *) r);
}

_Static_assert(offsetof(struct rule_role, name) == 0 && offsetof(struct rule_place, name) == 0 &&
                       offsetof(struct rule_service, name) == 0 &&
                       offsetof(struct rule_exception, name) == 0 && offsetof(struct rule_check, name) == 0,
               "the name comes first");
static const char *name_of(enum section_kind kind, const void *object) {
        return section_type(kind)->named ? *(char *const *) object : "";
}

static const void *find_object(const struct rules *r, enum section_kind kind, const char *name) {
        for (size_t i = 0; i < count_of(r, kind); i++) {
                const void *o = object_at(r, kind, i);
                if (strcmp(name_of(kind, o), name) == 0)
                        return o;
        }
        return NULL;
}

static int compare_objects(struct diff *d, enum section_kind kind, const void *before, const void *after) {
        const struct section_type *type = section_type(kind);
        int r = 0;
        for (size_t i = 0; r == 0 && i < type->n_keys; i++) {
                const struct rule_key *k = &type->keys[i];
                d->b.n = d->a.n = 0;
                d->b.p[0] = d->a.p[0] = 0;
                put_value(&d->b, k, before);
                put_value(&d->a, k, after);
                if (strcmp(d->b.p, d->a.p) == 0)
                        continue;
                const struct rules_change c = {type->name, name_of(kind, after),       k->name, d->b.p,
                                               d->a.p,     direction(k, before, after)};
                r = d->each(d->userdata, &c);
        }
        return r;
}

/* Everything that is written in it, as "Key=value; ...". */
static void put_object(struct text *t, enum section_kind kind, const void *object) {
        const struct section_type *type = section_type(kind);
        t->n = 0;
        t->p[0] = 0;
        for (size_t i = 0; i < type->n_keys; i++) {
                size_t start = t->n;
                put(t, "%s%s=", t->n ? "; " : "", type->keys[i].name);
                size_t value = t->n;
                put_value(t, &type->keys[i], object);
                if (t->n == value) { /* nothing there */
                        t->n = start;
                        t->p[start] = 0;
                }
        }
}

/* A new check takes something away, anything else that is new gives. */
static int tell_whole(struct diff *d, enum section_kind kind, const void *object, bool is_new) {
        enum rules_direction more = kind == SECTION_CHECK   ? RULES_LESS
                                    : kind == SECTION_PLACE ? RULES_OTHERWISE
                                                            : RULES_MORE;
        put_object(&d->a, kind, object);
        const struct rules_change c = {
                .section = section_type(kind)->name,
                .name = name_of(kind, object),
                .before = is_new ? NULL : d->a.p,
                .after = is_new ? d->a.p : NULL,
                .people = is_new ? more : (enum rules_direction) - (int) more,
        };
        return d->each(d->userdata, &c);
}

static int compare_kind(struct diff *d, enum section_kind kind) {
        int r = 0;
        for (size_t i = 0; r == 0 && i < count_of(d->before, kind); i++) {
                const void *before = object_at(d->before, kind, i);
                const void *after = find_object(d->after, kind, name_of(kind, before));
                r = after ? compare_objects(d, kind, before, after) : tell_whole(d, kind, before, false);
        }
        for (size_t i = 0; r == 0 && i < count_of(d->after, kind); i++) {
                const void *after = object_at(d->after, kind, i);
                if (!find_object(d->before, kind, name_of(kind, after)))
                        r = tell_whole(d, kind, after, true);
        }
        return r;
}

/* The names of all roles of `r` that both have, in order: the first that fits counts. */
static void put_order(struct text *t, const struct rules *r, const struct rules *other) {
        t->n = 0;
        t->p[0] = 0;
        for (size_t i = 0; i < r->n_roles; i++)
                if (find_object(other, SECTION_ROLE, r->roles[i].name))
                        put(t, "%s%s", t->n ? " " : "", r->roles[i].name);
}

static int compare_order(struct diff *d) {
        put_order(&d->b, d->before, d->after);
        put_order(&d->a, d->after, d->before);
        const struct rules_change c = {"Role", "", "order", d->b.p, d->a.p, RULES_OTHERWISE};
        return strcmp(d->b.p, d->a.p) == 0 ? 0 : d->each(d->userdata, &c);
}

int rules_diff(const struct rules *before, const struct rules *after,
               int (*each)(void *userdata, const struct rules_change *c), void *userdata) {
        _cleanup_(freep) struct diff *d = calloc(1, sizeof(*d));
        int r = 0;
        if (!d)
                return -ENOMEM;
        d->before = before;
        d->after = after;
        d->each = each;
        d->userdata = userdata;
        for (unsigned kind = 0; r == 0 && kind < SECTION_MAX; kind++) {
                r = compare_kind(d, (enum section_kind) kind);
                if (r == 0 && kind == SECTION_ROLE)
                        r = compare_order(d);
        }
        return r;
}
