/* SPDX-License-Identifier: Apache-2.0 */
/* Rules as values: defaults, ownership, and the questions that need nothing but them. */
#include "common/bytes.h"
#include "policy/rules_internal.h"

#include <errno.h>
#include <stdio.h>

const char *factors_name(unsigned factors) {
        switch (factors) {
        case FACTOR_BADGE:
                return "badge";
        case FACTOR_BADGE | FACTOR_KEY:
                return "badge+key";
        case FACTOR_BADGE | FACTOR_KEY | FACTOR_VERIFY:
                return "badge+key+verify";
        case FACTOR_KEY | FACTOR_VERIFY:
                return "key+verify";
        default: /* proven, if never wished */
                return factors == 0 ? "none" : factors == FACTOR_KEY ? "key" : "?";
        }
}

bool factors_are_valid(unsigned factors) {
        return factors == FACTOR_BADGE || factors == (FACTOR_BADGE | FACTOR_KEY) ||
               factors == (FACTOR_BADGE | FACTOR_KEY | FACTOR_VERIFY) ||
               factors == (FACTOR_KEY | FACTOR_VERIFY);
}

bool words_contain(const struct words *w, const char *word) {
        for (size_t i = 0; i < w->n; i++)
                if (strcmp(w->words[i], word) == 0)
                        return true;
        return false;
}

bool words_meet(const struct words *a, const struct words *b) {
        for (size_t i = 0; b && i < b->n; i++)
                if (words_contain(a, b->words[i]))
                        return true;
        return false;
}

int words_add(struct words *w, const char *word, size_t n) {
        if (w->n >= RULES_WORDS_MAX)
                return -E2BIG;
        char **words = reallocarray(w->words, w->n + 2, sizeof(*words));
        if (!words)
                return -ENOMEM;
        w->words = words;
        words[w->n] = strndup(word, n);
        if (!words[w->n])
                return -ENOMEM;
        words[++w->n] = NULL;
        return 0;
}

void words_clear(struct words *w) {
        for (size_t i = 0; i < w->n; i++)
                free(w->words[i]);
        free(w->words);
        *w = (struct words){0};
}

bool name_is_valid(const char *s) {
        size_t n = strlen(s);
        if (n == 0 || n > RULES_NAME_MAX)
                return false;
        return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.@") == n;
}

/* RFC 1123, 2.1: labels of letters, digits and inner hyphens; the last one is not a number, or it would be
 * an address. */
bool domain_is_valid(const char *s) {
        size_t n = strlen(s), label = 0;
        bool digits = true;
        if (n == 0 || n > RULES_DOMAIN_MAX)
                return false;
        for (size_t i = 0; i < n; i++) {
                bool letter = s[i] >= 'a' && s[i] <= 'z', digit = s[i] >= '0' && s[i] <= '9';
                if (s[i] == '.') {
                        if (label == 0 || s[i - 1] == '-')
                                return false;
                        label = 0;
                        digits = true;
                        continue;
                }
                if ((!letter && !digit && s[i] != '-') || (s[i] == '-' && label == 0) || ++label > 63)
                        return false;
                digits = digits && digit;
        }
        return label > 0 && s[n - 1] != '-' && !digits;
}

struct rules *rules_new(void) {
        struct rules *r = calloc(1, sizeof(*r));
        if (!r)
                return NULL;
        r->throttle_free = 3;
        r->throttle_usec[0] = 5 * USEC_PER_SEC;
        r->throttle_usec[1] = 15 * USEC_PER_SEC;
        r->throttle_usec[2] = 60 * USEC_PER_SEC;
        r->n_throttle = 3;
        r->throttle_max_usec = 5 * USEC_PER_MIN;
        r->recheck_usec = 15 * USEC_PER_MIN;
        break_glass_defaults(&r->break_glass);
        return r;
}

void rule_role_defaults(struct rule_role *role) {
        *role = (struct rule_role){
                .sign_in = FACTOR_BADGE | FACTOR_KEY | FACTOR_VERIFY,
                .grace_usec = 12 * USEC_PER_HOUR,
                .grace_cap_usec = 14 * USEC_PER_HOUR,
                .session_cap_usec = 14 * USEC_PER_HOUR,
                .elevate_max_usec = RULES_ELEVATE_MAX,
                .tickets = true,
        };
}

void rule_place_defaults(struct rule_place *place) {
        *place = *rules_default_place();
        place->name = NULL;
}

const struct rule_place *rules_default_place(void) {
        static char no_name[] = "";
        static const struct rule_place place = {
                .name = no_name,
                .idle_lock_usec = 5 * USEC_PER_MIN,
                .idle_countdown_usec = 30 * USEC_PER_SEC,
                .parked_sign_out_usec = 4 * USEC_PER_HOUR,
        };
        return &place;
}

bool unit_is_valid(const char *s) {
        static const char suffix[] = ".service";
        size_t n = strlen(s), end = sizeof(suffix) - 1;
        return n > end && n <= RULES_UNIT_MAX && strcmp(s + n - end, suffix) == 0 && s[0] != '.' &&
               s[0] != '@' &&
               strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:@") == n;
}

bool reason_is_valid(const char *s) {
        return *s && text_is_clean(s, RULES_TEXT_MAX);
}

static void exception_clear(struct rule_exception *x) {
        free(x->name);
        free(x->owner);
        free(x->reason);
        words_clear(&x->groups);
        words_clear(&x->users);
        words_clear(&x->stations);
        words_clear(&x->services);
}

static void check_clear(struct rule_check *c) {
        free(c->name);
        free(c->unit);
        words_clear(&c->tags);
}

static void role_clear(struct rule_role *role) {
        free(role->name);
        words_clear(&role->groups);
        words_clear(&role->stations);
        free(role->hours.spans);
        words_clear(&role->key_models);
}

struct rules *rules_free(struct rules *r) {
        if (!r)
                return NULL;
        free(r->relying_party);
        free(r->station);
        words_clear(&r->tags);
        break_glass_clear(&r->break_glass);
        for (size_t i = 0; i < r->n_roles; i++)
                role_clear(&r->roles[i]);
        for (size_t i = 0; i < r->n_places; i++) {
                free(r->places[i].name);
                words_clear(&r->places[i].tags);
        }
        for (size_t i = 0; i < r->n_services; i++)
                free(r->services[i].name);
        for (size_t i = 0; i < r->n_exceptions; i++)
                exception_clear(&r->exceptions[i]);
        for (size_t i = 0; i < r->n_checks; i++)
                check_clear(&r->checks[i]);
        free(r->exceptions);
        free(r->checks);
        free(r->roles);
        free(r->places);
        free(r->services);
        free(r);
        return NULL;
}

const struct rule_service *rules_find_service(const struct rules *r, const char *service) {
        for (size_t i = 0; i < r->n_services; i++)
                if (strcmp(r->services[i].name, service) == 0)
                        return &r->services[i];
        return NULL;
}

const struct rule_role *rules_find_role(const struct rules *r, const char *name) {
        for (size_t i = 0; i < r->n_roles; i++)
                if (strcmp(r->roles[i].name, name) == 0)
                        return &r->roles[i];
        return NULL;
}

const struct rule_place *rules_find_place(const struct rules *r, const struct words *tags) {
        for (size_t i = 0; i < r->n_places; i++)
                for (size_t t = 0; t < tags->n; t++)
                        if (words_contain(&r->places[i].tags, tags->words[t]))
                                return &r->places[i];
        return NULL;
}

uint32_t rules_failing_checks(const struct rules *r, const struct words *tags, const struct words *passing) {
        uint32_t failing = 0;
        for (size_t i = 0; i < r->n_checks && i < RULES_CHECKS_MAX; i++) {
                const struct rule_check *c = &r->checks[i];
                bool here = c->tags.n == 0;
                for (size_t t = 0; !here && tags && t < tags->n; t++)
                        here = words_contain(&c->tags, tags->words[t]);
                if (here && !(passing && words_contain(passing, c->name)))
                        failing |= 1U << i;
        }
        return failing;
}

bool rules_role_approves(const struct rule_role *role, enum approve_action a) {
        return role && a >= 0 && a < APPROVE_ACTION_MAX && (role->approves & 1U << a) != 0;
}

bool hours_contain(const struct hours *h, unsigned weekday, unsigned minute) {
        if (h->n == 0)
                return true;
        unsigned today = 1U << (weekday % 7), yesterday = 1U << ((weekday + 6) % 7);
        for (size_t i = 0; i < h->n; i++) {
                const struct hours_span *s = &h->spans[i];
                bool over_midnight = s->to <= s->from;
                if ((s->days & today) && minute >= s->from && (over_midnight || minute < s->to))
                        return true;
                if (over_midnight && (s->days & yesterday) && minute < s->to)
                        return true;
        }
        return false;
}

void duration_format(uint64_t usec, char *buf, size_t size) {
        static const struct {
                const char *name;
                uint64_t usec;
        } units[] = {{"d", USEC_PER_DAY}, {"h", USEC_PER_HOUR}, {"min", USEC_PER_MIN}, {"s", USEC_PER_SEC}};
        size_t at = 0;
        for (size_t i = 0; i < ELEMENTSOF(units); i++) {
                uint64_t n = usec / units[i].usec;
                usec %= units[i].usec;
                if (n == 0 || at >= size)
                        continue;
                int written = snprintf(buf + at, size - at, "%s%llu%s", at > 0 ? " " : "",
                                       (unsigned long long) n, units[i].name);
                at += written > 0 ? (size_t) written : 0;
        }
        if (at == 0)
                (void) snprintf(buf, size, "0s");
}
