/* SPDX-License-Identifier: Apache-2.0 */
/* What a review finds of people is all there is and no more; its hash is that of what is, not of when it was
 * looked at; a list that was signed off is read back or refused; and who is ready without a password. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include "cli/readiness_judge.h"
#include "cli/review.h"
#include "common/bytes.h"

/* Last: it has a fail() of its own. */
#include <cmocka.h>

#define DAY (UINT64_C(24) * 3600 * 1000000)
#define NOW (UINT64_C(20000) * DAY)

/* Somebody for whom nothing is to be said. */
static struct census_badge badge = {.token = "K7Q2M3XD",
                                    .key_id = "00112233445566aa",
                                    .added_usec = NOW - 200 * DAY,
                                    .used_usec = NOW - DAY};
static struct census_key keys[2] = {{.token = "6b7abb57bfbe05ad",
                                     .public_key_hash = {1},
                                     .usable = true,
                                     .added_usec = NOW - 200 * DAY,
                                     .used_usec = NOW - DAY},
                                    {.token = "0123456789abcdef",
                                     .public_key_hash = {2},
                                     .usable = true,
                                     .added_usec = NOW - 200 * DAY,
                                     .used_usec = NOW - DAY}};

static struct census_person person(const char *user) {
        struct census_person p = {.full_name = "Anna Berg",
                                  .state = PERSON_ACTIVE,
                                  .added_usec = NOW - 200 * DAY,
                                  .badges = &badge,
                                  .n_badges = 1,
                                  .keys = keys,
                                  .n_keys = 2,
                                  .account = ACCOUNT_LOCAL,
                                  .role = "nurse",
                                  .needed = FACTOR_BADGE | FACTOR_KEY | FACTOR_VERIFY,
                                  .strong_usec = NOW - DAY};
        (void) snprintf(p.user, sizeof(p.user), "%s", user);
        return p;
}

static struct census census_of(struct census_person *people, size_t n) {
        return (struct census){.people = people, .n = n, .has_state = true, .has_groups = true};
}

/* The one finding about p; REVIEW_KIND_MAX for none. */
static struct review_finding only_finding(struct census_person p) {
        _cleanup_(review_clear) struct review r = {.unused_days = REVIEW_UNUSED_DAYS};
        struct census c = census_of(&p, 1);
        assert_int_equal(review_people(&r, &c, NOW), 0);
        assert_true(r.n <= 1);
        return r.n == 1 ? r.findings[0] : (struct review_finding){.kind = REVIEW_KIND_MAX};
}

static void each_finding_is_of_its_kind(void **state) {
        struct census_badge old = badge, never = badge;
        struct census_person p = person("anna");
        assert_int_equal(only_finding(p).kind, REVIEW_KIND_MAX);
        p.account = ACCOUNT_NONE;
        assert_int_equal(only_finding(p).kind, REVIEW_ORPHAN);
        p.account = ACCOUNT_UNKNOWN;
        assert_int_equal(only_finding(p).kind, REVIEW_LOOKUP);
        p = person("anna");
        p.role = NULL;
        p.no_role = REASON_NOT_THIS_STATION;
        assert_int_equal(only_finding(p).kind, REVIEW_NO_ROLE);
        assert_string_equal(only_finding(p).detail, "not-this-station");
        p = person("anna");
        p.not_after_usec = NOW;
        assert_int_equal(only_finding(p).kind, REVIEW_EXPIRED);
        p.not_after_usec = NOW + 30 * DAY;
        assert_int_equal(only_finding(p).kind, REVIEW_EXPIRING);
        p.not_after_usec++;
        assert_int_equal(only_finding(p).kind, REVIEW_KIND_MAX);
        p = person("anna");
        old.used_usec = NOW - 90 * DAY;
        p.badges = &old;
        assert_int_equal(only_finding(p).kind, REVIEW_KIND_MAX);
        old.used_usec--;
        assert_int_equal(only_finding(p).kind, REVIEW_UNUSED);
        assert_string_equal(only_finding(p).item, "K7Q2M3XD");
        never.used_usec = 0;
        p.badges = &never;
        assert_int_equal(only_finding(p).kind, REVIEW_NEVER_USED);
        assert_true(only_finding(p).since_usec == badge.added_usec);
        p = person("anna");
        p.failures = 4;
        p.last_failure_usec = NOW - 5;
        assert_int_equal(only_finding(p).kind, REVIEW_FAILURES);
        p.failures = 3; /* these cost nothing yet */
        assert_int_equal(only_finding(p).kind, REVIEW_KIND_MAX);
}

/* Who was never here is one finding, not one for each thing that is held. */
static void who_was_never_here_is_said_once(void **state) {
        struct census_person p = person("anna");
        struct census_badge b = badge;
        struct census_key k = keys[0];
        b.used_usec = k.used_usec = p.strong_usec = 0;
        p.badges = &b;
        p.keys = &k;
        p.n_keys = 1;
        assert_string_equal(only_finding(p).item, "person");
        assert_int_equal(only_finding(p).kind, REVIEW_NEVER_USED);
}

/* A suspended person, an agency account and an emergency account are each what they are, and not somebody
 * who does not come to work. */
static void accounts_of_other_kinds_are_told_apart(void **state) {
        struct census_person p = person("agency1");
        p.kind = PERSON_AGENCY;
        p.strong_usec = 0;
        p.n_badges = p.n_keys = 0;
        assert_int_equal(only_finding(p).kind, REVIEW_NEVER_USED); /* never lent */
        assert_string_equal(only_finding(p).detail, "agency account");
        p.lease_usec = NOW - 90 * DAY;
        assert_int_equal(only_finding(p).kind, REVIEW_KIND_MAX);
        p.lease_usec--;
        assert_int_equal(only_finding(p).kind, REVIEW_UNUSED);
        p.leased = true;
        assert_int_equal(only_finding(p).kind, REVIEW_KIND_MAX);
        p.account = ACCOUNT_NONE;
        assert_int_equal(only_finding(p).kind, REVIEW_ORPHAN);
        assert_string_equal(only_finding(p).detail, "agency account");

        p = person("emergency1");
        p.kind = PERSON_EMERGENCY;
        p.role = NULL;
        p.strong_usec = 0;
        p.n_badges = p.n_keys = 0;
        assert_int_equal(only_finding(p).kind, REVIEW_KIND_MAX);
        p.not_after_usec = NOW;
        assert_int_equal(only_finding(p).kind, REVIEW_EXPIRED);

        p = person("anna");
        p.state = PERSON_SUSPENDED;
        assert_int_equal(only_finding(p).kind, REVIEW_KIND_MAX);
        struct census_badge old = badge;
        old.used_usec = 0;
        p.badges = &old; /* she cannot use it */
        assert_int_equal(only_finding(p).kind, REVIEW_KIND_MAX);
        p.n_badges = p.n_keys = 0;
        p.strong_usec = 0;
        assert_int_equal(only_finding(p).kind, REVIEW_NEVER_USED);
        assert_string_equal(only_finding(p).detail, "suspended");
        p.account = ACCOUNT_NONE;
        p.strong_usec = NOW;
        p.known_usec = NOW - DAY;
        assert_string_equal(only_finding(p).detail, "last known then, suspended");
}

static void who_may_not_come_is_not_said_to_stay_away(void **state) {
        struct census_person p = person("anna");
        p.strong_usec = 0;
        p.n_badges = p.n_keys = 0;
        p.not_before_usec = NOW + 1;
        assert_int_equal(only_finding(p).kind, REVIEW_KIND_MAX);
        p.not_before_usec = NOW;
        assert_int_equal(only_finding(p).kind, REVIEW_NEVER_USED);
        p.not_before_usec = 0;
        p.not_after_usec = NOW;
        assert_int_equal(only_finding(p).kind, REVIEW_EXPIRED);
}

static void what_is_suspended_for_long_is_said_so(void **state) {
        struct census_badge b = badge;
        struct census_person p = person("anna");
        p.badges = &b;
        b.used_usec = 0;
        b.suspended_usec = NOW - 90 * DAY;
        assert_int_equal(only_finding(p).kind, REVIEW_KIND_MAX);
        b.suspended_usec--;
        assert_int_equal(only_finding(p).kind, REVIEW_UNUSED);
        assert_string_equal(only_finding(p).detail, "suspended badge");
        b.suspended_usec = 0;
        b.lent_until_usec = NOW + DAY; /* from the pool: not hers to use or not */
        assert_int_equal(only_finding(p).kind, REVIEW_KIND_MAX);
}

static void what_is_for_a_while_is_said_until_it_is_over(void **state) {
        static const struct {
                enum census_while kind;
                const char *detail, *todo;
                bool stays;
        } rows[] = {
                {WHILE_BADGE, "badge, approved by dora", "wardtap badge return #", false},
                {WHILE_LEASE, "lease", "wardtap lease end @ --reason TEXT", true},
                {WHILE_UNWIPED, "home not wiped since", "wardtap lease wipe @", true},
                {WHILE_TICKET, "ticket, issued by dora", "wardtap ticket revoke # --reason TEXT", false},
                {WHILE_ROLE, "role, approved by dora", "wardtap elevate end @", false},
        };
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_(review_clear) struct review r = {0};
                struct census_person p = person("anna");
                struct census c = census_of(&p, 1);
                assert_int_equal(census_add_while(&p, rows[i].kind, "item", "dora", NOW), 0);
                assert_int_equal(review_temporary(&r, &c, NOW - 1), 0);
                assert_int_equal(r.n, 1);
                assert_int_equal(r.findings[0].kind, REVIEW_TEMPORARY);
                assert_string_equal(r.findings[0].detail, rows[i].detail);
                assert_string_equal(r.findings[0].item, "item");
                assert_true(r.findings[0].since_usec == NOW);
                assert_string_equal(review_while_todo(&r.findings[0]), rows[i].todo);
                assert_int_equal(review_temporary(&r, &c, NOW), 0);
                assert_int_equal(r.n, rows[i].stays ? 2 : 1);
                assert_string_equal(review_while_todo(&r.findings[r.n - 1]), rows[i].todo);
                freep(&p.temporary);
        }
}

/* Whatever may be owed of emergency access is a finding, with something to do about it. */
static void what_emergency_access_lacks_is_said(void **state) {
        for (int i = 0; i < EMERGENCY_LACK_MAX; i++) {
                _cleanup_(review_clear) struct review r = {0};
                struct census_due due = {
                        .what = (enum emergency_lack) i, .user = "emergency1", .since_usec = 5};
                struct census c = {.due = &due, .n_due = 1};
                assert_int_equal(review_break_glass(&r, &c, NOW), 0);
                if (i == EMERGENCY_LACKS_REVIEW) { /* each of these is named by itself */
                        assert_int_equal(r.n, 0);
                        continue;
                }
                assert_int_equal(r.n, 1);
                assert_string_equal(r.findings[0].user, "emergency1");
                assert_true(r.findings[0].since_usec == 5);
                assert_true(*review_while_todo(&r.findings[0]));
                assert_string_not_equal(review_while_todo(&r.findings[0]), "wardtap emergency list --open");
        }
        _cleanup_(review_clear) struct review r = {0};
        struct census_open open = {.review = "7f3a90c14b2e",
                                   .user = "anna",
                                   .from_usec = 9,
                                   .owed = REVIEWER_CLINICAL | REVIEWER_SECURITY};
        struct census c = {.open = &open, .n_open = 1};
        assert_int_equal(review_break_glass(&r, &c, NOW), 0);
        assert_string_equal(r.findings[0].item, "7f3a90c14b2e");
        assert_string_equal(r.findings[0].detail, "review owed by clinical, security");
        assert_string_equal(review_while_todo(&r.findings[0]), "wardtap emergency list --open");
        open.owed = REVIEWER_SECURITY;
        assert_int_equal(review_break_glass(&r, &c, NOW), 0);
        assert_string_equal(r.findings[1].detail, "review owed by security");
}

/* Without state.db nothing is known of use, and nothing is said. */
static void what_is_not_known_is_not_a_finding(void **state) {
        _cleanup_(review_clear) struct review r = {.unused_days = REVIEW_UNUSED_DAYS};
        struct census_person p = person("anna");
        p.strong_usec = 0;
        p.n_badges = p.n_keys = 0;
        struct census c = census_of(&p, 1);
        c.has_state = false;
        assert_int_equal(review_people(&r, &c, NOW), 0);
        assert_int_equal(r.n, 0);
        assert_true(r.no_history);
}

static void one_key_of_two_people_is_said_of_both(void **state) {
        _cleanup_(review_clear) struct review r = {.unused_days = REVIEW_UNUSED_DAYS};
        struct census_key of_ben[3] = {keys[1], keys[0], keys[1]}; /* the same twice of one is no finding */
        struct census_person people[3] = {person("anna"), person("ben"), person("carl")};
        of_ben[0].public_key_hash[0] = of_ben[2].public_key_hash[0] = 9;
        people[1].keys = of_ben;
        people[1].n_keys = 3;
        people[2].n_keys = 0;
        struct census c = census_of(people, 3);
        assert_int_equal(review_people(&r, &c, NOW), 0);
        review_sort(&r);
        assert_int_equal(r.n, 2);
        assert_string_equal(r.findings[0].user, "anna");
        assert_string_equal(r.findings[0].detail, "the same as 6b7abb57bfbe05ad of ben");
        assert_string_equal(r.findings[1].user, "ben");
}

static void hash_at(struct census *c, uint64_t now, char ret[REVIEW_HASH_SIZE]) {
        _cleanup_(review_clear) struct review r = {.unused_days = REVIEW_UNUSED_DAYS, .station = "bay2"};
        _cleanup_(freep) char *list = NULL;
        assert_int_equal(review_people(&r, c, now), 0);
        review_sort(&r);
        assert_int_equal(review_canonical(&r, &list, ret), 0);
}

static void the_hash_is_of_what_is_and_not_of_when(void **state) {
        struct census_person people[2] = {person("anna"), person("ben")}, turned[2];
        char first[REVIEW_HASH_SIZE], again[REVIEW_HASH_SIZE];
        people[0].account = people[1].account = ACCOUNT_NONE;
        people[1].failures = 9;
        struct census c = census_of(people, 2), t = census_of(turned, 2);
        turned[0] = people[1];
        turned[1] = people[0];
        hash_at(&c, NOW, first);
        hash_at(&c, NOW + DAY, again);
        assert_string_equal(first, again);
        hash_at(&t, NOW, again);
        assert_string_equal(first, again);
        people[1].failures = 10;
        hash_at(&c, NOW, again);
        assert_string_not_equal(first, again);
}

static void only_what_fits_a_password_is_one(void **state) {
        static const char *const yes[] = {"", "$y$j9T$abcdefgh$abcdefghijklmnop", "$6$salt$abcdefghijk",
                                          "ab01FAX.bQRSU", "_J9..XXXX1234567890x"};
        static const char *const no[] = {"*",
                                         "!",
                                         "!!",
                                         "x",
                                         "!$6$salt$abcdefghijk",
                                         "*LK*",
                                         "NP",
                                         "$6",
                                         "ab01FAX.bQRS!",
                                         "ab01FAX.bQRSUV"};
        for (size_t i = 0; i < ELEMENTSOF(yes); i++)
                assert_true(review_is_password(yes[i]));
        for (size_t i = 0; i < ELEMENTSOF(no); i++)
                assert_false(review_is_password(no[i]));
}

#define LIST "{\"version\":1,\"findings\":[]}"

static int read_kept(const char *text, struct review_kept *ret) {
        return review_read_kept(text, strlen(text), ret);
}

static void a_kept_list_is_read_back_or_refused(void **state) {
        struct review_kept k = {0};
        const char *good =
                "{\"attested_usec\":5,\"requestor\":\"mona\",\"statement\":\"looked at\",\"hash\":\"ab\","
                "\"findings\":3,\"list\":" LIST "}\n";
        static const char *const bad[] = {"",
                                          "\n",
                                          "{}\n",
                                          "[]\n",
                                          "{\"list\":{}}\n",
                                          "{\"attested_usec\":-5,\"requestor\":\"mona\",\"statement\":\"s\","
                                          "\"hash\":\"ab\",\"findings\":3,"
                                          "\"list\":{}}\n",
                                          "{\"attested_usec\":5,\"requestor\":\"mo\\u001bna\",\"statement\":"
                                          "\"s\",\"hash\":\"ab\",\"findings\":3,"
                                          "\"list\":{}}\n",
                                          "{\"attested_usec\":5,\"requestor\":\"mona\",\"statement\":\"s\","
                                          "\"hash\":\"ab\",\"findings\":3,"
                                          "\"list\":[]}\n",
                                          "{\"attested_usec\":5,\"requestor\":\"mona\",\"statement\":\"s\","
                                          "\"hash\":\"ab\",\"findings\":3,"
                                          "\"list\":{}}"};
        assert_int_equal(read_kept(good, &k), 0);
        assert_string_equal(k.requestor, "mona");
        assert_string_equal(k.statement, "looked at");
        assert_true(k.attested_usec == 5 && k.findings == 3 && !k.intact);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(read_kept(bad[i], &k), -EBADMSG);
}

/* --- Readiness */

static const struct readiness_facts covered = {.break_glass = BREAK_GLASS_COVERED};

static unsigned gaps_of(struct census_person p, const struct readiness_facts *f) {
        _cleanup_(readiness_clear) struct readiness r = {0};
        struct rules rules = {0};
        struct census c = census_of(&p, 1);
        c.rules = &rules;
        assert_int_equal(readiness_judge(&c, f, NOW, &r), 0);
        assert_int_equal(r.n, 1);
        assert_int_equal(r.ready, r.people[0].gaps == 0);
        return r.people[0].gaps;
}

static void each_gap_is_named_alone(void **state) {
        struct census_person p = person("anna");
        assert_int_equal(gaps_of(p, &covered), 0);
        p.n_badges = 0;
        assert_int_equal(gaps_of(p, &covered), 1U << GAP_BADGE);
        p.needed = FACTOR_KEY | FACTOR_VERIFY; /* a role that wants no badge */
        assert_int_equal(gaps_of(p, &covered), 0);
        p = person("anna");
        p.n_keys = 1;
        assert_int_equal(gaps_of(p, &covered), 1U << GAP_RECOVERY);
        p.n_keys = 0;
        assert_int_equal(gaps_of(p, &covered), 1U << GAP_KEY | 1U << GAP_RECOVERY);
        p = person("anna");
        p.account = ACCOUNT_REMOTE;
        assert_int_equal(gaps_of(p, &covered), 1U << GAP_OFFLINE);
        p.known_usec = NOW - DAY;
        assert_int_equal(gaps_of(p, &covered), 0);
        p.account = ACCOUNT_NONE;
        assert_int_equal(gaps_of(p, &covered), 1U << GAP_ACCOUNT);
        p = person("anna");
        p.role = NULL;
        assert_int_equal(gaps_of(p, &covered), 1U << GAP_ROLE);
        p = person("anna");
        p.needs_ticket = true;
        assert_int_equal(gaps_of(p, &covered), 1U << GAP_HOME);
}

static void what_is_suspended_or_lent_counts_for_nothing(void **state) {
        struct census_badge some[2] = {badge, badge};
        struct census_person p = person("anna");
        p.badges = some;
        p.n_badges = 2;
        p.needed = FACTOR_BADGE;
        assert_int_equal(gaps_of(p, &covered), 0);
        some[0].lent_until_usec = NOW + DAY;
        assert_int_equal(gaps_of(p, &covered), 1U << GAP_RECOVERY);
        some[1].suspended_usec = NOW - DAY;
        assert_int_equal(gaps_of(p, &covered), 1U << GAP_BADGE | 1U << GAP_RECOVERY);
}

/* Nobody comes to work by an account that is nobody's. */
static void accounts_of_nobody_are_not_counted(void **state) {
        _cleanup_(readiness_clear) struct readiness r = {0};
        struct census_person people[4] = {person("anna"), person("emergency1"), person("agency1"),
                                          person("later")};
        struct census c = census_of(people, 4);
        people[1].kind = PERSON_EMERGENCY;
        people[2].kind = PERSON_AGENCY;
        people[3].not_before_usec = NOW + 1;
        assert_int_equal(readiness_judge(&c, &covered, NOW, &r), 0);
        assert_int_equal(r.n, 1);
        readiness_clear(&r);
        people[2].leased = true;
        assert_int_equal(readiness_judge(&c, &covered, NOW, &r), 0);
        assert_int_equal(r.n, 2);
        assert_string_equal(r.people[1].person->user, "anna");
}

/* --- Whether break-glass is covered: by rules, accounts, kits and drills */

struct covering {
        struct rules rules;
        struct census_person people[2];
        struct census_due due[2];
        struct census census;
        char *accounts[2];
};

static void begin_covering(struct covering *x) {
        *x = (struct covering){.people = {person("anna"), person("emergency1")}};
        x->people[1].kind = PERSON_EMERGENCY;
        x->people[1].role = NULL;
        x->accounts[0] = (char *) "emergency1";
        x->rules.break_glass = (struct rule_break_glass){.present = true, .accounts = {x->accounts, 1}};
        x->census = census_of(x->people, 2);
        x->census.rules = &x->rules;
        x->census.due = x->due;
}

static enum readiness_break_glass covering_with(struct covering *x, enum emergency_lack lack,
                                                const char *user) {
        x->due[0] = (struct census_due){.what = lack};
        (void) snprintf(x->due[0].user, sizeof(x->due[0].user), "%s", user);
        x->census.n_due = 1;
        return readiness_break_glass(&x->census, NOW);
}

static void break_glass_is_what_would_be_there_tonight(void **state) {
        static const enum emergency_lack nobody[] = {EMERGENCY_LACKS_ACCOUNT, EMERGENCY_NOT_ENROLLED,
                                                     EMERGENCY_IS_PERSONAL},
                                         overdue[] = {EMERGENCY_LACKS_DRILL, EMERGENCY_KIT_UNTRIED,
                                                      EMERGENCY_KIT_OLD};
        struct covering x;
        begin_covering(&x);
        assert_int_equal(readiness_break_glass(&x.census, NOW), BREAK_GLASS_COVERED);
        assert_int_equal(covering_with(&x, EMERGENCY_LACKS_RULES, ""), BREAK_GLASS_NOT_CONFIGURED);
        assert_int_equal(covering_with(&x, EMERGENCY_NOT_HERE, ""), BREAK_GLASS_ELSEWHERE);
        for (size_t i = 0; i < ELEMENTSOF(nobody); i++)
                assert_int_equal(covering_with(&x, nobody[i], "emergency1"), BREAK_GLASS_NO_ACCOUNT);
        for (size_t i = 0; i < ELEMENTSOF(overdue); i++)
                assert_int_equal(covering_with(&x, overdue[i], i == 0 ? "" : "emergency1"),
                                 BREAK_GLASS_OVERDUE);
        assert_int_equal(covering_with(&x, EMERGENCY_NOT_ENROLLED, "emergency2"), BREAK_GLASS_COVERED);
        /* without a kit a witness opens it, while there is one */
        assert_int_equal(covering_with(&x, EMERGENCY_LACKS_KIT, "emergency1"), BREAK_GLASS_COVERED);
        x.people[0].n_keys = 0;
        assert_int_equal(readiness_break_glass(&x.census, NOW), BREAK_GLASS_NO_ACCOUNT);
        begin_covering(&x);
        x.people[0].role = NULL;
        assert_int_equal(covering_with(&x, EMERGENCY_LACKS_KIT, "emergency1"), BREAK_GLASS_NO_ACCOUNT);
        begin_covering(&x);
        x.people[1].state = PERSON_SUSPENDED;
        assert_int_equal(readiness_break_glass(&x.census, NOW), BREAK_GLASS_NO_ACCOUNT);
        begin_covering(&x);
        x.rules.break_glass.accounts.n = 0; /* a badge in hand is not all that may be missing */
        assert_int_equal(readiness_break_glass(&x.census, NOW), BREAK_GLASS_NO_ACCOUNT);
        x.census.rules = NULL;
        assert_int_equal(readiness_break_glass(&x.census, NOW), BREAK_GLASS_NOT_CONFIGURED);
}

static void a_key_of_another_model_is_none(void **state) {
        struct census_key some[2] = {keys[0], keys[1]};
        struct census_person p = person("anna");
        p.keys = some;
        some[0].usable = false;
        assert_int_equal(gaps_of(p, &covered), 1U << GAP_RECOVERY);
        some[1].usable = false;
        assert_int_equal(gaps_of(p, &covered), 1U << GAP_KEY | 1U << GAP_RECOVERY);
}

/* Of three people with one key each. */
static bool tickets = true;
static size_t with_recovery(unsigned anna, unsigned ben, unsigned carl) {
        _cleanup_(readiness_clear) struct readiness r = {0};
        struct census_person people[3] = {person("anna"), person("ben"), person("carl")};
        struct census c = census_of(people, 3);
        size_t n = 0;
        people[0].approves = anna;
        people[1].approves = ben;
        people[2].approves = carl;
        for (size_t i = 0; i < 3; i++) {
                people[i].n_keys = 1;
                people[i].tickets = tickets;
        }
        assert_int_equal(readiness_judge(&c, &covered, NOW, &r), 0);
        for (size_t i = 0; i < 3; i++)
                n += r.people[i].has_recovery;
        return n;
}

static void others_may_let_back_in_and_nobody_oneself(void **state) {
        const unsigned ticket = 1U << APPROVE_TICKET, recover = 1U << APPROVE_RECOVER;
        assert_int_equal(with_recovery(0, 0, 0), 0);
        assert_int_equal(with_recovery(ticket, 0, 0), 2);
        assert_int_equal(with_recovery(ticket, ticket, 0), 3);
        assert_int_equal(with_recovery(recover, 0, 0), 0);
        assert_int_equal(with_recovery(recover, recover, 0), 1);
        assert_int_equal(with_recovery(recover, recover, recover), 3);
        assert_int_equal(with_recovery(1U << APPROVE_ELEVATE, 1U << APPROVE_ELEVATE, 0), 0);
        tickets = false; /* the rules, or the role, want none */
        assert_int_equal(with_recovery(ticket, ticket, ticket), 0);
        assert_int_equal(with_recovery(recover, recover, recover), 3);
        tickets = true;
}

static void an_exception_past_its_end_is_said(void **state) {
        _cleanup_(review_clear) struct review r = {0};
        struct rule_exception e[2] = {{.name = (char *) "agency",
                                       .owner = (char *) "mona",
                                       .reason = (char *) "no keys yet",
                                       .until_usec = NOW},
                                      {.name = (char *) "later",
                                       .owner = (char *) "mona",
                                       .reason = (char *) "x",
                                       .until_usec = NOW + 1}};
        struct rules rules = {.exceptions = e, .n_exceptions = 2};
        struct census c = {.rules = &rules};
        assert_int_equal(review_rules(&r, &c, NOW), 0);
        assert_int_equal(r.n, 1);
        assert_string_equal(r.findings[0].item, "agency");
        assert_string_equal(r.findings[0].detail, "of mona: no keys yet");
        assert_true(r.findings[0].since_usec == NOW);
}

/* A list is UTF-8, however long what stands in it is. */
static void no_character_is_cut_in_half(void **state) {
        _cleanup_(review_clear) struct review r = {0};
        char owner[401];
        for (size_t i = 0; i < 400; i += 2)
                memcpy(owner + i, "\xc3\xa4", 3);
        for (size_t skip = 0; skip < 2; skip++)
                assert_int_equal(
                        review_add(&r, REVIEW_EXCEPTION, NULL, owner, 0, "%s%s", skip ? "-" : "", owner), 0);
        for (size_t i = 0; i < r.n; i++)
                assert_true(text_is_clean(r.findings[i].detail, sizeof(r.findings[i].detail)) &&
                            text_is_clean(r.findings[i].item, sizeof(r.findings[i].item)));
}

static bool is_ready(const struct census *c, enum readiness_break_glass b) {
        _cleanup_(readiness_clear) struct readiness r = {0};
        assert_int_equal(readiness_judge(c, &(struct readiness_facts){.break_glass = b}, NOW, &r), 0);
        return r.ready;
}

static void the_station_is_ready_when_everything_is(void **state) {
        struct census_person people[4] = {person("anna"), person("ben"), person("carl"), person("dora")};
        struct rules rules = {0};
        struct census c = census_of(people, 4);
        people[2].state = PERSON_SUSPENDED; /* these do not sign in at all */
        people[2].n_badges = 0;
        people[3].not_after_usec = NOW;
        people[3].n_keys = 0;
        assert_false(is_ready(&c, BREAK_GLASS_COVERED)); /* no rules */
        c.rules = &rules;
        assert_true(is_ready(&c, BREAK_GLASS_COVERED));
        assert_false(is_ready(&c, BREAK_GLASS_NOT_CONFIGURED));
        assert_false(is_ready(&c, BREAK_GLASS_ELSEWHERE));
        assert_false(is_ready(&c, BREAK_GLASS_NO_ACCOUNT));
        assert_false(is_ready(&c, BREAK_GLASS_OVERDUE));
        people[1].n_badges = 0;
        assert_false(is_ready(&c, BREAK_GLASS_COVERED));
        c.n = 0;
        assert_false(is_ready(&c, BREAK_GLASS_COVERED)); /* nobody */
}

static void people_stand_by_role_and_name(void **state) {
        _cleanup_(readiness_clear) struct readiness r = {0};
        struct census_person people[3] = {person("zoe"), person("carl"), person("anna")};
        struct census c = census_of(people, 3);
        people[1].role = NULL;
        assert_int_equal(readiness_judge(&c, &covered, NOW, &r), 0);
        assert_string_equal(r.people[0].person->user, "anna");
        assert_string_equal(r.people[1].person->user, "zoe");
        assert_string_equal(r.people[2].person->user, "carl");
        assert_int_equal(r.n_ready, 2);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_finding_is_of_its_kind),
                cmocka_unit_test(who_was_never_here_is_said_once),
                cmocka_unit_test(accounts_of_other_kinds_are_told_apart),
                cmocka_unit_test(who_may_not_come_is_not_said_to_stay_away),
                cmocka_unit_test(what_is_suspended_for_long_is_said_so),
                cmocka_unit_test(what_is_for_a_while_is_said_until_it_is_over),
                cmocka_unit_test(what_emergency_access_lacks_is_said),
                cmocka_unit_test(what_is_not_known_is_not_a_finding),
                cmocka_unit_test(one_key_of_two_people_is_said_of_both),
                cmocka_unit_test(the_hash_is_of_what_is_and_not_of_when),
                cmocka_unit_test(only_what_fits_a_password_is_one),
                cmocka_unit_test(a_kept_list_is_read_back_or_refused),
                cmocka_unit_test(each_gap_is_named_alone),
                cmocka_unit_test(what_is_suspended_or_lent_counts_for_nothing),
                cmocka_unit_test(accounts_of_nobody_are_not_counted),
                cmocka_unit_test(break_glass_is_what_would_be_there_tonight),
                cmocka_unit_test(a_key_of_another_model_is_none),
                cmocka_unit_test(others_may_let_back_in_and_nobody_oneself),
                cmocka_unit_test(an_exception_past_its_end_is_said),
                cmocka_unit_test(no_character_is_cut_in_half),
                cmocka_unit_test(the_station_is_ready_when_everything_is),
                cmocka_unit_test(people_stand_by_role_and_name),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
