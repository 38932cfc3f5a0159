/* SPDX-License-Identifier: Apache-2.0 */
/* What the rules decide about badges and keys that are suspended, and about accounts that are lent out. */
#include "common/util.h"
#include "policy/decide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define NOW UINT64_C(1795166502000000)
#define HOUR UINT64_C(3600000000)

static const char text[] = "[Site]\nRelyingParty=wardtap.example.org\n[Role nurse]\nGroups=nurses\n"
                           "SignIn=badge+key+verify\nGrace=8h\nGraceCap=10h\n[Service "
                           "lightdm]\nUse=sign-in\n[Service sudo]\nUse=step-up\n";

static struct rules *rules;
static char *groups[] = {(char *) "nurses", NULL};

static int load_rules(void **state) {
        struct rules_errors errors;
        return rules_parse_text("t", text, strlen(text), &rules, &errors);
}

static int free_rules(void **state) {
        rules = rules_free(rules);
        return 0;
}

struct case_ {
        struct policy_person person;
        struct policy_history history;
        struct policy_question question;
        struct words tags;
};

/* A nurse with badge and key, under grace of an hour ago. */
static void begin(struct case_ *c) {
        *c = (struct case_){
                .person = {.id = 1,
                           .has_account = true,
                           .uid = 2001,
                           .groups = {groups, 1},
                           .has_keys = true,
                           .own_session = true},
                .history = {.any_strong = true,
                            .strong_usec = NOW - HOUR,
                            .strong_boottime_usec = 9 * HOUR,
                            .strong_boot_id = "b",
                            .strong_badge_id = 5,
                            .strong_aal = 2},
                .question = {.service = "lightdm",
                             .evidence = {.badge = BADGE_NUMBER, .badge_id = 5, .badge_person = 1},
                             .clock = {.realtime_usec = NOW,
                                       .boottime_usec = 10 * HOUR,
                                       .boot_id = "b",
                                       .trusted = true}},
        };
        c->question.rules = rules;
        c->question.tags = &c->tags;
        c->question.person = &c->person;
        c->question.history = &c->history;
}

static struct policy_decision decide(struct case_ *c) {
        struct policy_decision d;
        policy_decide(&c->question, &d);
        return d;
}

static void a_suspended_badge_lets_nobody_in(void **state) {
        struct case_ c;
        begin(&c);
        assert_int_equal(decide(&c).verdict, POLICY_ALLOW);
        c.question.evidence.badge_suspended = true;
        assert_int_equal(decide(&c).verdict, POLICY_DENY);
        assert_int_equal(decide(&c).reason, REASON_BADGE_SUSPENDED);
        c.question.evidence.key_present = c.question.evidence.key_verified = true; /* nor with a key */
        assert_int_equal(decide(&c).reason, REASON_BADGE_SUSPENDED);
        c.question.evidence.badge_ended = true; /* the end is the stronger word */
        assert_int_equal(decide(&c).reason, REASON_BADGE_ENDED);
}

static void a_ticket_stands_in_for_a_badge_that_was_reported_and_lifts_it(void **state) {
        struct case_ c;
        begin(&c);
        struct policy_evidence *e = &c.question.evidence;
        rules->tickets = true;
        e->badge_suspended = e->badge_reported = true;
        assert_int_equal(decide(&c).reason, REASON_BADGE_SUSPENDED);
        e->ticket = true;
        e->ticket_until_usec = NOW + HOUR;
        struct policy_decision d = decide(&c); /* not by grace, which would not use it up */
        assert_int_equal(d.verdict, POLICY_ALLOW);
        assert_true(d.lowered && !d.grace && !d.strong);
        assert_int_equal(d.proven, 0);
        e->ticket_used = true; /* it gives a session back, and lifts nothing */
        assert_int_equal(decide(&c).reason, REASON_BADGE_SUSPENDED);
        e->ticket_used = false;
        e->badge_reported = false; /* an administrator's suspension */
        assert_int_equal(decide(&c).reason, REASON_BADGE_SUSPENDED);
        e->badge_reported = e->badge_ended = true;
        assert_int_equal(decide(&c).reason, REASON_BADGE_ENDED);
        e->badge_ended = e->badge_suspended = false; /* which cannot be */
        assert_int_equal(decide(&c).reason, REASON_INTERNAL);
        rules->tickets = false;
}

static void keys_that_are_all_suspended_say_so(void **state) {
        struct case_ c;
        begin(&c);
        c.person.own_session = false; /* no grace: the key is needed */
        assert_int_equal(decide(&c).verdict, POLICY_NEED_VERIFY);
        c.person.keys_suspended = true; /* one of two */
        assert_int_equal(decide(&c).verdict, POLICY_NEED_VERIFY);
        c.person.has_keys = false;
        assert_int_equal(decide(&c).verdict, POLICY_DENY);
        assert_int_equal(decide(&c).reason, REASON_KEY_SUSPENDED);
        c.person.keys_suspended = false;
        assert_int_equal(decide(&c).reason, REASON_NO_KEY_ENROLLED);
}

static void an_account_that_nobody_has_lets_nobody_in(void **state) {
        struct case_ c;
        begin(&c);
        c.person.agency = true;
        assert_int_equal(decide(&c).reason, REASON_NOT_LEASED);
        c.person.leased = true;
        c.person.leased_from_usec = NOW - 2 * HOUR;
        c.person.leased_until_usec = NOW + 1;
        assert_int_equal(decide(&c).verdict, POLICY_ALLOW);
        c.person.leased_until_usec = NOW; /* to the microsecond */
        assert_int_equal(decide(&c).reason, REASON_NOT_LEASED);
        c.question.clock.realtime_usec = NOW - 8760 * HOUR; /* set back a year: before it was lent */
        assert_int_equal(decide(&c).reason, REASON_NOT_LEASED);
        c.person.leased_from_boottime_usec =
                c.question.clock.boottime_usec - 2 * HOUR; /* nor inside its boot */
        memcpy(c.person.leased_from_boot_id, "b", 2);
        assert_int_equal(decide(&c).reason, REASON_NOT_LEASED);
        c.person.leased_from_boot_id[0] = 0;
        c.question.clock.realtime_usec = NOW;
        c.question.clock.trusted = false; /* by any clock */
        assert_int_equal(decide(&c).reason, REASON_NOT_LEASED);
}

static void the_grace_of_the_holder_before_is_not_hers(void **state) {
        struct case_ c;
        begin(&c);
        c.person.agency = c.person.leased = true;
        c.person.leased_until_usec = NOW + HOUR;
        c.person.leased_from_usec = c.history.strong_usec + 1;
        assert_int_equal(decide(&c).verdict, POLICY_NEED_VERIFY);
        c.person.leased_from_usec = c.history.strong_usec;
        assert_true(decide(&c).grace);
}

/* One seat at a time, where the rules say so; what is open here may always come back. */
static void somebody_at_another_seat_is_let_in_as_the_rules_say(void **state) {
        static const struct {
                enum other_seats rule;
                bool here;
                enum policy_verdict verdict;
        } cases[] = {{OTHER_SEATS_KEEP, false, POLICY_NEED_VERIFY}, {OTHER_SEATS_KEEP, true, POLICY_ALLOW},
                     {OTHER_SEATS_REFUSE, false, POLICY_DENY},      {OTHER_SEATS_REFUSE, true, POLICY_ALLOW},
                     {OTHER_SEATS_END, false, POLICY_NEED_VERIFY},  {OTHER_SEATS_END, true, POLICY_ALLOW}};
        struct case_ c;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                begin(&c);
                rules->other_seats = cases[i].rule;
                c.person.own_session = cases[i].here;
                c.person.other_seat = true;
                assert_int_equal(decide(&c).verdict, cases[i].verdict);
                if (cases[i].verdict == POLICY_DENY)
                        assert_int_equal(decide(&c).reason, REASON_OTHER_SEAT);
                c.question.service = "sudo"; /* an approval takes no seat */
                assert_int_not_equal(decide(&c).reason, REASON_OTHER_SEAT);
                c.question.service = "lightdm";
                c.person.other_seat = false;
                assert_int_not_equal(decide(&c).verdict, POLICY_DENY);
        }
        rules->other_seats = OTHER_SEATS_KEEP;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_suspended_badge_lets_nobody_in),
                cmocka_unit_test(a_ticket_stands_in_for_a_badge_that_was_reported_and_lifts_it),
                cmocka_unit_test(keys_that_are_all_suspended_say_so),
                cmocka_unit_test(an_account_that_nobody_has_lets_nobody_in),
                cmocka_unit_test(the_grace_of_the_holder_before_is_not_hers),
                cmocka_unit_test(somebody_at_another_seat_is_let_in_as_the_rules_say),
        };
        return cmocka_run_group_tests(tests, load_rules, free_rules);
}
