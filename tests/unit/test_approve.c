/* SPDX-License-Identifier: Apache-2.0 */
/* What an approval by somebody's key opens, for how long and by which clock; and who may approve what. */
#include "common/util.h"
#include "policy/approve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define H(n) ((uint64_t) (n) *UINT64_C(3600000000))
#define MIN(n) ((uint64_t) (n) *UINT64_C(60000000))
#define REALTIME (UINT64_C(1795166502) * 1000000U) /* 2026-11-20T09:21:42Z, a Friday */
#define BOOTTIME H(100)

static const char rules_text[] =
        "[Site]\nRelyingParty=wardtap.example.org\n[Station]\nName=bay2\nTags=ward3\n"
        "[Role nurse]\nGroups=nurses\nSignIn=badge+key+verify\nGrace=8h\nGraceCap=10h\n"
        "[Role lead]\nGroups=leads\nHours=06:00-22:00\nSignIn=badge+key+verify\nGrace=0\n"
        "Approves=elevate temporary-badge recover\n"
        "[Role far]\nGroups=nobody\nStations=ward9\nSignIn=badge\n"
        "[Role night]\nGroups=nobody\nHours=22:00-06:00\nSignIn=badge+key+verify\n"
        "[Role reviewer]\nGroups=reviewers\nStations=ward9\nHours=22:00-06:00\nApproves=review-clinical "
        "recover\n"
        "[Role touch]\nGroups=nobody\nSignIn=badge+key\n"
        "[Service lightdm]\nUse=sign-in\n[Service login]\nUse=sign-in\nSignIn=key+verify\n"
        "[Service sudo]\nUse=step-up\n";

static struct rules *rules;

static int setup(void **state) {
        struct rules_errors e;
        return rules_parse_text("t", rules_text, strlen(rules_text), &rules, &e);
}

static int teardown(void **state) {
        rules = rules_free(rules);
        return 0;
}

/* Everything a question borrows: a nurse at her ward by day, with an approval of an hour ago that runs for
 * three more, given in this boot. */
struct built {
        struct policy_question q;
        struct policy_person person;
        struct policy_history history;
        struct policy_elevation elevation;
        char *group[2], *tag[2];
        struct words tags;
};

static struct policy_approval approval_of(int64_t hours_ago, uint64_t for_usec) {
        uint64_t ago = (uint64_t) hours_ago * H(1); /* below zero: it lies ahead */
        return (struct policy_approval){.from_usec = REALTIME - ago,
                                        .from_boottime_usec = BOOTTIME - ago,
                                        .from_boot_id = "this",
                                        .until_usec = REALTIME - ago + for_usec};
}

static void build(struct built *b) {
        static char nurses[] = "nurses", ward[] = "ward3";
        *b = (struct built){0};
        rules->assurance = ASSURANCE_NONE;
        b->group[0] = nurses;
        b->tag[0] = ward;
        b->tags = (struct words){b->tag, 1};
        b->elevation = (struct policy_elevation){"lead", "dora", approval_of(1, H(4))};
        b->person = (struct policy_person){
                .id = 7, .has_account = true, .uid = 1000, .groups = {b->group, 1}, .has_keys = true};
        b->q = (struct policy_question){
                .rules = rules,
                .service = "lightdm",
                .tags = &b->tags,
                .person = &b->person,
                .history = &b->history,
                .clock = {REALTIME, BOOTTIME, "this", true, 4, 561},
        };
}

static void lend(struct built *b) {
        b->q.evidence = (struct policy_evidence){.badge = BADGE_NUMBER,
                                                 .badge_id = 11,
                                                 .badge_person = 7,
                                                 .badge_lent = true,
                                                 .lend = approval_of(1, H(4)),
                                                 .lender = "dora"};
}

static void elevate(struct built *b) {
        b->person.elevations = &b->elevation;
        b->person.n_elevations = 1;
}

static struct policy_decision decide(const struct built *b) {
        struct policy_decision d;
        memset(&d, 0x55, sizeof(d));
        policy_decide(&b->q, &d);
        return d;
}

static void is_role(const struct policy_decision *d, const char *name, bool elevated) {
        assert_non_null(d->role);
        assert_string_equal(d->role->name, name);
        assert_int_equal(d->elevated, elevated);
        assert_int_equal(d->approver != NULL, elevated);
        assert_int_equal(d->until_usec != 0, elevated);
}

/* --- a role for a while */

static void a_role_for_a_while_goes_before_the_persons_own(void **state) {
        struct built b;
        build(&b);
        struct policy_decision d = decide(&b);
        is_role(&d, "nurse", false);
        elevate(&b);
        d = decide(&b);
        is_role(&d, "lead", true);
        assert_string_equal(d.approver, "dora");
        assert_true(d.until_usec == REALTIME + H(3));
        b.group[0] = (char *) "strangers"; /* its groups are not asked for, nor any */
        d = decide(&b);
        is_role(&d, "lead", true);
}

static void it_proves_nothing_by_itself(void **state) {
        struct built b;
        build(&b);
        elevate(&b);
        assert_int_equal(decide(&b).verdict, POLICY_NEED_BADGE);
        b.q.evidence = (struct policy_evidence){.badge = BADGE_NUMBER, .badge_id = 11, .badge_person = 7};
        assert_int_equal(decide(&b).verdict, POLICY_NEED_VERIFY);
        b.person.state = PERSON_SUSPENDED;
        assert_int_equal(decide(&b).reason, REASON_PERSON_SUSPENDED);
}

static void it_ends_by_itself_to_the_microsecond(void **state) {
        struct built b;
        build(&b);
        elevate(&b);
        b.q.clock.boottime_usec = BOOTTIME + H(3) - 1;
        struct policy_decision d = decide(&b);
        is_role(&d, "lead", true);
        b.q.clock.boottime_usec++;
        d = decide(&b);
        is_role(&d, "nurse", false);
        b.group[0] = (char *) "strangers";
        assert_int_equal(decide(&b).reason, REASON_NO_ROLE);
}

static void where_and_when_it_does_not_fit_her_own_role_counts(void **state) {
        static const char *const names[] = {"far", "night", "no-such-role"};
        struct built b;
        build(&b);
        elevate(&b);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                b.elevation.role = names[i];
                struct policy_decision d = decide(&b);
                is_role(&d, "nurse", false);
        }
        b.elevation.role = "night";
        b.q.clock.minute = 23 * 60;
        struct policy_decision d = decide(&b);
        is_role(&d, "night", true);
}

static void the_newest_that_fits_counts(void **state) {
        struct built b;
        build(&b);
        const struct policy_elevation two[] = {{"night", "edda", approval_of(0, H(1))},
                                               {"touch", "dora", approval_of(1, H(2))}};
        b.person.elevations = two;
        b.person.n_elevations = 2;
        struct policy_decision d = decide(&b);
        is_role(&d, "touch", true);
        assert_string_equal(d.approver, "dora");
}

/* --- by which clock */

static void an_approval_holds_by_the_boot_clock_and_later_by_a_trusted_one(void **state) {
        const struct policy_clock now = {REALTIME, BOOTTIME, "this", true, 4, 561};
        struct policy_approval a = approval_of(1, H(4));
        struct policy_clock c = now;
        uint64_t age = 0;
        assert_true(policy_approval_holds(&a, &c, &age) && age == H(1));
        c.realtime_usec += H(1000); /* the wall clock jumps, and says nothing inside one boot */
        c.trusted = false;
        assert_true(policy_approval_holds(&a, &c, &age) && age == H(1));
        c = now;
        memcpy(c.boot_id, "next", 5); /* in another boot it says all, if it is trusted */
        c.boottime_usec = 1;
        assert_true(policy_approval_holds(&a, &c, &age) && age == H(1));
        c.trusted = false;
        assert_false(policy_approval_holds(&a, &c, &age));
        c.trusted = true;
        c.realtime_usec = REALTIME - H(2); /* before it was given */
        assert_false(policy_approval_holds(&a, &c, &age));
        c.realtime_usec = a.until_usec;
        assert_false(policy_approval_holds(&a, &c, &age));
        c.realtime_usec--;
        assert_true(policy_approval_holds(&a, &c, &age));
}

static void one_from_the_future_or_that_ends_before_it_begins_holds_never(void **state) {
        const struct policy_clock now = {REALTIME, BOOTTIME, "this", true, 4, 561};
        struct policy_approval a = approval_of(-1, H(4));
        uint64_t age = 0;
        assert_false(policy_approval_holds(&a, &now, &age));
        a = approval_of(1, 0);
        assert_false(policy_approval_holds(&a, &now, &age));
        a = (struct policy_approval){0};
        assert_false(policy_approval_holds(&a, &now, &age));
        a.until_usec = UINT64_MAX; /* without a boot it is the wall clock's, from 1970 */
        assert_true(policy_approval_holds(&a, &now, &age));
}

/* Tickets and leases. */
static void a_span_ends_by_whichever_clock_says_so_and_stays_over(void **state) {
        const struct policy_clock now = {REALTIME, BOOTTIME, "this", true, 4, 561};
        const uint64_t year = H(8760);
        struct policy_approval a = approval_of(1, H(4));
        struct policy_clock c = now;
        assert_true(policy_span_holds(&a, &c));
        c.realtime_usec -= year; /* set back: its boot's clock goes on */
        assert_true(policy_span_holds(&a, &c));
        c.boottime_usec += H(3);
        assert_false(policy_span_holds(&a, &c));
        c = now;
        c.realtime_usec = a.until_usec;
        assert_false(policy_span_holds(&a, &c));
        c = now;
        memcpy(c.boot_id, "next", 5);
        c.trusted = false; /* a station that nothing synchronises */
        assert_true(policy_span_holds(&a, &c));
        c.realtime_usec -= year;
        assert_false(policy_span_holds(&a, &c));
        c.trusted = true;
        assert_false(policy_span_holds(&a, &c));
        a = (struct policy_approval){0};
        assert_false(policy_span_holds(&a, &now));
}

/* --- a temporary badge */

static void a_temporary_badge_begins_a_session_and_says_what_it_is(void **state) {
        struct built b;
        build(&b);
        lend(&b);
        struct policy_decision d = decide(&b);
        assert_int_equal(d.verdict, POLICY_ALLOW);
        assert_true(d.lent);
        assert_false(d.strong || d.grace || d.grace_renew);
        assert_int_equal(d.aal, 0);
        assert_string_equal(d.lender, "dora");
        assert_true(d.until_usec == REALTIME + H(3));
}

static void it_opens_what_grace_would_and_nothing_else(void **state) {
        static const struct {
                const char *service, *group;
                enum assurance assurance;
                enum badge_evidence badge;
                enum policy_verdict verdict;
        } cases[] = {
                {"lightdm", "nurses", ASSURANCE_NONE, BADGE_NUMBER, POLICY_ALLOW},
                {"login", "nurses", ASSURANCE_NONE, BADGE_NUMBER, POLICY_NEED_VERIFY}, /* key alone */
                {"sudo", "nurses", ASSURANCE_NONE, BADGE_NUMBER, POLICY_NEED_VERIFY},
                {"lightdm", "leads", ASSURANCE_NONE, BADGE_NUMBER, POLICY_NEED_VERIFY}, /* Grace=0 */
                {"lightdm", "nurses", ASSURANCE_AAL2, BADGE_NUMBER, POLICY_NEED_VERIFY},
                {"lightdm", "nurses", ASSURANCE_AAL2, BADGE_SECRET, POLICY_ALLOW},
                {"lightdm", "nurses", ASSURANCE_AAL3, BADGE_SECRET, POLICY_NEED_VERIFY},
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct built b;
                build(&b);
                lend(&b);
                b.q.service = cases[i].service;
                b.group[0] = (char *) cases[i].group;
                rules->assurance = cases[i].assurance;
                b.q.evidence.badge = cases[i].badge;
                struct policy_decision d = decide(&b);
                if (d.verdict != cases[i].verdict || d.lent != (d.verdict == POLICY_ALLOW))
                        fail_msg("case %zu gives %d", i, (int) d.verdict);
        }
}

static void it_is_refused_when_its_time_is_over_even_with_the_key(void **state) {
        struct built b;
        build(&b);
        lend(&b);
        b.q.evidence.key_present = b.q.evidence.key_verified = true;
        struct policy_decision d = decide(&b);
        assert_true(d.verdict == POLICY_ALLOW && d.strong && !d.lent); /* with her key it is a full one */
        b.q.evidence.lend = approval_of(4, H(4));
        d = decide(&b);
        assert_int_equal(d.verdict, POLICY_DENY);
        assert_int_equal(d.reason, REASON_BADGE_LEND_OVER);
}

static void after_the_time_of_grace_it_takes_the_key(void **state) {
        struct built b;
        build(&b);
        lend(&b);
        b.q.evidence.lend = approval_of(8, H(14));
        assert_int_equal(decide(&b).verdict, POLICY_ALLOW);
        b.q.evidence.lend = approval_of(9, H(14));
        assert_int_equal(decide(&b).verdict, POLICY_NEED_VERIFY);
}

static void meanwhile_the_own_badge_opens_nothing(void **state) {
        struct built b;
        build(&b);
        b.q.evidence = (struct policy_evidence){.badge = BADGE_NUMBER,
                                                .badge_id = 12,
                                                .badge_person = 7,
                                                .badge_aside = true,
                                                .key_present = true,
                                                .key_verified = true};
        assert_int_equal(decide(&b).reason, REASON_BADGE_ASIDE);
        b.q.evidence.badge_aside = false;
        assert_int_equal(decide(&b).verdict, POLICY_ALLOW);
        b.q.evidence.badge_suspended = true;
        assert_int_equal(decide(&b).reason, REASON_BADGE_SUSPENDED);
        b.q.evidence.badge_ended = true;
        assert_int_equal(decide(&b).reason, REASON_BADGE_ENDED);
}

static void both_together_end_with_the_earlier(void **state) {
        struct built b;
        build(&b);
        lend(&b);
        elevate(&b);
        b.elevation = (struct policy_elevation){"touch", "edda", approval_of(1, H(2))};
        struct policy_decision d = decide(&b);
        assert_true(d.verdict == POLICY_ALLOW && d.lent && d.elevated);
        assert_true(d.until_usec == REALTIME + H(1));
        assert_string_equal(d.approver, "edda");
        assert_string_equal(d.lender, "dora");
}

/* --- who may approve */

struct asked {
        struct approve_question q;
        struct policy_person approver;
        struct policy_history history;
        char *group[2], *tag[2];
        struct words tags;
};

static void build_asked(struct asked *a) {
        static char leads[] = "leads", ward[] = "ward3";
        *a = (struct asked){0};
        a->group[0] = leads;
        a->tag[0] = ward;
        a->tags = (struct words){a->tag, 1};
        a->approver = (struct policy_person){
                .id = 9, .has_account = true, .groups = {a->group, 1}, .has_keys = true};
        a->q = (struct approve_question){
                .rules = rules,
                .tags = &a->tags,
                .action = APPROVE_RECOVER,
                .subject = 7,
                .approver = &a->approver,
                .history = &a->history,
                .clock = {REALTIME, BOOTTIME, "this", true, 4, 561},
        };
}

static enum reason ask(const struct asked *a) {
        const struct rule_role *role = NULL;
        uint64_t wait = 0;
        enum reason r = policy_may_approve(&a->q, &role, &wait);
        if (r == REASON_NONE && a->q.action != APPROVE_ACTION_INVALID)
                assert_non_null(role);
        if (r != REASON_NONE)
                assert_null(role);
        assert_int_equal(wait > 0, r == REASON_THROTTLED);
        return r;
}

static void each_refusal_has_its_reason(void **state) {
        const int64_t self[] = {3, 9}, other[] = {3};
        struct asked a;
        build_asked(&a);
        assert_int_equal(ask(&a), REASON_NONE);
        a.q.others = other;
        a.q.n_others = 1;
        assert_int_equal(ask(&a), REASON_NONE);
        a.q.others = self;
        a.q.n_others = 2;
        assert_int_equal(ask(&a), REASON_APPROVER_TWICE);
        a.q.subject = 9;
        assert_int_equal(ask(&a), REASON_APPROVER_SAME);

        build_asked(&a);
        a.q.rules = NULL;
        assert_int_equal(ask(&a), REASON_NO_RULES);
        build_asked(&a);
        a.q.action = APPROVE_TICKET;
        assert_int_equal(ask(&a), REASON_APPROVER_ROLE);
        build_asked(&a);
        a.group[0] = (char *) "nurses";
        assert_int_equal(ask(&a), REASON_APPROVER_ROLE);
        a.group[0] = (char *) "strangers";
        assert_int_equal(ask(&a), REASON_NO_ROLE);
        build_asked(&a);
        a.q.clock.minute = 23 * 60;
        assert_int_equal(ask(&a), REASON_NOT_THIS_HOUR);
        build_asked(&a);
        a.approver.has_keys = false;
        assert_int_equal(ask(&a), REASON_NO_KEY_ENROLLED);
        build_asked(&a);
        a.approver.has_account = false;
        assert_int_equal(ask(&a), REASON_NO_ACCOUNT);
        build_asked(&a);
        a.history = (struct policy_history){.failures = 4, .last_failure_boottime_usec = BOOTTIME - 1};
        memcpy(a.history.last_failure_boot_id, "this", 5);
        assert_int_equal(ask(&a), REASON_THROTTLED);
}

/* The review of an emergency is a desk's work: her groups alone say whether she may. */
static void a_review_is_bound_to_no_station_and_no_hour(void **state) {
        static const enum approve_action reviews[] = {APPROVE_REVIEW_CLINICAL, APPROVE_REVIEW_SECURITY};
        struct asked a;
        for (size_t i = 0; i < ELEMENTSOF(reviews); i++) {
                build_asked(&a);
                a.q.action = reviews[i];
                assert_int_equal(ask(&a), REASON_APPROVER_ROLE);
                a.group[0] = (char *) "reviewers"; /* at another ward, and by night */
                assert_int_equal(ask(&a), i == 0 ? REASON_NONE : REASON_APPROVER_ROLE);
                a.q.subject = 9;
                assert_int_equal(ask(&a), REASON_APPROVER_SAME);
                a.q.subject = 0; /* an emergency account's: nobody's own */
                a.group[0] = (char *) "strangers";
                assert_int_equal(ask(&a), REASON_NO_ROLE);
        }
        build_asked(&a);
        a.group[0] = (char *) "reviewers";
        a.q.action = APPROVE_RECOVER; /* nothing else is */
        assert_int_equal(ask(&a), REASON_NOT_THIS_STATION);
}

static void an_account_that_is_nobodys_own_approves_nothing(void **state) {
        struct asked a;
        build_asked(&a);
        a.approver.emergency_account = true;
        for (int action = 0; action < APPROVE_ACTION_MAX; action++) {
                a.q.action = (enum approve_action) action;
                assert_int_equal(ask(&a), REASON_APPROVER_ROLE);
        }
        build_asked(&a);
        a.approver.agency = true;
        assert_int_equal(ask(&a), REASON_NOT_LEASED);
        a.approver.leased = true;
        a.approver.leased_until_usec = REALTIME;
        assert_int_equal(ask(&a), REASON_NOT_LEASED);
        a.approver.leased_until_usec++;
        assert_int_equal(ask(&a), REASON_NONE);
}

static void whoever_is_not_active_now_approves_nothing(void **state) {
        struct asked a;
        build_asked(&a);
        a.approver.state = PERSON_SUSPENDED;
        assert_int_equal(ask(&a), REASON_PERSON_SUSPENDED);
        a.approver.state = PERSON_ENDED;
        assert_int_equal(ask(&a), REASON_PERSON_ENDED);
        for (unsigned trusted = 0; trusted < 2; trusted++) { /* whatever the clock is worth */
                build_asked(&a);
                a.q.clock.trusted = trusted;
                a.approver.not_before_usec = REALTIME + 1;
                assert_int_equal(ask(&a), REASON_PERSON_NOT_YET);
                a.approver.not_before_usec = REALTIME;
                assert_int_equal(ask(&a), REASON_NONE);
                a.approver.not_after_usec = REALTIME;
                assert_int_equal(ask(&a), REASON_PERSON_EXPIRED);
                a.approver.not_after_usec = REALTIME + 1;
                assert_int_equal(ask(&a), REASON_NONE);
                a.history.any_strong = true;
                a.history.strong_usec = REALTIME + 2; /* the clock was set back since: it may be over */
                assert_int_equal(ask(&a), REASON_PERSON_EXPIRED);
                a.approver.not_after_usec = 0;
                assert_int_equal(ask(&a), REASON_NONE);
        }
}

static void a_role_for_a_while_approves_nothing(void **state) {
        struct asked a;
        build_asked(&a);
        a.group[0] = (char *) "nurses";
        const struct policy_elevation lead = {"lead", "dora", approval_of(0, H(1))};
        a.approver.elevations = &lead;
        a.approver.n_elevations = 1;
        assert_int_equal(ask(&a), REASON_APPROVER_ROLE);
}

static void what_is_her_own_affair_nobody_else_may(void **state) {
        struct asked a;
        build_asked(&a);
        a.q.action = APPROVE_ACTION_INVALID;
        assert_int_equal(ask(&a), REASON_KEY_NOT_YOURS);
        a.q.subject = 9;
        a.group[0] = (char *) "strangers"; /* and takes no role */
        assert_int_equal(ask(&a), REASON_NONE);
}

static void the_shift_ends_with_the_hours(void **state) {
        struct hours_span day[] = {{0x7f, 6 * 60, 22 * 60}}, night[] = {{0x10, 22 * 60, 6 * 60}};
        struct policy_clock c = {.weekday = 4, .minute = 561};
        assert_int_equal(policy_minutes_left(&(struct hours){day, 1}, &c, 840), 22 * 60 - 561);
        assert_int_equal(policy_minutes_left(&(struct hours){day, 1}, &c, 60), 60);
        assert_int_equal(policy_minutes_left(&(struct hours){0}, &c, 840), 840);
        c.minute = 23 * 60; /* Friday night, into Saturday */
        assert_int_equal(policy_minutes_left(&(struct hours){night, 1}, &c, 840), 7 * 60);
}

#define T(f) cmocka_unit_test(f)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(a_role_for_a_while_goes_before_the_persons_own),
                T(it_proves_nothing_by_itself),
                T(it_ends_by_itself_to_the_microsecond),
                T(where_and_when_it_does_not_fit_her_own_role_counts),
                T(the_newest_that_fits_counts),
                T(an_approval_holds_by_the_boot_clock_and_later_by_a_trusted_one),
                T(a_span_ends_by_whichever_clock_says_so_and_stays_over),
                T(one_from_the_future_or_that_ends_before_it_begins_holds_never),
                T(a_temporary_badge_begins_a_session_and_says_what_it_is),
                T(it_opens_what_grace_would_and_nothing_else),
                T(it_is_refused_when_its_time_is_over_even_with_the_key),
                T(after_the_time_of_grace_it_takes_the_key),
                T(meanwhile_the_own_badge_opens_nothing),
                T(both_together_end_with_the_earlier),
                T(each_refusal_has_its_reason),
                T(a_review_is_bound_to_no_station_and_no_hour),
                T(an_account_that_is_nobodys_own_approves_nothing),
                T(whoever_is_not_active_now_approves_nothing),
                T(a_role_for_a_while_approves_nothing),
                T(what_is_her_own_affair_nobody_else_may),
                T(the_shift_ends_with_the_hours),
        };
        return cmocka_run_group_tests(tests, setup, teardown);
}
