/* SPDX-License-Identifier: Apache-2.0 */
/* The values that keys may have: each parser takes the whole text or says in one sentence what to write. */
#include "common/bytes.h"
#include "policy/rules_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#define SPACE " \t"

int value_refuse(char **ret_why, const char *format, ...) {
        char *why = NULL;
        va_list args;
        va_start(args, format);
        int n = vasprintf(&why, format, args);
        va_end(args);
        if (n < 0)
                return -ENOMEM;
        *ret_why = why;
        return -EINVAL;
}

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A decimal number at *s, which moves behind it. */
static int take_number(const char **s, uint64_t *ret) {
        uint64_t v = 0;
        const char *p = *s;
        for (; is_digit(*p); p++)
                if (__builtin_mul_overflow(v, 10U, &v) ||
                    __builtin_add_overflow(v, (uint64_t) (*p - '0'), &v))
                        return -ERANGE;
        if (p == *s)
                return -EINVAL;
        *s = p;
        *ret = v;
        return 0;
}

static const struct {
        const char *name;
        uint64_t usec;
} time_units[] = {{"d", USEC_PER_DAY}, {"h", USEC_PER_HOUR}, {"min", USEC_PER_MIN}, {"s", USEC_PER_SEC}};

/* A number with a unit that comes after the unit before it, so that none is there twice. */
static int take_duration(const char **s, size_t *next_unit, uint64_t *total) {
        uint64_t n;
        int r = take_number(s, &n);
        if (r < 0)
                return r;
        const char *unit = *s;
        while (is_letter(**s))
                (*s)++;
        for (size_t i = *next_unit; i < ELEMENTSOF(time_units); i++) {
                size_t length = (size_t) (*s - unit);
                if (strlen(time_units[i].name) != length || strncmp(time_units[i].name, unit, length) != 0)
                        continue;
                *next_unit = i + 1;
                if (__builtin_mul_overflow(n, time_units[i].usec, &n) ||
                    __builtin_add_overflow(*total, n, total))
                        return -ERANGE;
                return 0;
        }
        return -EINVAL;
}

int duration_parse(const char *text, uint64_t *ret_usec) {
        uint64_t total = 0;
        size_t next_unit = 0;
        if (strcmp(text, "0") != 0)
                do {
                        int r = take_duration(&text, &next_unit, &total);
                        if (r < 0)
                                return r;
                        text += strspn(text, SPACE);
                } while (*text);
        *ret_usec = total;
        return 0;
}

static int refuse_range(const struct rule_key *key, const char *text, char **ret_why) {
        char min[64], max[64];
        duration_format(key->min, min, sizeof(min));
        duration_format(key->max, max, sizeof(max));
        return value_refuse(ret_why, "%s=%s is out of range: write a time from %s to %s%s.", key->name, text,
                            min, max, key->zero ? ", or 0 for none" : "");
}

int value_time(const struct rule_key *key, const char *text, void *field, char **ret_why) {
        uint64_t usec;
        int r = duration_parse(text, &usec);
        if (r == -EINVAL)
                return value_refuse(ret_why, "%s=%s is not a time: write it as 12h, 30min, 5s or 1h 30min.",
                                    key->name, text);
        if (r < 0 || usec > key->max || (usec < key->min && !(usec == 0 && key->zero)))
                return refuse_range(key, text, ret_why);
        *(uint64_t *) field = usec;
        return 0;
}

int value_count(const struct rule_key *key, const char *text, void *field, char **ret_why) {
        uint64_t n;
        if (parse_u64(text, key->max, &n) < 0 || n < key->min)
                return value_refuse(ret_why, "%s=%s is not right: write a number from %u to %u.", key->name,
                                    text, (unsigned) key->min, (unsigned) key->max);
        *(unsigned *) field = (unsigned) n;
        return 0;
}

int value_bool(const struct rule_key *key, const char *text, void *field, char **ret_why) {
        bool yes = strcmp(text, "yes") == 0;
        if (!yes && strcmp(text, "no") != 0)
                return value_refuse(ret_why, "%s=%s is not right: write yes or no.", key->name, text);
        *(bool *) field = yes;
        return 0;
}

static int refuse_choice(const struct rule_key *key, const char *text, const char *const *choices,
                         char **ret_why) {
        char list[256];
        size_t at = 0;
        list[0] = 0;
        for (size_t i = 0; choices[i] && at < sizeof(list); i++) {
                const char *joint = i == 0 ? "" : choices[i + 1] ? ", " : " or ";
                int n = snprintf(list + at, sizeof(list) - at, "%s%s", joint, choices[i]);
                at += n > 0 ? (size_t) n : 0;
        }
        return value_refuse(ret_why, "%s=%s is not right: write %s.", key->name, text, list);
}

int value_choice(const struct rule_key *key, const char *text, void *field, char **ret_why) {
        for (unsigned i = 0; key->choices[i]; i++)
                if (strcmp(key->choices[i], text) == 0) {
                        *(unsigned *) field = i; /* every enum of rules.h is an unsigned int */
                        return 0;
                }
        return refuse_choice(key, text, key->choices, ret_why);
}

int value_factors(const struct rule_key *key, const char *text, void *field, char **ret_why) {
        static const char *const names[] = {"badge", "badge+key", "badge+key+verify", "key+verify", NULL};
        for (unsigned factors = 1; factors <= (FACTOR_BADGE | FACTOR_KEY | FACTOR_VERIFY); factors++)
                if (factors_are_valid(factors) && strcmp(factors_name(factors), text) == 0) {
                        *(unsigned *) field = factors;
                        return 0;
                }
        return refuse_choice(key, text, names, ret_why);
}

static int set_string(void *field, const char *text) {
        char *copy = strdup(text);
        if (!copy)
                return -ENOMEM;
        free(*(char **) field);
        *(char **) field = copy;
        return 0;
}

int value_name(const struct rule_key *key, const char *text, void *field, char **ret_why) {
        if (!name_is_valid(text))
                return value_refuse(ret_why,
                                    "%s=%s is not a name: use at most %u letters, digits and -_.@ .",
                                    key->name, text, RULES_NAME_MAX);
        return set_string(field, text);
}

int value_text(const struct rule_key *key, const char *text, void *field, char **ret_why) {
        if (!reason_is_valid(text))
                return value_refuse(ret_why, "%s= is too long: at most %u bytes fit.", key->name,
                                    RULES_TEXT_MAX);
        return set_string(field, text);
}

int value_unit(const struct rule_key *key, const char *text, void *field, char **ret_why) {
        if (!unit_is_valid(text))
                return value_refuse(ret_why,
                                    "%s=%s is not a unit that can be watched: write one as in "
                                    "disk-encrypted.service.",
                                    key->name, text);
        return set_string(field, text);
}

/* "NNNN" of exactly so many digits. */
static bool take_digits(const char **s, size_t n, int *ret) {
        int v = 0;
        for (size_t i = 0; i < n; i++, (*s)++) {
                if (!is_digit(**s))
                        return false;
                v = v * 10 + (**s - '0');
        }
        *ret = v;
        return true;
}

static bool take_date(const char **s, struct tm *tm) {
        bool good = take_digits(s, 4, &tm->tm_year) && *(*s)++ == '-' && take_digits(s, 2, &tm->tm_mon) &&
                    *(*s)++ == '-' && take_digits(s, 2, &tm->tm_mday);
        tm->tm_year -= 1900;
        tm->tm_mon--;
        return good && tm->tm_year >= 100 && tm->tm_year < 300 && tm->tm_mon >= 0 && tm->tm_mon < 12 &&
               tm->tm_mday >= 1;
}

/* A day that the calendar does not have is changed by mktime(3), and so noticed. */
static bool local_usec(struct tm tm, uint64_t *ret) {
        const struct tm wanted = tm;
        tm.tm_isdst = -1;
        time_t t = mktime(&tm);
        if (t <= 0 || tm.tm_mday != wanted.tm_mday || tm.tm_mon != wanted.tm_mon)
                return false;
        *ret = (uint64_t) t * USEC_PER_SEC;
        return true;
}

int value_until(const struct rule_key *key, const char *text, void *field, char **ret_why) {
        struct tm tm = {0};
        uint64_t usec = 0;
        const char *s = text;
        bool good = take_date(&s, &tm);
        bool day = good && !*s;
        if (good && !day)
                good = *s++ == ' ' && take_digits(&s, 2, &tm.tm_hour) && *s++ == ':' &&
                       take_digits(&s, 2, &tm.tm_min) && !*s && tm.tm_hour < 24 && tm.tm_min < 60;
        good = good && local_usec(tm, &usec);
        if (good && day) { /* the day is known to be one: now its end */
                tm.tm_hour = 24;
                tm.tm_isdst = -1;
                usec = (uint64_t) mktime(&tm) * USEC_PER_SEC;
        }
        if (!good)
                return value_refuse(
                        ret_why,
                        "%s=%s is not a time: write it as 2026-12-24 (to the end of that day) or "
                        "2026-12-24 18:00.",
                        key->name, text);
        *(uint64_t *) field = usec;
        return 0;
}

int value_domain(const struct rule_key *key, const char *text, void *field, char **ret_why) {
        if (!domain_is_valid(text))
                return value_refuse(
                        ret_why,
                        "%s=%s is not a domain name: write it in lower case, as in wardtap.example.org.",
                        key->name, text);
        return set_string(field, text);
}

/* Adds one word of a list that is being read; a word that is there twice is a slip of the pen. */
static int add_word(const struct rule_key *key, struct words *list, const char *word, char **ret_why) {
        if (words_contain(list, word))
                return value_refuse(ret_why, "%s= has %s twice: write it once.", key->name, word);
        int r = words_add(list, word, strlen(word));
        if (r == -E2BIG)
                return value_refuse(ret_why, "%s= is too long: at most %u words fit.", key->name,
                                    RULES_WORDS_MAX);
        return r;
}

/* Checks one word and may change it to the form that is kept. */
typedef int (*word_check)(const struct rule_key *key, char *word, char **ret_why);

/* Takes the next word, which may stand in double quotes; NULL at the end of the list. */
static int take_word(const struct rule_key *key, char **at, char **ret_word, char **ret_why) {
        char *s = *at + strspn(*at, SPACE), *end;
        if (!*s) {
                *ret_word = NULL;
                return 0;
        }
        if (*s == '"') {
                end = strchr(++s, '"');
                if (!end || (end[1] && !strchr(SPACE, end[1])))
                        return value_refuse(
                                ret_why, "%s= has a word whose quotes do not match: write \"Domain Users\".",
                                key->name);
        } else
                end = s + strcspn(s, SPACE);
        *at = *end ? end + 1 : end;
        *end = 0;
        *ret_word = s;
        return 0;
}

static int parse_list(const struct rule_key *key, const char *text, word_check check, struct words *field,
                      char **ret_why) {
        _cleanup_(words_clear) struct words list = {0};
        _cleanup_(freep) char *copy = strdup(text);
        char *at = copy, *word = NULL;
        int r;
        if (!copy)
                return -ENOMEM;
        for (;;) {
                if ((r = take_word(key, &at, &word, ret_why)) < 0)
                        return r;
                if (!word)
                        break;
                if ((r = check(key, word, ret_why)) < 0 || (r = add_word(key, &list, word, ret_why)) < 0)
                        return r;
        }
        words_clear(field);
        *field = list;
        list = (struct words){0};
        return 0;
}

static int check_name(const struct rule_key *key, char *word, char **ret_why) {
        if (name_is_valid(word))
                return 0;
        return value_refuse(ret_why,
                            "%s= has %s, which is not a name: use at most %u letters, digits and -_.@ .",
                            key->name, *word ? word : "an empty word", RULES_NAME_MAX);
}

int value_names(const struct rule_key *key, const char *text, void *field, char **ret_why) {
        return parse_list(key, text, check_name, field, ret_why);
}

static int check_group(const struct rule_key *key, char *word, char **ret_why) {
        if (*word && text_is_clean(word, RULES_GROUP_MAX) && !strpbrk(word, "\",:"))
                return 0;
        return value_refuse(ret_why,
                            "%s= has %s, which is not a group: separate groups by spaces, and put one that "
                            "has a space into double quotes.",
                            key->name, *word ? word : "an empty word");
}

int value_groups(const struct rule_key *key, const char *text, void *field, char **ret_why) {
        return parse_list(key, text, check_group, field, ret_why);
}

/* An AAGUID, with its four hyphens or without, becomes 32 lower-case digits. */
static int check_model(const struct rule_key *key, char *word, char **ret_why) {
        static const size_t hyphens[] = {8, 13, 18, 23};
        uint8_t aaguid[16];
        char digits[40];
        size_t n = 0, len = strlen(word), decoded = 0;
        bool good = len == 32 || len == 36;
        for (size_t i = 0; good && len == 36 && i < ELEMENTSOF(hyphens); i++)
                good = word[hyphens[i]] == '-';
        for (size_t i = 0; good && i < len; i++)
                if (len == 32 || (i != 8 && i != 13 && i != 18 && i != 23))
                        digits[n++] = word[i];
        digits[n] = 0;
        if (!good || hex_decode(digits, aaguid, sizeof(aaguid), &decoded) < 0 || decoded != sizeof(aaguid))
                return value_refuse(ret_why,
                                    "%s= has %s, which is not an AAGUID: write 32 hexadecimal digits, as in "
                                    "cb69481e-8ff7-4039-93ec-0a2729a154a8.",
                                    key->name, *word ? word : "an empty word");
        hex_encode(aaguid, sizeof(aaguid), word);
        return 0;
}

int value_models(const struct rule_key *key, const char *text, void *field, char **ret_why) {
        return parse_list(key, text, check_model, field, ret_why);
}

static int check_action(const struct rule_key *key, char *word, char **ret_why) {
        return approve_action_from_name(word) != APPROVE_ACTION_INVALID
                       ? 0
                       : refuse_choice(key, *word ? word : "an empty word", key->choices, ret_why);
}

int value_actions(const struct rule_key *key, const char *text, void *field, char **ret_why) {
        _cleanup_(words_clear) struct words list = {0};
        unsigned actions = 0;
        int r = parse_list(key, text, check_action, &list, ret_why);
        if (r < 0)
                return r;
        for (size_t i = 0; i < list.n; i++)
                actions |= 1U << approve_action_from_name(list.words[i]);
        *(unsigned *) field = actions;
        return 0;
}

static int check_reason(const struct rule_key *key, char *word, char **ret_why) {
        if (break_glass_reason_is_valid(word))
                return 0;
        return value_refuse(
                ret_why,
                "%s= has %s, which is not fit to be chosen: use at most %u bytes without commas, "
                "and put one that has a space into double quotes.",
                key->name, *word ? word : "an empty word", BREAK_GLASS_REASON_MAX);
}

int value_reasons(const struct rule_key *key, const char *text, void *field, char **ret_why) {
        _cleanup_(words_clear) struct words list = {0};
        int r = parse_list(key, text, check_reason, &list, ret_why);
        if (r < 0)
                return r;
        if (list.n != BREAK_GLASS_REASONS)
                return value_refuse(ret_why, "%s= has %zu reasons: write %u of them.", key->name, list.n,
                                    BREAK_GLASS_REASONS);
        words_clear(field);
        *(struct words *) field = list;
        list = (struct words){0};
        return 0;
}

static int check_reviewer(const struct rule_key *key, char *word, char **ret_why) {
        if (strcmp(word, "clinical") == 0 || strcmp(word, "security") == 0)
                return 0;
        return value_refuse(ret_why, "%s= has %s: write clinical, security, or both.", key->name,
                            *word ? word : "an empty word");
}

int value_reviewers(const struct rule_key *key, const char *text, void *field, char **ret_why) {
        _cleanup_(words_clear) struct words list = {0};
        unsigned reviewers = 0;
        int r = parse_list(key, text, check_reviewer, &list, ret_why);
        if (r < 0)
                return r;
        for (size_t i = 0; i < list.n; i++)
                reviewers |= strcmp(list.words[i], "clinical") == 0 ? REVIEWER_CLINICAL : REVIEWER_SECURITY;
        if (reviewers == 0)
                return value_refuse(ret_why, "%s= names nobody: write clinical, security, or both.",
                                    key->name);
        *(unsigned *) field = reviewers;
        return 0;
}

int value_delays(const struct rule_key *key, const char *text, void *field, char **ret_why) {
        struct rules *rules = field;
        uint64_t delays[ELEMENTSOF(rules->throttle_usec)];
        _cleanup_(freep) char *copy = strdup(text);
        char *at = copy, *word = NULL;
        size_t n = 0;
        int r;
        if (!copy)
                return -ENOMEM;
        for (;; n++) {
                if ((r = take_word(key, &at, &word, ret_why)) < 0)
                        return r;
                if (!word)
                        break;
                if (n == ELEMENTSOF(delays))
                        return value_refuse(ret_why, "%s= is too long: at most %zu times fit.", key->name,
                                            n);
                if ((r = value_time(key, word, &delays[n], ret_why)) < 0)
                        return r;
                if (n > 0 && delays[n] < delays[n - 1])
                        return value_refuse(ret_why, "%s= goes down at %s: write the shortest delay first.",
                                            key->name, word);
        }
        memcpy(rules->throttle_usec, delays, n * sizeof(delays[0]));
        rules->n_throttle = n;
        return 0;
}
