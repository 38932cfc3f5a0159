/* SPDX-License-Identifier: Apache-2.0 */
/* Reads one case of a site's table strictly, and puts it to the rules. */
#include "cli/policy_case.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "cli/when.h"
#include "common/bytes.h"

#define NOON UINT64_C(1795176000000000) /* 2026-11-20 12:00 UTC, a Friday */
#define PERSON 1                        /* ids of nobody */
#define BADGE 1
#define KEY 1

void policy_case_clear(struct policy_case *c) {
        word_list_clear(&c->groups);
        word_list_clear(&c->tags);
        word_list_clear(&c->failing);
}

__attribute__((format(printf, 2, 3))) static int refuse(char why[static CASE_WHY_SIZE], const char *format,
                                                        ...) {
        va_list ap;
        va_start(ap, format);
        (void) vsnprintf(why, CASE_WHY_SIZE, format, ap);
        va_end(ap);
        return -EINVAL;
}

/* --- words of a line */

/* Takes the next word off *at and ends it. NULL at the end; false in *ret_good for quotes that do not match.
 */
static char *take_word(char **at, bool *ret_good) {
        char *s = *at + strspn(*at, " \t"), *to = s, *from = s;
        bool quoted = false;
        *ret_good = true;
        if (!*s)
                return NULL;
        for (; *from && (quoted || (*from != ' ' && *from != '\t')); from++)
                if (*from == '"')
                        quoted = !quoted;
                else
                        *to++ = *from;
        *at = *from ? from + 1 : from;
        *to = 0;
        *ret_good = !quoted;
        return s;
}

static int take_list(const char *value, struct words *ret) {
        for (const char *s = value; *s;) {
                size_t n = strcspn(s, ",");
                int r = n > 0 ? word_list_add(ret, s, n) : 0;
                if (r < 0)
                        return r;
                s += n + (s[n] != 0);
        }
        return 0;
}

/* Index of the text among words that NULL ends, or -1. */
static int one_of(const char *text, const char *const *words) {
        for (int i = 0; words[i]; i++)
                if (strcmp(text, words[i]) == 0)
                        return i;
        return -1;
}

static bool take_bool(const char *value, bool *ret) {
        *ret = strcmp(value, "yes") == 0;
        return *ret || strcmp(value, "no") == 0;
}

/* --- before the arrow */

static bool take_one_evidence(const char *word, struct policy_evidence *e) {
        if (strcmp(word, "badge") == 0 || strcmp(word, "badge-secret") == 0) {
                e->badge = word[5] ? BADGE_SECRET : BADGE_NUMBER;
                e->badge_id = BADGE;
                e->badge_person = PERSON;
                return true;
        }
        static const char *const names[] = {"key", "verify", "attested", NULL};
        int i = one_of(word, names);
        e->key_present = e->key_present || i >= 0;
        e->key_verified = e->key_verified || i == 1;
        e->key_attested = e->key_attested || i == 2;
        e->key_id = e->key_present ? KEY : 0;
        return i >= 0;
}

static bool take_evidence(const char *value, struct policy_evidence *e) {
        _cleanup_(word_list_clear) struct words list = {0};
        bool good = take_list(value, &list) == 0;
        for (size_t i = 0; good && i < list.n; i++)
                good = take_one_evidence(list.words[i], e);
        return good;
}

static bool take_model(const char *value, char ret[33]) {
        uint8_t aaguid[16];
        char digits[33];
        size_t n = 0, decoded;
        for (const char *s = value; *s; s++)
                if (*s != '-') {
                        if (n == 32)
                                return false;
                        digits[n++] = *s;
                }
        digits[n] = 0;
        if (hex_decode(digits, aaguid, sizeof(aaguid), &decoded) < 0 || decoded != sizeof(aaguid))
                return false;
        hex_encode(aaguid, sizeof(aaguid), ret);
        return true;
}

static bool take_name(const char *value, char ret[65]) {
        return *value && text_copy(ret, 65, value) >= 0 && text_is_clean(ret, 64);
}

enum given {
        GIVEN_USER,
        GIVEN_GROUPS,
        GIVEN_SERVICE,
        GIVEN_AT,
        GIVEN_STATION,
        GIVEN_TAGS,
        GIVEN_EVIDENCE,
        GIVEN_MODEL,
        GIVEN_SESSION,
        GIVEN_STRONG,
        GIVEN_FAILING,
        GIVEN_STATE,
        GIVEN_CLOCK,
        GIVEN_MAX,
};
static const char *const given_names[GIVEN_MAX + 1] = {
        "user",  "groups",  "service", "at",      "station", "tags", "evidence",
        "model", "session", "strong",  "failing", "state",   "clock"};
static const char *const states[] = {"active", "suspended", "ended", NULL}, *const clocks[] = {"trusted",
                                                                                               "untrusted",
                                                                                               NULL};

static bool take_given(struct policy_case *c, enum given what, const char *value) {
        int i;
        switch (what) {
        case GIVEN_USER:
                return take_name(value, c->user);
        case GIVEN_GROUPS:
                return take_list(value, &c->groups) == 0;
        case GIVEN_SERVICE:
                return take_name(value, c->service);
        case GIVEN_AT:
                return when_parse(value, false, NOON, &c->at_usec) == 0 && c->at_usec > 0;
        case GIVEN_STATION:
                return c->has_station = take_name(value, c->station);
        case GIVEN_TAGS:
                c->has_tags = true;
                return take_list(value, &c->tags) == 0;
        case GIVEN_EVIDENCE:
                return take_evidence(value, &c->evidence);
        case GIVEN_MODEL:
                return take_model(value, c->evidence.key_aaguid);
        case GIVEN_SESSION:
                return take_bool(value, &c->session);
        case GIVEN_STRONG:
                return c->any_strong = duration_parse(value, &c->strong_age_usec) == 0;
        case GIVEN_FAILING:
                return take_list(value, &c->failing) == 0;
        case GIVEN_STATE:
                if ((i = one_of(value, states)) >= 0)
                        c->state = (enum person_state) i;
                return i >= 0;
        case GIVEN_CLOCK:
                c->untrusted = (i = one_of(value, clocks)) == 1;
                return i >= 0;
        default:
                return false;
        }
}

/* --- after it */

enum wanted { WANTED_ROLE, WANTED_EXCEPTION, WANTED_NEEDED, WANTED_GRACE, WANTED_AAL, WANTED_MAX };
static const char *const wanted_names[WANTED_MAX + 1] = {"role", "exception", "needed", "grace", "aal"};

static bool take_needed(const char *value, unsigned *ret) {
        for (unsigned f = 1; f <= (FACTOR_BADGE | FACTOR_KEY | FACTOR_VERIFY); f++)
                if (strcmp(factors_name(f), value) == 0) {
                        *ret = f;
                        return true;
                }
        return false;
}

static bool take_wanted(struct policy_case *c, enum wanted what, const char *value) {
        uint64_t n;
        switch (what) {
        case WANTED_ROLE:
                return c->has_role = take_name(value, c->role);
        case WANTED_EXCEPTION:
                return c->has_exception = take_name(value, c->exception);
        case WANTED_NEEDED:
                return take_needed(value, &c->needed);
        case WANTED_GRACE:
                c->has_grace = true;
                return take_bool(value, &c->grace);
        case WANTED_AAL:
                if (parse_u64(value, 3, &n) < 0)
                        return false;
                c->aal = (int) n;
                return true;
        default:
                return false;
        }
}

/* --- a line */

/* name=value, each name once. */
static int take_pair(struct policy_case *c, char *word, bool after, unsigned *seen,
                     char why[static CASE_WHY_SIZE]) {
        char *value = strchr(word, '=');
        if (!value)
                return refuse(why, "'%s' is neither name=value nor the arrow =>.", word);
        *value++ = 0;
        int i = one_of(word, after ? wanted_names : given_names);
        if (i < 0)
                return refuse(why, "'%s=' is not known %s the arrow: see man wardtap, policy test.", word,
                              after ? "after" : "before");
        if (*seen & 1U << i)
                return refuse(why, "'%s=' is there twice: write it once.", word);
        *seen |= 1U << i;
        bool good = after ? take_wanted(c, (enum wanted) i, value) : take_given(c, (enum given) i, value);
        return good ? 0 : refuse(why, "%s=%s is not right: see man wardtap, policy test.", word, value);
}

static int take_verdict(struct policy_case *c, const char *word, char why[static CASE_WHY_SIZE]) {
        c->verdict = word ? policy_verdict_from_name(word) : POLICY_VERDICT_MAX;
        return c->verdict < POLICY_VERDICT_MAX
                       ? 0
                       : refuse(why, "After => comes the verdict: allow, need-badge, need-key, need-verify, "
                                     "deny, unavailable or max-tries.");
}

static int take_reason(struct policy_case *c, const char *word, char why[static CASE_WHY_SIZE]) {
        enum reason reason = reason_from_name(word);
        if (reason == REASON_INVALID || c->reason != REASON_INVALID)
                return refuse(why, "'%s' is not a reason: wardtap why lists them by their names.", word);
        c->reason = reason;
        return 0;
}

static int take_line(struct policy_case *c, char *at, char why[static CASE_WHY_SIZE]) {
        unsigned seen = 0, seen_after = 0;
        bool after = false, good;
        char *word;
        int r = 0;
        while (r == 0 && (word = take_word(&at, &good))) {
                if (!good)
                        return refuse(why, "A double quote has no second one.");
                if (!after && strcmp(word, "=>") == 0) {
                        after = true;
                        word = take_word(&at, &good);
                        r = take_verdict(c, word, why);
                } else if (after && !strchr(word, '='))
                        r = take_reason(c, word, why);
                else
                        r = take_pair(c, word, after, after ? &seen_after : &seen, why);
        }
        if (r == 0 && !after)
                r = refuse(why, "There is no => with the verdict that is expected.");
        if (r == 0 && !(seen & 1U << GIVEN_SERVICE))
                r = refuse(why, "There is no service=.");
        return r;
}

int policy_case_parse(const char *line, size_t n, struct policy_case *ret, char why[static CASE_WHY_SIZE]) {
        _cleanup_(policy_case_clear) struct policy_case c = {.reason = REASON_INVALID, .aal = -1};
        char text[CASE_LINE_MAX + 1];
        if (n > CASE_LINE_MAX)
                return refuse(why, "The line is longer than %u bytes.", CASE_LINE_MAX);
        memcpy(text, line, n);
        text[n] = 0;
        for (char *t = text; (t = strchr(t, '\t'));)
                *t = ' ';
        if (strlen(text) != n || !text_is_clean(text, CASE_LINE_MAX))
                return refuse(why, "The line has a byte that is no UTF-8 text, or a control character.");
        const char *first = text + strspn(text, " ");
        if (!*first || *first == '#')
                return 1;
        int r = take_line(&c, text, why);
        if (r < 0)
                return r;
        *ret = c;
        c = (struct policy_case){0};
        return 0;
}

/* --- asking */

/* Every check of the rules passes, but for those that fail in this case. */
static int passing_of(const struct policy_case *c, const struct rules *rules, struct words *ret) {
        for (size_t i = 0; i < rules->n_checks; i++) {
                const char *name = rules->checks[i].name;
                int r = words_contain(&c->failing, name) ? 0 : word_list_add(ret, name, strlen(name));
                if (r < 0)
                        return r;
        }
        return 0;
}

static void fill_history(const struct policy_case *c, const struct policy_clock *clock,
                         struct policy_history *h) {
        *h = (struct policy_history){0};
        if (!c->any_strong || c->strong_age_usec > clock->boottime_usec)
                return;
        h->any_strong = true;
        h->strong_usec = clock->realtime_usec - c->strong_age_usec;
        h->strong_boottime_usec = clock->boottime_usec - c->strong_age_usec;
        memcpy(h->strong_boot_id, clock->boot_id, sizeof(h->strong_boot_id));
        h->strong_aal = 2;
        h->strong_badge_id = BADGE;
}

int policy_case_decide(const struct policy_case *c, const struct rules *rules, struct policy_decision *ret) {
        _cleanup_(word_list_clear) struct words passing = {0};
        struct rules here = *rules; /* at another station; it owns nothing */
        const struct policy_person person = {.id = PERSON,
                                             .user = c->user,
                                             .state = c->state,
                                             .has_account = true,
                                             .uid = 1000,
                                             .groups = c->groups,
                                             .has_keys = true,
                                             .own_session = c->session};
        struct policy_history history;
        struct policy_question q = {.rules = &here,
                                    .service = c->service,
                                    .tags = c->has_tags ? &c->tags : &rules->tags,
                                    .user_given = true,
                                    .person = &person,
                                    .history = &history,
                                    .passing = &passing,
                                    .evidence = c->evidence,
                                    .clock = {.realtime_usec = c->at_usec ? c->at_usec : NOON,
                                              .boottime_usec = c->at_usec ? c->at_usec : NOON,
                                              .boot_id = "case",
                                              .trusted = !c->untrusted}};
        if (c->has_station)
                here.station = (char *) c->station;
        int r = policy_clock_set_local(&q.clock);
        if (r < 0 || (r = passing_of(c, rules, &passing)) < 0)
                return r;
        fill_history(c, &q.clock, &history);
        policy_decide(&q, ret);
        return 0;
}

static bool differs(char why[static CASE_WHY_SIZE], const char *what, const char *wanted, const char *is) {
        (void) snprintf(why, CASE_WHY_SIZE, "%s is %s, not %s", what, is, wanted);
        return false;
}

bool policy_case_agrees(const struct policy_case *c, const struct policy_decision *d,
                        char why[static CASE_WHY_SIZE]) {
        const char *role = d->role ? d->role->name : "none",
                   *exception = d->exception ? d->exception->name : "none";
        if (d->verdict != c->verdict)
                return differs(why, "the verdict", policy_verdict_name(c->verdict),
                               policy_verdict_name(d->verdict));
        if (c->reason != REASON_INVALID && d->reason != c->reason)
                return differs(why, "the reason", reason_name(c->reason), reason_name(d->reason));
        if (c->has_role && strcmp(c->role, role) != 0)
                return differs(why, "the role", c->role, role);
        if (c->has_exception && strcmp(c->exception, exception) != 0)
                return differs(why, "the exception", c->exception, exception);
        if (c->needed != 0 && c->needed != d->needed)
                return differs(why, "what is needed", factors_name(c->needed), factors_name(d->needed));
        if (c->has_grace && c->grace != d->grace)
                return differs(why, "grace", c->grace ? "yes" : "no", d->grace ? "yes" : "no");
        if (c->aal >= 0 && c->aal != (int) d->aal) {
                (void) snprintf(why, CASE_WHY_SIZE, "AAL%u is reached, not AAL%d", d->aal, c->aal);
                return false;
        }
        return true;
}
