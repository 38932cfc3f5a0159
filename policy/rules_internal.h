/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files that read, check and keep rules; nothing outside policy/ includes it. */
#pragma once

#include "common/util.h"
#include "policy/rules.h"

/* Limits of one set of rules. They keep a snapshot below RULES_SNAPSHOT_MAX. */
#define RULES_NAME_MAX 64U   /* bytes: roles, places, services, stations, tags */
#define RULES_GROUP_MAX 128U /* bytes */
#define RULES_WORDS_MAX 64U
#define RULES_SPANS_MAX 32U
#define RULES_ROLES_MAX 128U
#define RULES_PLACES_MAX 128U
#define RULES_SERVICES_MAX 128U
#define RULES_EXCEPTIONS_MAX 128U
#define RULES_UNIT_MAX 128U                              /* bytes */
#define RULES_TEXT_MAX 200U                              /* bytes: the reason of an exception */
#define RULES_DATE_MAX (UINT64_C(7258118400) * 1000000U) /* usec: the year 2200 */
#define RULES_DOMAIN_MAX 253U
#define RULES_FILE_MAX (1024U * 1024U) /* bytes of one source */
#define RULES_SNAPSHOT_MAX (8U * 1024U * 1024U)
#define RULES_TIME_MAX (366U * UINT64_C(86400000000)) /* usec: any time in a snapshot */

#define USEC_PER_SEC UINT64_C(1000000)
#define USEC_PER_MIN (60U * USEC_PER_SEC)
#define USEC_PER_HOUR (60U * USEC_PER_MIN)
#define USEC_PER_DAY (24U * USEC_PER_HOUR)
#define RULES_ELEVATE_MAX (8U * USEC_PER_HOUR)
#define MINUTES_PER_DAY 1440U
#define ALL_DAYS 0x7fU

/* --- rules.c */
/* Copies n bytes of word to the end of the list. -E2BIG when it is full. */
int words_add(struct words *w, const char *word, size_t n);
void words_clear(struct words *w);
/* Letters, digits and -_.@ only, 1 to RULES_NAME_MAX bytes. */
bool name_is_valid(const char *s);
bool domain_is_valid(const char *s);
/* One of the four sets that factors_name() names. */
bool factors_are_valid(unsigned factors);
/* "foo.service", "foo@bar.service". */
bool unit_is_valid(const char *s);
/* One line of text that is not empty. */
bool reason_is_valid(const char *s);
/* Fresh things with every default. Strings and lists are absent. */
struct rules *rules_new(void);
void rule_role_defaults(struct rule_role *role);
void rule_place_defaults(struct rule_place *place);
/* "1h 30min", "0". */
void duration_format(uint64_t usec, char *buf, size_t size);

/* --- rules_error.c */
int rules_error_add(struct rules_errors *e, const char *file, unsigned line, const char *text);
int rules_error_addf(struct rules_errors *e, const char *file, unsigned line, const char *format, ...)
        __attribute__((format(printf, 4, 5)));

/* --- rules_value.c: one value of one key, as text. */
struct rule_key;
/* Parses text into the field. -EINVAL and *ret_why (owned by the caller): one sentence; -ENOMEM. */
typedef int (*value_parser)(const struct rule_key *key, const char *text, void *field, char **ret_why);

struct rule_key {
        const char *name;
        value_parser parse;
        size_t offset;              /* of the field in the section's struct */
        uint64_t min, max;          /* of times (usec) and counts */
        bool zero;                  /* 0 is allowed although it is below min */
        const char *const *choices; /* NULL at the end, in the order of the enum */
};

int value_time(const struct rule_key *key, const char *text, void *field, char **ret_why);
int value_count(const struct rule_key *key, const char *text, void *field, char **ret_why);
int value_bool(const struct rule_key *key, const char *text, void *field, char **ret_why);
int value_choice(const struct rule_key *key, const char *text, void *field, char **ret_why);
int value_factors(const struct rule_key *key, const char *text, void *field, char **ret_why);
int value_name(const struct rule_key *key, const char *text, void *field, char **ret_why);
int value_names(const struct rule_key *key, const char *text, void *field, char **ret_why);
int value_groups(const struct rule_key *key, const char *text, void *field, char **ret_why);
int value_models(const struct rule_key *key, const char *text, void *field, char **ret_why);
int value_actions(const struct rule_key *key, const char *text, void *field, char **ret_why);
int value_domain(const struct rule_key *key, const char *text, void *field, char **ret_why);
int value_text(const struct rule_key *key, const char *text, void *field, char **ret_why);
int value_unit(const struct rule_key *key, const char *text, void *field, char **ret_why);
/* "2026-12-24" (to the end of that day) or "2026-12-24 18:00", in local time. */
int value_until(const struct rule_key *key, const char *text, void *field, char **ret_why);
int value_hours(const struct rule_key *key, const char *text, void *field, char **ret_why);
/* The whole struct rules: its throttle_usec and n_throttle. */
int value_delays(const struct rule_key *key, const char *text, void *field, char **ret_why);
/* For the parsers: *ret_why = the sentence, and -EINVAL (or -ENOMEM). */
int value_refuse(char **ret_why, const char *format, ...) __attribute__((format(printf, 2, 3)));

int value_reasons(const struct rule_key *key, const char *text, void *field, char **ret_why);
int value_reviewers(const struct rule_key *key, const char *text, void *field, char **ret_why);

/* --- rules_break_glass.c */
#define BREAK_GLASS_REASON_MAX 24U /* bytes */
/* All but the reasons, which a list of none stands for. */
void break_glass_defaults(struct rule_break_glass *b);
void break_glass_clear(struct rule_break_glass *b);
/* "clinical", "security", "clinical security". */
const char *reviewers_name(unsigned reviewers);
/* Fit to be chosen from a line on the screen. */
bool break_glass_reason_is_valid(const char *s);

/* --- rules_section.c: which sections and keys there are. */
enum section_kind {
        SECTION_SITE,
        SECTION_STATION,
        SECTION_ROLE,
        SECTION_PLACE,
        SECTION_SERVICE,
        SECTION_EXCEPTION,
        SECTION_CHECK,
        SECTION_BREAK_GLASS,
        SECTION_MAX
};
#define SECTION_KEYS_MAX 16U

struct section_type {
        const char *name;
        bool named;
        const struct rule_key *keys;
        size_t n_keys;
};
const struct section_type *section_type(enum section_kind kind);
/* SECTION_MAX when there is none of that name. */
enum section_kind section_kind_from_name(const char *name);
/* -ENOENT when the section has no such key. */
int section_find_key(const struct section_type *type, const char *name, size_t *ret_index);

/* One section as it was written. */
struct section {
        enum section_kind kind;
        char *name;                       /* "" where the kind has none */
        size_t index;                     /* in rules->roles, places, services, ... */
        const char *file;                 /* borrowed from the parser's list of files */
        unsigned line;                    /* of its heading */
        unsigned lines[SECTION_KEYS_MAX]; /* of each key; 0 = not written */
};
/* The struct that the section's keys fill. */
void *section_object(const struct section *s, struct rules *r);
/* The key's line, or the heading's when it was not written. */
unsigned section_line(const struct section *s, const char *key);
bool section_has(const struct section *s, const char *key);

/* --- rules_parse.c: text into rules. */
struct rules_parser;
int rules_parser_new(struct rules_errors *errors, struct rules_parser **ret);
struct rules_parser *rules_parser_free(struct rules_parser *p);
DEFINE_CLEANUP(struct rules_parser, rules_parser_free)
/* Reads one source; what is wrong goes into the errors. -ENOMEM. */
int rules_parser_add(struct rules_parser *p, const char *name, const char *text, size_t n);
/* After the last source: cross checks, the hash. -EBADMSG when there are errors. `name` is the file to name
 * where something is missing. */
int rules_parser_end(struct rules_parser *p, const char *name, struct rules **ret);

/* --- rules_check.c: do the rules make sense together? Fills in defaults that depend on Assurance. -ENOMEM.
 */
int rules_check(struct rules *r, const struct section *sections, size_t n_sections, const char *name,
                struct rules_errors *errors);

/* --- rules_file.c */
/* Reads a whole regular file of root's that nobody else may write, at most max bytes; the text is terminated
 * by a byte that ret_n does not count. dir_fd as in openat(2). -EPERM, -ELOOP, -EFBIG, -EINVAL (not a
 * regular file). */
int file_read_trusted(int dir_fd, const char *path, size_t max, char **ret, size_t *ret_n);
/* Opens a folder of root's that nobody else may write. -EPERM, -ELOOP, -ENOTDIR. */
int folder_open_trusted(const char *path, int *ret_fd);
