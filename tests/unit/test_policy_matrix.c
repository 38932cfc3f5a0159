/* SPDX-License-Identifier: Apache-2.0 */
/* The decision over the whole product of its small inputs: evidence, factors of role and service, use,
 * assurance, grace, states, clocks, checks and exceptions. No oracle of the answer (test_policy_decide.c has
 * one), but what must hold of every answer, written from the design; and for each question, what more
 * evidence may change. Questions are made here and not parsed, so that rules which `policy check` refuses
 * are asked about too: the decision does not rely on it. */
#include "common/util.h"
#include "policy/decide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define H(n) ((uint64_t) (n) *UINT64_C(3600000000))
#define NOW (UINT64_C(1795166502) * 1000000U)
#define MODEL "cb69481e8ff7403993ec0a2729a154a8"

static const unsigned factors[] = {FACTOR_BADGE, FACTOR_BADGE | FACTOR_KEY,
                                   FACTOR_BADGE | FACTOR_KEY | FACTOR_VERIFY, FACTOR_KEY | FACTOR_VERIFY};

enum key { NO_KEY, TOUCHED, VERIFIED, ATTESTED, ATTESTED_TOUCHED, OTHER_MODEL, KEY_MAX };
enum past { NEVER, RECENT, TOUCH_ALONE, OTHER_BADGE, OLD, PAST_MAX };
enum time { TRUSTED, UNTRUSTED, AFTER_UNTIL, YEAR_BACK, TIME_MAX };

/* One point of the product. Every member is small, and 0 is a value that is asked about. */
struct point {
        enum badge_evidence badge;
        enum key key;
        bool others_badge;
        unsigned role, service, exception; /* of factors[]; service and exception: 0 none, else index + 1 */
        enum service_use use;
        enum assurance assurance;
        enum grace_mode mode;
        enum past past;
        enum person_state state;
        enum time time;
        unsigned check; /* 0 none, 1 passes, 2.. fails with effect - 2 */
        bool named, attested_only, own_session, in_session, user_caller, throttled;
};

static struct rule_role role;
static struct rule_service service;
static struct rule_exception exception;
static struct rule_check check;
static struct rules rules;
static struct policy_person person;
static struct policy_history history;
static struct policy_question q;
static char *groups[] = {(char *) "nurses", NULL}, *users[] = {(char *) "anna", NULL},
            *services[] = {(char *) "s", NULL}, *models[] = {(char *) MODEL, NULL},
            *passing[] = {(char *) "disk", NULL};
static struct words all_pass = {passing, 1}, none_pass;
static uint64_t asked, allowed, by_grace, by_exception;

static void build_rules(const struct point *p) {
        role = (struct rule_role){.name = (char *) "nurse",
                                  .groups = {groups, 1},
                                  .sign_in = factors[p->role],
                                  .grace_usec = H(8),
                                  .grace_mode = p->mode,
                                  .grace_cap_usec = H(10),
                                  .key_models = {models, 1},
                                  .key_attested = p->attested_only};
        service = (struct rule_service){
                .name = (char *) "s", .use = p->use, .sign_in = p->service ? factors[p->service - 1] : 0};
        exception = (struct rule_exception){.name = (char *) "x",
                                            .owner = (char *) "lead",
                                            .reason = (char *) "r",
                                            .until_usec = NOW + 1,
                                            .users = {users, 1},
                                            .services = {services, p->named},
                                            .sign_in = p->exception ? factors[p->exception - 1] : 0};
        check = (struct rule_check){.name = (char *) "disk",
                                    .unit = (char *) "d.service",
                                    .then = p->check > 1 ? (enum check_effect)(p->check - 2) : CHECK_RECORD};
        rules = (struct rules){.relying_party = (char *) "a.org",
                               .assurance = p->assurance,
                               .throttle_free = 3,
                               .throttle_usec = {H(1)},
                               .n_throttle = 1,
                               .throttle_max_usec = H(1),
                               .station = (char *) "bay2",
                               .roles = &role,
                               .n_roles = 1,
                               .services = &service,
                               .n_services = 1,
                               .exceptions = &exception,
                               .n_exceptions = p->exception != 0,
                               .checks = &check,
                               .n_checks = p->check != 0};
}

static void build_history(const struct point *p) {
        uint64_t ago = p->past == OLD ? H(9) : H(1);
        history = (struct policy_history){.failures = p->throttled ? 4 : 0,
                                          .last_failure_usec = NOW - 1,
                                          .last_failure_boottime_usec = H(100) - 1,
                                          .last_failure_boot_id = "b",
                                          .any_strong = p->past != NEVER};
        if (p->past == NEVER)
                return;
        history.strong_usec = NOW - ago;
        history.strong_boottime_usec = H(100) - ago;
        memcpy(history.strong_boot_id, p->time == YEAR_BACK ? "a" : "b", 2);
        history.strong_aal = p->past == TOUCH_ALONE ? 1 : 2;
        history.strong_badge_id = p->past == OTHER_BADGE ? 12 : 11;
}

static void build_evidence(const struct point *p, struct policy_evidence *e) {
        *e = (struct policy_evidence){.badge = p->badge};
        if (p->badge != BADGE_NONE) {
                e->badge_id = 11;
                e->badge_person = p->others_badge ? 8 : 7;
        }
        if (p->key == NO_KEY)
                return;
        e->key_present = true;
        e->key_verified = p->key != TOUCHED && p->key != ATTESTED_TOUCHED;
        e->key_attested = p->key == ATTESTED || p->key == ATTESTED_TOUCHED;
        e->key_id = 3;
        memcpy(e->key_aaguid, p->key == OTHER_MODEL ? "00000000000000000000000000000000" : MODEL, 33);
}

static void build(const struct point *p) {
        build_rules(p);
        build_history(p);
        person = (struct policy_person){.id = 7,
                                        .user = "anna",
                                        .state = p->state,
                                        .has_account = true,
                                        .uid = 1000,
                                        .groups = {groups, 1},
                                        .has_keys = true,
                                        .own_session = p->own_session};
        q = (struct policy_question){
                .rules = &rules,
                .service = "s",
                .tags = &none_pass,
                .caller_uid = p->user_caller ? 1000 : 0,
                .in_session = p->in_session,
                .user_given = true,
                .person = &person,
                .history = &history,
                .passing = p->check == 1 ? &all_pass : &none_pass,
                .clock = {NOW, H(100), "b", p->time == TRUSTED || p->time == AFTER_UNTIL, 0, 600}};
        if (p->time == AFTER_UNTIL)
                exception.until_usec = NOW;
        if (p->time == YEAR_BACK) /* behind the last record: not trusted, and another boot */
                q.clock.realtime_usec = NOW - H(8766);
        build_evidence(p, &q.evidence);
}

/* --- what the design says of evidence, without looking at the decision */

static bool key_counts(const struct point *p) {
        return p->key != NO_KEY && p->key != OTHER_MODEL &&
               (!p->attested_only || p->key == ATTESTED || p->key == ATTESTED_TOUCHED);
}

static bool key_verified(const struct point *p) {
        return key_counts(p) && (p->key == VERIFIED || p->key == ATTESTED);
}

static bool shown(const struct point *p, unsigned wanted) {
        return (!(wanted & FACTOR_BADGE) || p->badge != BADGE_NONE) &&
               (!(wanted & FACTOR_KEY) || key_counts(p)) && (!(wanted & FACTOR_VERIFY) || key_verified(p));
}

static unsigned wanted_by_rules(const struct point *p) {
        return p->service ? factors[p->service - 1] : factors[p->role];
}

static bool failing(const struct point *p, enum check_effect at_least) {
        return p->check > 1 && (enum check_effect)(p->check - 2) >= at_least;
}

static const char *wrong; /* what does not hold */
#define HOLDS(condition)                                                                                    \
        do {                                                                                                \
                if (!(condition) && !wrong)                                                                 \
                        wrong = #condition;                                                                 \
        } while (0)

static void check_grace(const struct point *p) {
        HOLDS(p->use == USE_SIGN_IN);
        HOLDS(p->badge != BADGE_NONE);
        HOLDS(p->own_session);
        HOLDS(p->past == RECENT || p->past == TOUCH_ALONE);
        HOLDS(p->past != TOUCH_ALONE || !(wanted_by_rules(p) & FACTOR_VERIFY));
        HOLDS(p->assurance != ASSURANCE_AAL3);
        HOLDS(p->assurance != ASSURANCE_AAL2 || p->badge == BADGE_SECRET);
        HOLDS(!failing(p, CHECK_NO_GRACE));
        HOLDS(p->time != YEAR_BACK);
}

static void check_exception(const struct point *p, const struct policy_decision *d) {
        unsigned wanted = p->exception ? factors[p->exception - 1] : 0;
        HOLDS(d->exception == &exception && p->exception != 0);
        HOLDS(shown(p, wanted));
        HOLDS(!shown(p, wanted_by_rules(p))); /* else it was not used */
        HOLDS(p->time == TRUSTED);
        HOLDS(p->use == USE_SIGN_IN || (p->named && (wanted & FACTOR_KEY)));
        HOLDS(p->assurance == ASSURANCE_NONE || (wanted & FACTOR_VERIFY));
        HOLDS(!d->grace);
}

static void check_allow(const struct point *p, const struct policy_decision *d) {
        bool by_factors = !d->grace && !d->exception;
        HOLDS(p->state == PERSON_ACTIVE);
        HOLDS(!p->throttled);
        HOLDS(!(p->badge != BADGE_NONE && p->others_badge));
        HOLDS(!(p->use == USE_SIGN_IN && failing(p, CHECK_NO_SIGN_IN)));
        HOLDS(p->use != USE_STEP_UP || (key_counts(p) && !d->grace && !d->strong));
        HOLDS(!by_factors || shown(p, wanted_by_rules(p)));
        HOLDS(!d->strong || (shown(p, factors[p->role]) && key_counts(p) && by_factors));
        HOLDS(!d->grace_renew || (d->grace && p->mode == GRACE_RENEWED));
        HOLDS(d->reason == REASON_NONE && d->role == &role);
        if (d->grace)
                check_grace(p);
        if (d->exception)
                check_exception(p, d);
}

/* SP 800-63B-4: two factors and a challenge that was answered, or it is not that level. A number is none. */
static void check_level(const struct point *p, const struct policy_decision *d) {
        HOLDS(d->aal <= 3);
        HOLDS(d->aal < 1 || key_counts(p));
        HOLDS(d->aal < 2 || key_verified(p));
        HOLDS(d->aal < 3 || p->key == ATTESTED);
        HOLDS(!(d->proven & FACTOR_KEY) || key_counts(p));
        HOLDS(!(d->proven & FACTOR_VERIFY) || key_verified(p));
        HOLDS(!(d->proven & FACTOR_BADGE) || p->badge != BADGE_NONE);
        HOLDS(!(d->verdict == POLICY_ALLOW && d->grace) || d->aal == 0);
}

static void check_any(const struct point *p, const struct policy_decision *d) {
        HOLDS((unsigned) d->verdict < POLICY_VERDICT_MAX);
        HOLDS(d->verdict != POLICY_DENY || d->reason != REASON_NONE);
        HOLDS(d->reason != REASON_INTERNAL);
        HOLDS((d->verdict == POLICY_MAXTRIES) == (d->wait_usec > 0));
        HOLDS(d->verdict != POLICY_MAXTRIES || p->throttled);
        HOLDS(p->state == PERSON_ACTIVE || d->verdict == POLICY_DENY);
        HOLDS((d->failing != 0) == (p->check > 1 && d->role != NULL));
        HOLDS(d->verdict != POLICY_NEED_BADGE || p->badge == BADGE_NONE);
        HOLDS(d->verdict != POLICY_NEED_VERIFY || !key_verified(p));
        HOLDS(d->verdict != POLICY_NEED_KEY || !key_counts(p));
        check_level(p, d);
        if (d->verdict == POLICY_ALLOW)
                check_allow(p, d);
        else
                HOLDS(!d->strong && !d->grace && !d->exception);
}

/* --- more evidence */

static void ask(const struct point *p, struct policy_decision *d) {
        build_evidence(p, &q.evidence);
        memset(d, 0x55, sizeof(*d));
        policy_decide(&q, d);
        asked++;
        check_any(p, d);
}

static bool is_no(enum policy_verdict v) {
        return v == POLICY_DENY || v == POLICY_UNAVAIL || v == POLICY_MAXTRIES;
}

/* One step up: a number that is proved to be a badge, a badge where there was none, a better key where there
 * was one or none. What lets in lets in with more, by the role's own factors if it did so before; and what
 * asks for more does not then refuse. Only a badge of somebody else, and a key that the role does not let
 * in, are more and yet worse: they are never steps here. */
static void check_more(const struct point *p, const struct policy_decision *less) {
        struct policy_decision more;
        struct point up = *p;
        if (p->others_badge || (p->key != NO_KEY && !key_counts(p)))
                return;
        if (p->badge < BADGE_SECRET) {
                up.badge++;
                ask(&up, &more);
                HOLDS(less->verdict != POLICY_ALLOW || more.verdict == POLICY_ALLOW);
                HOLDS(is_no(less->verdict) || !is_no(more.verdict));
                HOLDS(less->aal <= more.aal || more.grace);
        }
        up = *p;
        up.key = p->key == NO_KEY ? TOUCHED : p->key == TOUCHED ? VERIFIED : ATTESTED;
        if (p->key >= ATTESTED || (p->attested_only && up.key != ATTESTED))
                return;
        ask(&up, &more);
        HOLDS(less->verdict != POLICY_ALLOW || more.verdict == POLICY_ALLOW);
        HOLDS(is_no(less->verdict) || !is_no(more.verdict));
        HOLDS(less->verdict != POLICY_ALLOW || less->grace || less->exception ||
              !(more.grace || more.exception));
        HOLDS(less->aal <= more.aal || more.grace);
}

static void judge(const struct point *p) {
        struct policy_decision d;
        ask(p, &d);
        allowed += d.verdict == POLICY_ALLOW;
        by_grace += d.verdict == POLICY_ALLOW && d.grace;
        by_exception += d.verdict == POLICY_ALLOW && d.exception;
        check_more(p, &d);
        if (wrong)
                fail_msg(
                        "%s does not hold: badge %d key %d others %d role %u service %u exception %u use %d "
                        "assurance %d mode %d past %d state %d time %d check %u named %d attested %d own %d "
                        "in %d user %d throttled %d: verdict %d reason %s",
                        wrong, (int) p->badge, (int) p->key, p->others_badge, p->role, p->service,
                        p->exception, (int) p->use, (int) p->assurance, (int) p->mode, (int) p->past,
                        (int) p->state, (int) p->time, p->check, p->named, p->attested_only, p->own_session,
                        p->in_session, p->user_caller, p->throttled, (int) d.verdict, reason_name(d.reason));
}

/* --- the product: the rules and the past once, then all that may be shown under them */

static void walk_evidence(struct point p) {
        build(&p);
        for (unsigned badge = 0; badge < BADGE_EVIDENCE_MAX; badge++)
                for (unsigned key = 0; key < KEY_MAX; key++)
                        for (unsigned others = 0; others < (badge ? 2U : 1U); others++) {
                                p.badge = (enum badge_evidence) badge;
                                p.key = (enum key) key;
                                p.others_badge = others;
                                judge(&p);
                        }
}

static void walk_past(struct point p) {
        for (unsigned past = 0; past < PAST_MAX; past++)
                for (unsigned time = 0; time < TIME_MAX; time++)
                        for (unsigned own = 0; own < 2; own++) {
                                p.past = (enum past) past;
                                p.time = (enum time) time;
                                p.own_session = own;
                                walk_evidence(p);
                        }
}

/* Every set of factors for role, service and exception, under every assurance, check and use. */
static void factors_grace_and_exceptions_keep_their_limits(void **state) {
        for (unsigned i = 0; i < 4U * 5U * 5U * 2U * 3U * 2U; i++) {
                struct point p = {.role = i % 4,
                                  .service = i / 4 % 5,
                                  .exception = i / 20 % 5,
                                  .use = (enum service_use)(i / 100 % 2),
                                  .assurance = (enum assurance)(i / 200 % 3),
                                  .named = i / 600 % 2};
                walk_past(p);
        }
        print_message("%llu questions, %llu allowed, %llu by grace, %llu by an exception\n",
                      (unsigned long long) asked, (unsigned long long) allowed,
                      (unsigned long long) by_grace, (unsigned long long) by_exception);
        assert_true(allowed > 100000 && by_grace > 1000 && by_exception > 5000);
}

static void checks_and_attestation_take_away_and_give_nothing(void **state) {
        for (unsigned i = 0; i < 4U * 2U * 2U * 5U * 2U * 2U; i++) {
                struct point p = {.role = i % 4,
                                  .exception = i / 4 % 2 ? 1 : 0,
                                  .use = (enum service_use)(i / 8 % 2),
                                  .check = i / 16 % 5,
                                  .attested_only = i / 80 % 2,
                                  .mode = (enum grace_mode)(i / 160 % 2)};
                walk_past(p);
        }
}

static void states_callers_and_failures_stop_everything_else(void **state) {
        for (unsigned i = 0; i < 4U * 3U * 2U * 2U * 2U * 2U * 2U; i++) {
                struct point p = {.role = i % 4,
                                  .state = (enum person_state)(i / 4 % 3),
                                  .use = (enum service_use)(i / 12 % 2),
                                  .in_session = i / 24 % 2,
                                  .user_caller = i / 48 % 2,
                                  .throttled = i / 96 % 2,
                                  .exception = i / 192 % 2 ? 1 : 0};
                walk_past(p);
        }
        print_message("%llu questions\n", (unsigned long long) asked);
}

/* --- a few that the product does not have */

/* The clock was set back by a year: then it is behind the last record, and is not trusted. An exception that
 * ended last week does not come to life, nor does a grace. */
static void a_clock_set_back_a_year_brings_nothing_back(void **state) {
        struct policy_decision d;
        struct point p = {
                .role = 2, .exception = 1, .badge = BADGE_NUMBER, .past = RECENT, .own_session = true};
        build(&p);
        exception.until_usec = NOW - H(7 * 24);
        role.grace_usec = 0;
        policy_decide(&q, &d);
        assert_int_equal(d.verdict, POLICY_NEED_VERIFY);
        p.time = YEAR_BACK;
        build(&p);
        exception.until_usec = NOW - H(7 * 24);
        assert_true(q.clock.realtime_usec < exception.until_usec);
        policy_decide(&q, &d);
        assert_int_equal(d.verdict, POLICY_NEED_VERIFY);
        assert_null(d.exception);
}

static void what_is_asked_for_is_what_the_exception_wants(void **state) {
        struct policy_decision d;
        struct point p = {.role = 2, .exception = 4}; /* key+verify */
        build(&p);
        policy_decide(&q, &d);
        assert_int_equal(d.verdict, POLICY_NEED_VERIFY);
        assert_int_equal(d.needed, FACTOR_KEY | FACTOR_VERIFY);
        exception.until_usec = NOW;
        policy_decide(&q, &d);
        assert_int_equal(d.verdict, POLICY_NEED_BADGE);
        assert_int_equal(d.needed, FACTOR_BADGE | FACTOR_KEY | FACTOR_VERIFY);
}

static void an_exception_is_for_its_people_and_places(void **state) {
        static char *other[] = {(char *) "ben", NULL}, *far[] = {(char *) "ward9", NULL},
                    *here[] = {(char *) "bay2", NULL};
        struct policy_decision d;
        struct point p = {.role = 2, .exception = 1, .badge = BADGE_NUMBER};
        build(&p);
        policy_decide(&q, &d);
        assert_int_equal(d.verdict, POLICY_ALLOW);
        exception.users = (struct words){other, 1};
        policy_decide(&q, &d);
        assert_int_equal(d.verdict, POLICY_NEED_VERIFY);
        exception.groups = (struct words){groups, 1};
        policy_decide(&q, &d);
        assert_int_equal(d.verdict, POLICY_ALLOW);
        exception.stations = (struct words){far, 1};
        policy_decide(&q, &d);
        assert_int_equal(d.verdict, POLICY_NEED_VERIFY);
        exception.stations = (struct words){here, 1};
        policy_decide(&q, &d);
        assert_int_equal(d.verdict, POLICY_ALLOW);
        person.groups = (struct words){other, 1}; /* the group has vanished: no role, and so no exception */
        policy_decide(&q, &d);
        assert_int_equal(d.verdict, POLICY_DENY);
        assert_int_equal(d.reason, REASON_NO_ROLE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(factors_grace_and_exceptions_keep_their_limits),
                cmocka_unit_test(checks_and_attestation_take_away_and_give_nothing),
                cmocka_unit_test(states_callers_and_failures_stop_everything_else),
                cmocka_unit_test(a_clock_set_back_a_year_brings_nothing_back),
                cmocka_unit_test(what_is_asked_for_is_what_the_exception_wants),
                cmocka_unit_test(an_exception_is_for_its_people_and_places),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
